"""Encoders of one model: encodings per second, share of the machine's matrix rate, and a breakdown of the time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from fixlip_widgets import IncrementalExplainer, InputError, Model, VisionLanguageGame, load_model
from fixlip_widgets.bench.measure import Row, best_of, time_of
from fixlip_widgets.encoders.loading.precision import Precision
from fixlip_widgets.encoders.towers import patches_of
from fixlip_widgets.estimators.masks import draw_masks, split_budget
from fixlip_widgets.support.checks import MAX_BUDGET, MIN_BUDGET
from fixlip_widgets.support.meter import metered

CAPTION = "a black dog next to a yellow hydrant"
GROUPS = {
    "matrix products": ("addmm", "mm", "bmm", "baddbmm", "linear", "mkldnn_linear"),
    "convolutions": ("convolution", "mkldnn_convolution", "cudnn_convolution", "thnn_conv2d"),
    "attention": (
        "softmax",
        "scaled_dot_product",
        "flash_attention",
        "efficient_attention",
        "cudnn_attention",
        "transform_bias_rescale_qkv",
    ),
    "activations": ("gelu", "sigmoid", "relu", "silu", "tanh", "clamp"),
    "normalisations": ("layer_norm", "batch_norm", "native_layer_norm", "native_batch_norm"),
}
REST = "copies and sums"
_ROUNDS, _PRODUCTS = 5, 10


def rows(
    name: str,
    pretrained: Any = False,
    batch: int | None = None,
    precision: Precision | None = None,
    explained: int = 0,
) -> Iterator[Row]:
    """Yield measurements of both encoders of a model, on masks that keep half of the patches and tokens.

    Args:
        name: Model name, as in :func:`fixlip_widgets.load_model`.
        pretrained: Weights; random by default, because they do not affect the time.
        batch: Masks per batch; by default the batch size of the game.
        precision: As in :func:`fixlip_widgets.load_model`.
        explained: Minimum number of image masks of an explanation to measure as well; 0 for none.

    Raises:
        InputError: An explanation of this model cannot use so many masks.
    """
    torch.manual_seed(0)
    model = load_model(name, pretrained=pretrained, precision=precision)
    pixels = torch.randn(3, *model.image_size)
    game = VisionLanguageGame(model, pixels, CAPTION, batch_size=batch)
    budget = _budget_of(game, explained) if explained else None
    yield Row(f"{name}: patches and tokens", game.n_players)
    with torch.inference_mode():
        yield from _image_rows(game)
        if patches_of(model.clip) is not None:
            yield from _removing_rows(game)
        yield from _text_rows(game)
    if budget is not None:
        yield from _explaining_rows(game, budget)


def large_product(model: Model) -> tuple[Callable[[], Any], float]:
    """Return a large matrix product in the model's data type on its device, and its floating-point operations."""
    rows, inner, columns = (8192, 8192, 8192) if model.device.type == "cuda" else (2048, 768, 3072)
    left = torch.randn(rows, inner, device=model.device, dtype=model.dtype)
    right = torch.randn(inner, columns, device=model.device, dtype=model.dtype)
    return lambda: left @ right, 2.0 * rows * inner * columns


def _image_rows(game: VisionLanguageGame) -> Iterator[Row]:
    size, device = game.batch.size, game.model.device
    masks = torch.rand(size, game.n_image, device=device) < 0.5
    masked = torch.where(masks[:, game.labels.to(device)][:, None], game.pixels[None], 0)
    masked = masked.to(game.pixels.dtype)
    encode, own = game.encoder("image"), game.model.clip.encode_image
    with metered(device, memory=True) as first:  # before other work leaves free memory in the process
        encode(masks)
    product, multiplied = large_product(game.model)
    products: list[float] = []
    seconds, bare, _ = best_of(
        _ROUNDS, lambda: encode(masks), lambda: own(masked), lambda: products.extend(best_of(_PRODUCTS, product))
    )
    peak = multiplied / min(products)
    yield Row(
        f"rate of {str(game.model.dtype).removeprefix('torch.')} matrix products on this machine", peak / 1e9, "GFLOP/s"
    )
    yield Row(f"image encodings per second, including masking, batch {size}", size / seconds, "/s")
    yield Row("  × the model's own encode_image on masked pixels", bare / seconds, "×")
    reference = torch.nn.functional.normalize(own(masked).float(), dim=-1)
    yield Row("  largest difference of the embeddings", float((encode(masks) - reference).abs().max()))
    yield Row("  share of the matrix rate", operations(lambda: encode(masks)) / seconds / peak)
    yield Row("  the same, counting all operations of encode_image", operations(lambda: own(masked)) / seconds / peak)
    yield Row("  memory above the model", first.megabytes, "MB")
    for group, share in time_shares(lambda: encode(masks)).items():
        yield Row(f"  time in {group}", share)


