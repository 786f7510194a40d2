import threading

import pytest
import torch

from fixlip_widgets.encoders.loading.precision import full_convolutions
from fixlip_widgets.support.threads import WORTH_SHARING, threads_for


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


def test_a_small_solve_does_not_limit_other_threads(three_threads):
    """Neither threads that already exist nor those that first use torch meanwhile, such as a new widget's."""
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


def test_an_error_ends_the_limit(three_threads):
    with pytest.raises(ZeroDivisionError), threads_for(1):
        1 / 0  # noqa: B018
    assert torch.get_num_threads() == 3


GPU = torch.device("cuda")


@pytest.fixture
def precisions():
    """Yield all settings that control the precision of convolutions, and restore them."""
    if not hasattr(torch.backends, "fp32_precision"):
        pytest.skip("this torch has one flag for all operations")
    chosen = [torch.backends, torch.backends.cudnn.conv]
    before = [each.fp32_precision for each in chosen]
    yield chosen
    for each, value in zip(chosen, before, strict=True):
        each.fp32_precision = value


@pytest.mark.parametrize("of_all", ["none", "ieee", "tf32"])
@pytest.mark.parametrize("of_convolutions", ["none", "ieee", "tf32"])
def test_full_convolutions_override_every_precision_setting(precisions, of_all, of_convolutions):
    everything, convolutions = precisions
    everything.fp32_precision, convolutions.fp32_precision = of_all, of_convolutions
    before = [each.fp32_precision for each in precisions]
    with full_convolutions(GPU):
        assert convolutions.fp32_precision != "tf32"
    assert [each.fp32_precision for each in precisions] == before
    with full_convolutions(torch.device("cpu")):
        assert [each.fp32_precision for each in precisions] == before


def in_tf32():
    cudnn = torch.backends.cudnn
    return cudnn.conv.fp32_precision == "tf32" if hasattr(cudnn, "conv") else cudnn.allow_tf32


def test_concurrent_full_convolutions_stay_full_until_both_end():
    entered, left, seen = threading.Event(), threading.Event(), []

    def other():
        with full_convolutions(GPU):
            entered.set()
            left.wait(10)
            seen.append(in_tf32())

    with torch.backends.cudnn.flags(enabled=True, allow_tf32=True):
        with full_convolutions(GPU):
            assert not in_tf32()
            thread = threading.Thread(target=other)
            thread.start()
            entered.wait(0.2)
        left.set()
        thread.join()
        assert seen == [False]
        assert in_tf32()
