"""Read weights files without executing code from them, and without network access if they are cached."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch
from packaging.version import Version
from safetensors import SafetensorError
from torch import nn

from fixlip_widgets.encoders.loading.mismatched_weights import adapt_on_load, check_sizes, misfit, shapes_in
from fixlip_widgets.errors import ModelError
from fixlip_widgets.support.open_clip import open_clip

CHECKPOINTS = (".pt", ".pth", ".bin", ".ckpt")
"""File extensions of torch checkpoints."""
PREFERRED = (
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "model.safetensors",
    "open_clip_pytorch_model.bin",
)
"""Usual names of weights files in folders and on hubs, safetensors first."""
_SAFE_SINCE = Version("2.6")
"""Earlier versions of torch can execute code even with ``weights_only`` (CVE-2025-32434)."""
_ZIP, _PICKLES = b"PK", (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


def check_weights_file(path: Path) -> None:
    """Raise ModelError unless a file is in safetensors format or in the archive format of torch checkpoints.

    Raises:
        ModelError: The file does not exist, is a pickle, or cannot be read safely by this version of torch.
    """
    if not path.is_file():
        raise ModelError(f"The weights file {path} does not exist.")
    with path.open("rb") as stream:
        start = stream.read(2)
    if path.suffix == ".safetensors" and start != _ZIP and start not in _PICKLES:
        return
    if path.suffix not in CHECKPOINTS or start != _ZIP:
        raise ModelError(
            f"The weights file {path} is neither in safetensors format nor a tensor-only checkpoint written by "
            "torch.save; pickled checkpoints are rejected because loading one can execute arbitrary code. If you trust "
            "the file, convert it first: safetensors.torch.save_file(state_dict, 'weights.safetensors')."
        )
    if Version(torch.__version__).release < _SAFE_SINCE.release:
        raise ModelError(
            f"The checkpoint {path} is only safe to read with torch {_SAFE_SINCE} or newer; the installed version is "
            f"{torch.__version__}. Update torch, or convert the file to safetensors."
        )


def load_weights(clip: nn.Module, path: Path, *, resize: bool = False) -> None:
    """Load a weights file into an open_clip model; open_clip converts names that it recognises.

    Position embeddings are resampled to the model's image size only if ``resize``.

    Raises:
        ModelError: The file cannot be read safely, is damaged, or does not fit the model.
    """
    check_weights_file(path)
    load: Any = open_clip.load_checkpoint
    try:
        check_sizes(clip, shapes_in(path), path, resize=resize)
        adapt_on_load(clip)
        load(clip, str(path), strict=True, weights_only=True)
    except SafetensorError as error:
        raise ModelError(f"The weights file {path} is damaged or not in safetensors format: {error}.") from error
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"The checkpoint {path} contains more than tensors and is rejected because loading it can execute "
            "arbitrary code. Save only its state_dict: "
            "safetensors.torch.save_file(state_dict, 'weights.safetensors')."
        ) from error
    except (OSError, RuntimeError, KeyError, AttributeError, StopIteration, TypeError) as error:
        if isinstance(error, OSError) or "PytorchStreamReader" in str(error):
            raise ModelError(f"The checkpoint {path} is damaged; download or copy it again.") from error
        if "TorchScript" in str(error):
            raise ModelError(
                f"The checkpoint {path} is a TorchScript archive, which contains code and is rejected. Save only its "
                "state_dict: safetensors.torch.save_file(state_dict, 'weights.safetensors')."
            ) from error
        raise ModelError(f"The weights in {path} do not fit the model: {misfit(error)}") from error


def weights_in(folder: Path) -> Path:
    """Return the weights file of a folder: the one with a usual name, or the only one.

    Raises:
        ModelError: The folder has no weights file, or several and none with a usual name.
    """
    for name in PREFERRED:
        if (folder / name).is_file():
            return folder / name
    files = sorted(each for ending in (".safetensors", *CHECKPOINTS) for each in folder.glob(f"*{ending}"))
    if len(files) == 1:
        return files[0]
    names = ", ".join(each.name for each in files)
    raise ModelError(
        f"The folder {folder} has several weights files ({names}); pass one of them as pretrained=."
        if files
        else f"The folder {folder} has no weights file, such as {PREFERRED[0]}; pass one as pretrained=."
    )


def cached_on_hub(repository: str, names: tuple[str, ...], cache_dir: str | None) -> Path | None:
    """Return the first file of a Hugging Face repository in ``names`` that is cached, or ``None``."""
    from huggingface_hub import try_to_load_from_cache

    for name in names:
        path = try_to_load_from_cache(repository, name, cache_dir=cache_dir)
        if isinstance(path, str):
            return Path(path)
    return None


def weights_of_tag(tag: dict[str, Any], cache_dir: str | None) -> Path:
    """Return the weights file of an open_clip tag, from the cache or downloaded."""
    if repository := tag.get("hf_hub"):
        folder, _, name = str(repository).rpartition("/")
        names = (str(Path(name).with_suffix(".safetensors")), name) if name else PREFERRED
        if path := cached_on_hub(folder, names, cache_dir):
            return path
    return Path(open_clip.pretrained.download_pretrained(tag, cache_dir=cache_dir))
