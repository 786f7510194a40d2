"""The worker: the newest job wins, a chore gets in between, and nothing ends the thread but close."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from fixlip_widgets.widget.worker import Job, Worker

SECONDS = 30.0


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.close(SECONDS)


def job(generation: int) -> Job:
    return Job(generation, 0.5, 2**8, "a dog")


def until_stopped(started: threading.Event) -> Callable[[Job], None]:
    def run(job: Job) -> None:
        started.set()
        assert job.stop.wait(SECONDS)

    return run


def test_of_many_jobs_the_newest_is_done(worker: Worker) -> None:
    done: list[int] = []
    started = threading.Event()
    worker.submit(job(0), until_stopped(started))
    assert started.wait(SECONDS)
    for generation in range(1, 100):
        worker.submit(job(generation), lambda job: done.append(job.generation))
    assert worker.wait(SECONDS)
    assert done[-1] == 99
    assert done == sorted(done)
    assert len(done) < 99, "jobs that were replaced while another ran are not done"


def test_a_newer_job_stops_the_older_without_cancelling_it(worker: Worker) -> None:
    started, older = threading.Event(), job(1)
    worker.submit(older, until_stopped(started))
    assert started.wait(SECONDS)
    worker.submit(job(2), lambda _: None)
    assert worker.wait(SECONDS)
    assert (older.stop.is_set(), older.cancelled) == (True, False)


def test_cancel_stops_and_says_so(worker: Worker) -> None:
    started, running = threading.Event(), job(1)
    worker.submit(running, until_stopped(started))
    assert started.wait(SECONDS)
    worker.cancel()
    assert worker.wait(SECONDS)
    assert (running.stop.is_set(), running.cancelled) == (True, True)


def test_a_chore_is_done_at_rest_and_in_the_middle_of_a_job() -> None:
    done = threading.Event()
    worker = Worker()
    worker.ask(done.set)
    assert done.wait(SECONDS)
    done.clear()

    def run(_: Job) -> None:
        worker.ask(done.set)
        worker.do_chores()
        assert done.is_set()

    worker.submit(job(1), run)
    assert worker.wait(SECONDS)
    assert done.is_set()
    worker.close(SECONDS)


def test_wait_gives_up_and_refuses_to_wait_for_itself(worker: Worker) -> None:
    started = threading.Event()
    refused: list[str] = []

    def run(job: Job) -> None:
        with pytest.raises(RuntimeError, match="wait for itself"):
            worker.wait()
        refused.append("yes")
        until_stopped(started)(job)

    worker.submit(job(1), run)
    assert started.wait(SECONDS)
    assert not worker.wait(0.01)
    worker.cancel()
    assert worker.wait(SECONDS)
    assert refused == ["yes"]


def test_what_an_observer_raises_is_reported_and_survived(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    reported: list[str] = []
    monkeypatch.setattr(threading, "excepthook", lambda given: reported.append(str(given.exc_value)))
    done: list[int] = []

    def fail(_: Job) -> None:
        raise ValueError("an observer's mistake")

    worker.submit(job(1), fail)
    assert worker.wait(SECONDS)
    worker.submit(job(2), lambda job: done.append(job.generation))
    assert worker.wait(SECONDS)
    assert (reported, done) == (["an observer's mistake"], [2])


def test_after_close_nothing_is_done() -> None:
    worker, done = Worker(), []
    worker.close(SECONDS)
    worker.submit(job(1), lambda job: done.append(job.generation))
    assert worker.wait(SECONDS)
    assert (done, worker.alive) == ([], False)


@pytest.mark.slow
def test_a_process_ends_cleanly_while_a_widget_is_at_work() -> None:
    script = (
        "from fixlip_widgets import FixlipWidget, IncrementalExplainer\n"
        "from tests.golden import tiny_game\n"
        "widget = FixlipWidget(explainer=IncrementalExplainer(tiny_game(batch_size=8)), budget=2**22)\n"
        "print(widget.status)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "running", "")


def test_a_following_job_waits_only_for_the_final_result(worker: Worker) -> None:
    started, may_end, order = threading.Event(), threading.Event(), list[str]()

    def refine(job: Job) -> None:
        started.set()
        assert may_end.wait(SECONDS)
        order.append("stopped" if job.stop.is_set() else "result")
        worker.settle()
        assert job.stop.wait(SECONDS), "a job that is following up is stopped"
        order.append("later")

    worker.submit(job(1), refine)
    assert started.wait(SECONDS)
    worker.follow(job(1), lambda _: order.append("followed"))
    may_end.set()
    assert worker.wait(SECONDS)
    assert order == ["result", "later", "followed"]


def test_a_submitted_job_replaces_a_following_job(worker: Worker) -> None:
    started, done = threading.Event(), list[str]()
    worker.submit(job(1), until_stopped(started))
    assert started.wait(SECONDS)
    worker.follow(job(1), lambda _: done.append("followed"))
    worker.submit(job(2), lambda _: done.append("submitted"))
    assert worker.wait(SECONDS)
    assert done == ["submitted"]


def test_a_pause_ends_with_the_next_request(worker: Worker) -> None:
    done: list[int] = []
    started = threading.Event()

    def pausing(job: Job) -> None:
        started.set()
        worker.pause(10 * SECONDS)
        done.append(job.generation)

    worker.submit(job(1), pausing)
    assert started.wait(SECONDS)
    worker.submit(job(2), lambda job: done.append(job.generation))
    assert worker.wait(SECONDS)
    assert done == [1, 2]


def test_nothing_starts_while_it_is_held(worker: Worker) -> None:
    done = threading.Event()
    with worker.held():
        worker.ask(done.set)
        worker.submit(job(1), lambda _: done.set())
        assert not done.wait(0.1)
        assert not worker.wait(0)
    assert done.wait(SECONDS)
