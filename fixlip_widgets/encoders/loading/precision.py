"""Set the numerical precision of encoders, which ``"auto"`` selects by a measurement, and compile them."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import nn

from fixlip_widgets.errors import InputError
from fixlip_widgets.support.files import replacing

Precision = Literal["float32", "bfloat16", "float16", "auto"]
GAIN = 1.2
"""Minimum speed-up of bfloat16 over float32 that justifies its three decimal digits."""
_measured: dict[str, bool] = {}
_convolution_lock = threading.Lock()


def set_precision(clip: nn.Module, precision: str, device: torch.device) -> None:
    """Convert a model's weights in place; the logit's scale and bias stay in float32, as similarities do.

    Raises:
        InputError: The precision is unknown.
    """
    if precision not in get_args(Precision):
        raise InputError(f"precision is {precision!r}; it must be one of {', '.join(get_args(Precision))}.")
    if precision == "auto":
        precision = "bfloat16" if bfloat16_pays(device) else "float32"
    dtype = getattr(torch, precision)
    for module in clip.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if parameter.is_floating_point() and name not in ("logit_scale", "logit_bias"):
                parameter.data = parameter.data.to(dtype)
        for name, buffer in module.named_buffers(recurse=False):
            if buffer.is_floating_point():
                setattr(module, name, buffer.to(dtype))


def bfloat16_pays(device: torch.device) -> bool:
    """Return whether bfloat16 matrix products are at least ``GAIN`` times as fast as float32 ones.

    This is measured once per machine: some CPUs have instructions for bfloat16, others emulate it at half the speed of
    float32.
    """
    key = f"{device.type} {_device_name(device)} torch {torch.__version__} threads {torch.get_num_threads()}"
    if key not in _measured:
        cache = _read_cache()
        if key not in cache:
            gain = _seconds(torch.float32, device) / _seconds(torch.bfloat16, device)
            cache[key] = gain >= GAIN
            _write_cache(cache)
        _measured[key] = bool(cache[key])
    return _measured[key]


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(errors="replace").splitlines() if cpuinfo.is_file() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "processor")


def _seconds(dtype: torch.dtype, device: torch.device) -> float:
    """Return the shortest of several run times of a layer's matrix product, for a small batch."""
    inputs = torch.ones(1600, 768, dtype=dtype, device=device)
    weights = torch.ones(768, 3072, dtype=dtype, device=device)
    times: list[float] = []
    for _ in range(6):
        start = time.perf_counter()
        product = inputs @ weights
        float(product[0, 0])  # waits for the device
        times.append(time.perf_counter() - start)
    return min(times[1:])


def _cache_file() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "fixlip-widgets" / "precision.json"


def _read_cache() -> dict[str, bool]:
    try:
        stored = json.loads(_cache_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stored if isinstance(stored, dict) else {}


def _write_cache(cache: dict[str, bool]) -> None:
    """Store the results for later processes, which measure again if the file cannot be written."""
    path = _cache_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as stream:
            stream.write(json.dumps(cache, indent=1).encode())
    except OSError:
        return


@contextmanager
def full_convolutions(device: torch.device) -> Generator[None]:
    """Run convolutions on a GPU in full float32, instead of cuDNN's default TF32 with three decimal digits."""
    cudnn: Any = torch.backends.cudnn
    if device.type != "cuda":
        yield
        return
    with _convolution_lock:  # the setting applies to all threads
        if not hasattr(cudnn, "conv"):  # older versions of torch have one flag for all operations
            with cudnn.flags(cudnn.enabled, cudnn.benchmark, deterministic=cudnn.deterministic, allow_tf32=False):
                yield
            return
        before = cudnn.conv.fp32_precision
        if before != "ieee":  # torch rejects the older flag if a program has used this setting
            cudnn.conv.fp32_precision = "ieee"
        try:
            yield
        finally:
            if before != "ieee":
                cudnn.conv.fp32_precision = before


def full_products(device: torch.device) -> bool:
    """Return whether PyTorch multiplies float32 matrices in full precision, rather than in TF32 or bfloat16."""
    if device.type not in ("cpu", "cuda"):
        return False
    backends: Any = torch.backends
    library = backends.mkldnn if device.type == "cpu" else backends.cuda
    if not hasattr(library.matmul, "fp32_precision"):  # older versions of torch have one setting for all devices
        return torch.get_float32_matmul_precision() == "highest"
    precision = library.matmul.fp32_precision
    return (backends.fp32_precision if precision == "none" else precision) in ("none", "ieee")


def compile_blocks(clip: nn.Module) -> None:
    """Compile each block of each stack in place; the blocks of a stack share one compilation for all batch sizes."""
    for module in clip.modules():
        if not isinstance(module, (nn.ModuleList, nn.Sequential)) or len(module) < 2:
            continue
        blocks: list[Any] = list(module)
        if len({type(block) for block in blocks}) == 1 and any(True for _ in blocks[0].children()):
            for block in blocks:
                block.compile(dynamic=True)
