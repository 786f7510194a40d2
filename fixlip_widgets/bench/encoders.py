"""One model's encoders: encodings per second, share of what the machine can multiply, and what the rest goes to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from fixlip_widgets import Model, VisionLanguageGame, load_model
from fixlip_widgets.bench.measure import Row, best_in_turn, best_of

CAPTION = "a black dog next to a yellow hydrant"
GROUPS = {
    "matrix products": ("addmm", "mm", "bmm", "baddbmm", "linear", "mkldnn_linear"),
    "convolutions": ("convolution", "mkldnn_convolution", "cudnn_convolution", "thnn_conv2d"),
    "attention's own": ("softmax", "scaled_dot_product", "flash_attention", "transform_bias_rescale_qkv"),
    "activations": ("gelu", "sigmoid", "relu", "silu", "tanh"),
    "normalisations": ("layer_norm", "batch_norm", "native_layer_norm", "native_batch_norm"),
}
REST = "copies and sums"
_ROUNDS, _PRODUCTS = 5, 10


def rows(name: str, pretrained: Any = False, batch: int | None = None) -> Iterator[Row]:
    """Both towers of a model, on masks that keep half of the players.

    Args:
        name: As :func:`fixlip_widgets.load_model` takes it.
        pretrained: Its weights; random ones by default, since they do not change the time.
        batch: Masks per run; the game's own by default.
    """
    torch.manual_seed(0)
    model = load_model(name, pretrained=pretrained)
    pixels = torch.randn(3, *model.image_size)
    game = VisionLanguageGame(model, pixels, CAPTION, batch_size=batch)
    yield Row(f"{name}: players, image and text", game.n_players)
    with torch.inference_mode():
        yield from _image_rows(game)
        yield from _text_rows(game)


def large_product(model: Model) -> tuple[Callable[[], Any], float]:
    """A large matrix product in the model's type on its device, and its floating-point operations."""
    rows, inner, columns = (8192, 8192, 8192) if model.device.type == "cuda" else (2048, 768, 3072)
    left = torch.randn(rows, inner, device=model.device, dtype=model.dtype)
    right = torch.randn(inner, columns, device=model.device, dtype=model.dtype)
    return lambda: left @ right, 2.0 * rows * inner * columns


def _image_rows(game: VisionLanguageGame) -> Iterator[Row]:
    size, device = game.batch.size, game.model.device
    masks = torch.rand(size, game.n_image, device=device) < 0.5
    masked = torch.where(masks[:, game._labels.to(device)][:, None], game.pixels[None], 0)  # pyright: ignore[reportPrivateUsage]
    masked = masked.to(game.pixels.dtype)
    encode, own = game.encoder("image"), game.model.clip.encode_image
    product, multiplied = large_product(game.model)
    products: list[float] = []
    seconds, bare, _ = best_in_turn(
        _ROUNDS,
        _waiting(lambda: encode(masks), device),
        _waiting(lambda: own(masked), device),
        lambda: products.append(best_of(_PRODUCTS, _waiting(product, device))),
    )
    peak = multiplied / min(products)
    yield Row(
        f"this machine multiplies {str(game.model.dtype).removeprefix('torch.')} matrices at", peak / 1e9, "GFLOP/s"
    )
    yield Row(f"image encodings a second, masking included, batch {size}", size / seconds, "/s")
    yield Row("  × the model's own encode_image on pixels masked before", bare / seconds, "×")
    reference = torch.nn.functional.normalize(own(masked).float(), dim=-1)
    yield Row("  largest difference of the embeddings", float((encode(masks) - reference).abs().max()))
    yield Row("  share of the matrix rate", operations(lambda: encode(masks)) / seconds / peak)
    for group, share in time_shares(lambda: encode(masks)).items():
        yield Row(f"  time in {group}", share)


def _text_rows(game: VisionLanguageGame) -> Iterator[Row]:
    size, device = game.batch.size, game.model.device
    masks = torch.rand(size, game.n_text, device=device) < 0.5
    ids = game.model.tokenizer([CAPTION]).to(device).expand(size, -1)
    encode, own = game.encoder("text"), game.model.clip.encode_text
    seconds, bare = best_in_turn(_ROUNDS, _waiting(lambda: encode(masks), device), _waiting(lambda: own(ids), device))
    yield Row(f"text encodings a second, {game.n_text} tokens, batch {size}", size / seconds, "/s")
    yield Row("  × the model's own encode_text at its full context", bare / seconds, "×")


def operations(run: Callable[[], Any]) -> float:
    """Floating-point operations of the products in a run."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # the counter does not see into fused attention
    try:
        with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
            run()
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
    return float(counter.get_total_flops())


def time_shares(run: Callable[[], Any]) -> dict[str, float]:
    """Share of a run's time in each group of operations; they sum to 1."""
    kinds = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if torch.cuda.is_available() else [])]
    with profile(activities=kinds) as profiler:
        run()
    totals = dict.fromkeys((*GROUPS, REST), 0.0)
    for event in profiler.key_averages():
        name = event.key.removeprefix("aten::").lstrip("_")
        group = next((group for group, names in GROUPS.items() if name.startswith(names)), REST)
        totals[group] += event.self_device_time_total or event.self_cpu_time_total
    whole = sum(totals.values())
    return {group: spent / whole for group, spent in totals.items() if spent}


def _waiting(run: Callable[[], Any], device: torch.device) -> Callable[[], Any]:
    """The same, and wait for the device."""

    def both() -> None:
        run()
        if device.type == "cuda":
            torch.cuda.synchronize()

    return both