def _removing_rows(game: VisionLanguageGame) -> Iterator[Row]:
    """Measure masking="remove", if the encoder supports it."""
    size = game.batch.size
    try:
        shorter = VisionLanguageGame(game.model, game.pixels, CAPTION, batch_size=size, masking="remove")
    except InputError:
        return
    masks = torch.rand(size, game.n_image, device=game.model.device) < 0.5
    encode = shorter.encoder("image")
    (seconds,) = best_of(3, lambda: encode(masks))
    yield Row("  encodings per second with masking='remove'", size / seconds, "/s")


def _text_rows(game: VisionLanguageGame) -> Iterator[Row]:
    size, device = game.batch.size, game.model.device
    masks = torch.rand(size, game.n_text, device=device) < 0.5
    ids = game.model.tokenizer([CAPTION]).to(device).expand(size, -1)
    encode, own = game.encoder("text"), game.model.clip.encode_text
    seconds, bare = best_of(_ROUNDS, lambda: encode(masks), lambda: own(ids))
    yield Row(f"text encodings per second, {game.n_text} tokens, batch {size}", size / seconds, "/s")
    yield Row("  × the model's own encode_text at its full context", bare / seconds, "×")


def _budget_of(game: VisionLanguageGame, image_masks: int) -> int:
    """Return the smallest power of two that covers ``image_masks`` image masks."""
    budget = MIN_BUDGET
    while split_budget(budget, game.n_image, game.n_text)[0] < image_masks:
        budget *= 2
        if budget > MAX_BUDGET:
            most = split_budget(MAX_BUDGET, game.n_image, game.n_text)[0]
            raise InputError(f"An explanation of this model uses at most {most:,} image masks, not {image_masks:,}.")
    return budget


def _explaining_rows(game: VisionLanguageGame, budget: int) -> Iterator[Row]:
    """Measure an explanation, compared with the image encoder alone, and its solve.

    A small explanation runs first, so that a GPU has loaded its kernels.
    """
    device = game.model.device
    first = time_of(lambda: _explain(IncrementalExplainer(game), MIN_BUDGET))
    explainer = IncrementalExplainer(game)
    with metered(device, memory=True) as both:
        encoding = time_of(lambda: explainer.extend(0.5, budget))
        solving = time_of(explainer.explanation)
    again = time_of(explainer.explanation)
    fresh = torch.from_numpy(draw_masks(game.n_image, 0.5, 0, explainer.image_encodes, seed=9, stream=5)).to(device)
    encode = game.encoder("image")
    with torch.inference_mode():
        bare = time_of(lambda: [encode(some) for some in fresh.split(game.batch.size)])
    yield Row(
        f"explanation: {explainer.image_encodes:,} image and {explainer.text_encodes:,} text encodings", encoding, "s"
    )
    yield Row("  ÷ the image encoder alone on as many masks", encoding / bare, "×")
    yield Row(f"  solve, {1 + game.n_players * (game.n_players + 1) // 2:,} terms with standard errors", solving, "s")
    yield Row("  second solve", again, "s")
    yield Row("  memory above the model", both.megabytes, "MB")
    yield Row(f"  first explanation, before this one, at budget {MIN_BUDGET:,}", first, "s")


def _explain(explainer: IncrementalExplainer, budget: int) -> None:
    explainer.extend(0.5, budget)
    explainer.explanation()


def operations(run: Callable[[], Any]) -> float:
    """Return the floating-point operations of the products in a run."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # the counter does not support fused attention
    try:
        # older versions of the counter count nothing in inference mode
        with (
            torch.inference_mode(False),
            torch.no_grad(),
            FlopCounterMode(display=False) as counter,
            sdpa_kernel(SDPBackend.MATH),
        ):
            run()
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
    return float(counter.get_total_flops())


def time_shares(run: Callable[[], Any]) -> dict[str, float]:
    """Return the share of a run's time in each group of operations; the shares sum to 1."""
    kinds = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if torch.cuda.is_available() else [])]
    with profile(activities=kinds) as profiler:
        run()
    return shares_of(profiler.key_averages())


def shares_of(events: Iterable[Any]) -> dict[str, float]:
    """Return the share of each group in the time of profiled operations, on the GPU if it was used."""
    # Count operators only: events of kernels and of their launch contain the same time again.
    run = [event for event in events if event.device_type.name == "CPU" and "::" in event.key]
    spent_by = attrgetter(
        "self_device_time_total" if any(event.self_device_time_total for event in run) else "self_cpu_time_total"
    )
    totals = dict.fromkeys((*GROUPS, REST), 0.0)
    for event in run:
        name = event.key.removeprefix("aten::").lstrip("_")
        group = next((group for group, names in GROUPS.items() if name.startswith(names)), REST)
        totals[group] += spent_by(event)
    whole = sum(totals.values())
    return {group: spent / whole for group, spent in totals.items() if spent}
