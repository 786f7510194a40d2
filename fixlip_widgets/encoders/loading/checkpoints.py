"""Weights files: read without running anything that they hold, and without network where they are there already."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch
from packaging.version import Version
from safetensors import SafetensorError
from torch import nn

from fixlip_widgets.errors import ModelError
from fixlip_widgets.support.open_clip import open_clip

CHECKPOINTS = (".pt", ".pth", ".bin", ".ckpt")
"""Endings of checkpoints that torch writes."""
PREFERRED = (
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "model.safetensors",
    "open_clip_pytorch_model.bin",
)
"""Names of weights in folders and on hubs, safetensors first."""
_SAFE_SINCE = Version("2.6")
"""torch before it could be made to run code even by ``weights_only`` loading (CVE-2025-32434)."""
_ZIP, _PICKLES = b"PK", (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


def check_weights_file(path: Path) -> None:
    """Let through what can be read without running code: safetensors, and torch checkpoints of tensors alone.

    Raises:
        ModelError: There is no such file, or it is a pickle.
    """
    if not path.is_file():
        raise ModelError(f"There is no weights file {path}.")
    with path.open("rb") as stream:
        start = stream.read(2)
    if path.suffix == ".safetensors" and start != _ZIP and start not in _PICKLES:
        return
    if path.suffix not in CHECKPOINTS or start != _ZIP:
        raise ModelError(
            f"The weights file {path} is neither in safetensors format nor a checkpoint of tensors that torch.save "
            "wrote; pickled checkpoints are refused because loading one can run any code. Convert it first, where you "
            "trust it: safetensors.torch.save_file(state_dict, 'weights.safetensors')."
        )
    if Version(torch.__version__).release < _SAFE_SINCE.release:
        raise ModelError(
            f"The checkpoint {path} is only safe to read with torch {_SAFE_SINCE} or newer, and this is "
            f"{torch.__version__}. Update torch, or convert the file to safetensors."
        )


def load_weights(clip: nn.Module, path: Path) -> None:
    """Load a file's weights into an open_clip model; open_clip converts names and sizes that it knows.

    Raises:
        ModelError: The file cannot be read safely, is damaged, or belongs to another model.
    """
    check_weights_file(path)
    load: Any = open_clip.load_checkpoint
    try:
        load(clip, str(path), strict=True, weights_only=True)
    except SafetensorError as error:
        raise ModelError(f"The weights file {path} is damaged or not in safetensors format: {error}.") from error
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"The checkpoint {path} holds more than tensors, and loading that could run any code: it is refused. Save "
            "its state_dict alone: safetensors.torch.save_file(state_dict, 'weights.safetensors')."
        ) from error
    except (OSError, RuntimeError, KeyError, AttributeError, StopIteration, TypeError) as error:
        if isinstance(error, OSError) or "PytorchStreamReader" in str(error):
            raise ModelError(f"The checkpoint {path} is damaged; get it again.") from error
        if "TorchScript" in str(error):
            raise ModelError(
                f"The checkpoint {path} is a TorchScript archive, which holds a program: it is refused. Save its "
                "state_dict alone: safetensors.torch.save_file(state_dict, 'weights.safetensors')."
            ) from error
        reason = (str(error).splitlines() or ["it holds no weights"])[-1].strip()
        raise ModelError(f"The weights in {path} do not fit the model: {reason}") from error


def weights_in(folder: Path) -> Path:
    """The weights file of a folder: by its usual names, or the only one.

    Raises:
        ModelError: There is none, or there are several under other names.
    """
    for name in PREFERRED:
        if (folder / name).is_file():
            return folder / name
    found = sorted(each for ending in (".safetensors", *CHECKPOINTS) for each in folder.glob(f"*{ending}"))
    if len(found) == 1:
        return found[0]
    listed = ", ".join(each.name for each in found)
    raise ModelError(
        f"The folder {folder} has several weights files ({listed}); pass one of them as pretrained=."
        if found
        else f"The folder {folder} has no weights file, such as {PREFERRED[0]}; pass one as pretrained=."
    )


def cached_on_hub(repository: str, names: tuple[str, ...], cache_dir: str | None) -> Path | None:
    """A file of a Hugging Face repository that was downloaded before; ``None`` where none was."""
    from huggingface_hub import try_to_load_from_cache

    for name in names:
        found = try_to_load_from_cache(repository, name, cache_dir=cache_dir)
        if isinstance(found, str):
            return Path(found)
    return None


def weights_of_tag(tag: dict[str, Any], cache_dir: str | None) -> Path:
    """The weights that one of open_clip's tags names: from the cache where they are in it, or else downloaded."""
    if repository := tag.get("hf_hub"):
        folder, _, name = str(repository).rpartition("/")
        names = (str(Path(name).with_suffix(".safetensors")), name) if name else PREFERRED
        if found := cached_on_hub(folder, names, cache_dir):
            return found
    return Path(open_clip.pretrained.download_pretrained(tag, cache_dir=cache_dir))
