"""A pool grows identically with and without asynchronous encoding, as on a GPU."""

import numpy as np
import pytest
import torch

from fixlip_widgets import EncodingError, IncrementalExplainer
from fixlip_widgets.encoders import batches as encoding
from fixlip_widgets.encoders.batches import BatchSize
from fixlip_widgets.explainers.encoded_mask_pool import Pool
from tests.golden import tiny_game

CPU = torch.device("cpu")
N = 7  # so few players that many masks come up again


class Encoder:
    """Embeds a mask as itself, and remembers what it was given; may fail on one of its runs, or hold few masks."""

    def __init__(self, fails_at=None, holds=2**N):
        self.given, self.fails_at, self.holds = [], fails_at, holds

    def __call__(self, masks):
        if len(masks) > self.holds:
            raise torch.OutOfMemoryError("no memory")
        self.given.append(masks.clone())
        embedded = masks.float()
        return embedded * torch.nan if len(self.given) == self.fails_at else embedded


@pytest.fixture(params=[0, 2], ids=["one after the other", "two ahead"])
def ahead(request, monkeypatch):
    monkeypatch.setattr(encoding, "most_ahead", lambda device: request.param)
    return request.param


def new_pool():
    return Pool(N, seed=3, stream=0, name="image")


def array_pool(n, drawn):
    pool = Pool(n, seed=3, stream=0, name="image", design="orthogonal")
    for p, count in drawn:
        for _ in extend(pool, Encoder(), count, p, size=50):
            pass
    return pool


def extend(pool, encode, count, p=0.4, size=8):
    return pool.extend(encode, p, count, BatchSize(size), CPU)


def content(pool, p=0.4):
    modality = pool.modality(p)
    return modality.masks.numpy(), modality.embeddings.numpy(), modality.weights.numpy()


def same(one, other):
    for left, right in zip(content(one), content(other), strict=True):
        np.testing.assert_array_equal(left, right)


def whole(count=60):
    pool = new_pool()
    for _ in extend(pool, Encoder(), count):
        pass
    return pool


def test_every_mask_is_encoded_once_and_found_again(ahead):
    pool, encode = new_pool(), Encoder()
    progress = list(extend(pool, encode, 60))
    assert progress == [8, 16, 24, 32, 40, 48, 56, 60]
    given = torch.cat(encode.given)
    assert len(given) == len(torch.unique(given, dim=0)) == pool.encodes < 60
    masks, embeddings, _ = content(pool)
    assert len(masks) == 60
    np.testing.assert_array_equal(embeddings, masks)
    packed, stored = pool.contents()
    np.testing.assert_array_equal(np.unpackbits(packed, axis=1, count=N), stored.numpy())


def test_each_later_batch_is_awaited_after_the_next_has_started(ahead):
    encode = Encoder()
    steps = extend(new_pool(), encode, 60)
    begun = [len(encode.given) for _ in steps]
    assert begun == [1, *(min(batch + ahead, 8) for batch in range(2, 9))]


