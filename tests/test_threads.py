import threading

import pytest
import torch

from fixlip_widgets.loading.precision import full_convolutions
from fixlip_widgets.threads import WORTH_SHARING, threads_for


@pytest.fixture
def three_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def test_a_small_solve_runs_on_one_thread_and_a_large_one_on_all(three_threads):
    with threads_for(WORTH_SHARING / 2):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 3
    with threads_for(WORTH_SHARING):
        assert torch.get_num_threads() == 3


def test_a_small_solve_leaves_other_threads_their_number(three_threads):
    """Those that are there already, and those that use torch for the first time meanwhile, as a new widget's does."""
    seen, limited, looked = {}, threading.Event(), threading.Event()

    def early():
        seen["before"] = torch.get_num_threads()
        limited.wait(10)
        seen["meanwhile"] = torch.get_num_threads()
        looked.set()

    def look():
        seen["newcomer"] = torch.get_num_threads()

    def solve():
        with threads_for(1):
            limited.set()
            looked.wait(10)
            newcomer = threading.Thread(target=look)
            newcomer.start()
            newcomer.join()
            seen["solving"] = torch.get_num_threads()
        seen["solved"] = torch.get_num_threads()

    threads = [threading.Thread(target=early), threading.Thread(target=solve)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {"before": 3, "meanwhile": 3, "newcomer": 3, "solving": 1, "solved": 3}


def test_the_limit_ends_with_an_error(three_threads):
    with pytest.raises(ZeroDivisionError), threads_for(1):
        1 / 0  # noqa: B018
    assert torch.get_num_threads() == 3


def test_full_convolutions_of_two_threads_leave_the_flag_as_it_was():
    before, entered, left = torch.backends.cudnn.allow_tf32, threading.Event(), threading.Event()

    def other():
        with full_convolutions():
            entered.set()
            left.wait(10)

    with torch.backends.cudnn.flags(enabled=True, allow_tf32=True):
        with full_convolutions():
            assert not torch.backends.cudnn.allow_tf32
            thread = threading.Thread(target=other)
            thread.start()
            entered.wait(0.2)
        left.set()
        thread.join()
        assert torch.backends.cudnn.allow_tf32
    assert torch.backends.cudnn.allow_tf32 == before