@pytest.mark.parametrize("takes_a_second", ["_launch", "_finished"])
def test_nothing_is_started_ahead_of_a_slow_encoder(takes_a_second, monkeypatch):
    """Whether it takes its time to be started or to be done."""
    clock, function = [0.0], getattr(encoding, takes_a_second)

    def slow(*given):
        clock[0] += 1.0
        return function(*given)

    monkeypatch.setattr(encoding, "most_ahead", lambda device: 2)
    monkeypatch.setattr(encoding, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(encoding, takes_a_second, slow)
    encode = Encoder()
    assert [len(encode.given) for _ in extend(new_pool(), encode, 60)] == list(range(1, 9))


def test_a_stopped_pool_resumes_without_a_difference(ahead):
    pool = new_pool()
    steps = extend(pool, Encoder(), 60)
    assert [next(steps), next(steps)] == [8, 16]
    kept = pool.encodes
    steps.close()
    assert (len(pool), pool.encodes) == (16, kept)
    for _ in extend(pool, Encoder(), 44):
        pass
    same(pool, whole())


def test_an_error_keeps_what_was_encoded_before(ahead):
    pool = new_pool()
    with pytest.raises(EncodingError, match="image encoder returned values that are not finite"):
        list(extend(pool, Encoder(fails_at=3), 60))
    assert len(pool) == 16
    for _ in extend(pool, Encoder(), 44):
        pass
    same(pool, whole())


def test_all_masks_are_encoded_after_some_were_drawn(ahead):
    pool, encode = whole(), Encoder()
    drawn = pool.encodes
    assert list(pool.enumerate(encode, BatchSize(8), CPU)) == [32, 64, 96, 128]
    assert sum(map(len, encode.given)) == 2**N - drawn
    masks, embeddings, _ = content(pool)
    np.testing.assert_array_equal(embeddings, masks)


@pytest.mark.parametrize("complete", [False, True])
def test_running_out_of_memory_on_the_way_leaves_no_mask_out(ahead, complete):
    pool, encode, batch = new_pool(), Encoder(), BatchSize(8)
    steps = pool.enumerate(encode, batch, CPU) if complete else pool.extend(encode, 0.4, 60, batch, CPU)
    next(steps)
    encode.holds = 3
    for _ in steps:
        pass
    assert batch.size == 2
    assert len(pool) == (2**N if complete else 60)
    masks, embeddings, _ = content(pool)
    np.testing.assert_array_equal(embeddings, masks)


def test_embeddings_stay_on_devices_with_float64():
    assert [encoding.home(torch.device(name)).type for name in ("cpu", "cuda:1", "mps")] == ["cpu", "cuda", "cpu"]


def test_cudnn_attention_is_disabled_during_a_run():
    chosen = torch.backends.cuda
    before = chosen.cudnn_sdp_enabled()
    try:
        for allowed in (True, False):
            chosen.enable_cudnn_sdp(allowed)
            with encoding.without_cudnn_attention():
                assert not chosen.cudnn_sdp_enabled()
            with pytest.raises(ZeroDivisionError), encoding.without_cudnn_attention():
                1 / 0  # noqa: B018
            assert chosen.cudnn_sdp_enabled() == allowed
    finally:
        chosen.enable_cudnn_sdp(before)


def test_one_probability_is_one_stream_however_it_was_computed():
    explainer, once = IncrementalExplainer(tiny_game()), IncrementalExplainer(tiny_game())
    explainer.extend(0.3, 2**11)
    before = explainer.image_encodes
    explainer.extend(0.1 + 0.2, 2**11)
    once.extend(0.3, 2**11)
    assert explainer.image_encodes == before
    assert explainer.probabilities == once.probabilities == {0.3: explainer.probabilities[0.3]}
    np.testing.assert_array_equal(explainer.explanation(0.1 + 0.2).main_se, once.explanation(0.3).main_se)
    assert explainer.explanation(0.1 + 0.2).p == 0.3


def test_a_pool_saved_with_unrounded_probabilities_counts_its_masks_once():
    pool, saved = new_pool(), new_pool()
    list(extend(saved, Encoder(), 20, p=0.3))
    arrays, metadata = saved.state()
    pool.restore(arrays, {**metadata, "drawn": [[0.3, 20], [0.1 + 0.2, 12]]}, CPU)
    assert pool.counts == {0.3: 20}
    same(pool, saved)


def test_a_pool_grows_from_one_orthogonal_array_to_the_next():
    masks = array_pool(20, [(0.5, 4096), (0.5, 4096)]).modality(0.5).masks
    one, two = 2 * masks[:4096].double() - 1, 2 * masks[4096:].double() - 1
    for signs in (one, two):
        torch.testing.assert_close(signs.T @ signs, 4096 * torch.eye(20, dtype=torch.float64), atol=0, rtol=0)
    assert not (one == two).all()


@pytest.mark.parametrize(("p", "arrays"), [(0.5, True), (0.4, True), (0.9, False)])
def test_errors_are_upper_bounds_only_with_rows_of_arrays(p, arrays):
    pool = array_pool(20, [(0.5, 300), (0.9, 600)])
    assert pool.from_arrays(pool.modality(p)) == arrays
    random = Pool(20, seed=3, stream=0, name="image")
    for _ in extend(random, Encoder(), 300, 0.5):
        pass
    assert not random.from_arrays(random.modality(p))


def test_masks_of_arrays_are_weighted_for_other_p_as_draws_at_one_half():
    """Under the weights, masks keep players independently with probability p, as under those of random masks."""
    drawn = [(0.5, 4096), (0.3, 1000)]
    modality = array_pool(8, drawn).modality(0.4)
    mean = modality.weights @ modality.masks.double()
    torch.testing.assert_close(mean, torch.full_like(mean, 0.4), atol=0.02, rtol=0)


def test_a_saved_pool_of_arrays_continues_its_stream():
    first, again = array_pool(20, [(0.5, 300)]), Pool(20, seed=3, stream=0, name="image", design="orthogonal")
    again.restore(*first.state(), CPU)
    for pool in (first, again):
        for _ in extend(pool, Encoder(), 200, 0.5):
            pass
    for left, right in zip(content(first, 0.5), content(again, 0.5), strict=True):
        np.testing.assert_array_equal(left, right)
