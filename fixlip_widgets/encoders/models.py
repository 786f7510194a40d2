"""Models: open_clip and transformers encoders by name, from files or as they are, or the small one packaged here."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from fixlip_widgets.encoders.images import check_preprocessed, displayable, open_image
from fixlip_widgets.encoders.loading.open_clip_models import CONFIG, by_name, from_config, from_folder, read_config
from fixlip_widgets.encoders.loading.parts import Parts, first_line
from fixlip_widgets.encoders.loading.precision import Precision, compile_blocks, set_precision
from fixlip_widgets.encoders.towers import patches_of
from fixlip_widgets.errors import InputError, ModelError
from fixlip_widgets.support.open_clip import open_clip

PreprocessCfg: Any = open_clip.transform.PreprocessCfg
_DISPLAY_SIZE = 448
"""Pictures are shown at up to this many pixels a side, with the crop that the model sees."""


@dataclass(eq=False)
class Model:
    """A vision–language encoder with what belongs to it: tokenizer, preprocessing, logit scale and bias.

    Attributes:
        clip: The open_clip module, in eval mode.
        tokenizer: open_clip's tokenizer for it.
        name, pretrained: Where it came from.
    """

    clip: Any
    tokenizer: Any
    name: str
    pretrained: str
    preprocess_cfg: Any

    def __post_init__(self) -> None:
        self.clip.eval()

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return next(self.clip.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """Type of the floating-point parameters."""
        # scale and bias are scalars, and stay in float32 whatever the precision
        return next(each.dtype for each in self.clip.parameters() if each.ndim > 1)

    @property
    def scale(self) -> float:
        """Factor of the cosine in the similarity logit."""
        return float(self.clip.logit_scale.detach().float().exp())

    @property
    def bias(self) -> float:
        """Summand of the similarity logit; 0 for CLIP, learned for SigLIP."""
        bias = getattr(self.clip, "logit_bias", None)
        return 0.0 if bias is None else float(bias.detach())

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) of the pixels that the image encoder takes."""
        size = self.preprocess_cfg.size
        return (size, size) if isinstance(size, int) else (size[0], size[1])

    @property
    def patch_grid(self) -> tuple[int, int] | None:
        """(rows, columns) of the image encoder's own patches; ``None`` for encoders without patches."""
        patches = patches_of(self.clip)
        return None if patches is None else patches.grid

    @cached_property
    def weights_hash(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 over all weights: says whether two models are the same."""
        digest = hashlib.sha256()
        for name, tensor in sorted(self.clip.state_dict().items()):
            digest.update(name.encode())
            digest.update(
                tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes() if tensor.ndim else b""
            )
            digest.update(str(float(tensor)).encode() if not tensor.ndim else b"")
        return digest.hexdigest()[:16]

    def to(self, device: str | torch.device) -> Model:
        """Move the encoders to ``device``, as ``Module.to`` does, and return the model; games have to be made again.

        Raises:
            InputError: There is no such device here.
        """
        self.clip.to(_device(device))
        return self

    def transform(self) -> Any:
        """The preprocessing: a PIL image to (3, H, W) normalised pixels."""
        return _transform(self.preprocess_cfg)

    def shown(self, pixels: Tensor) -> Any:
        """(H, W, 3) uint8: normalised pixels, (3, H, W), as a picture."""
        return displayable(pixels, tuple(self.preprocess_cfg.mean), tuple(self.preprocess_cfg.std))

    def size_of(self, image: Any) -> tuple[int, int]:
        """(height, width) of anything that is accepted as an image, before preprocessing."""
        if isinstance(image, Tensor):
            return self.image_size
        width, height = open_image(image).size
        return height, width

    def pixels(self, image: Any) -> Tensor:
        """(3, H, W) normalised pixels of anything that is accepted as an image, on the model's device."""
        if isinstance(image, Tensor):
            pixels = check_preprocessed(image, self.image_size)
        else:
            pixels = self.transform()(open_image(image))
        return pixels.to(self.device, self.dtype)

    def display(self, image: Any) -> Any:
        """(H, W, 3) uint8: the part of the picture that the model sees, at a resolution that is good to look at."""
        if isinstance(image, Tensor):
            return self.shown(image)
        picture = open_image(image)
        wanted = min(_DISPLAY_SIZE, max(min(picture.size), *self.image_size))
        factor = max(wanted / max(self.image_size), 1.0)
        height, width = (round(side * factor) for side in self.image_size)
        cfg = PreprocessCfg(**{**vars(self.preprocess_cfg), "size": (height, width)})
        return self.shown(_transform(cfg)(picture))

    def describe(self) -> dict[str, str]:
        """What an explanation remembers of the model."""
        inner = str(getattr(getattr(self.tokenizer, "tokenizer", None), "name_or_path", ""))
        tokenizer = " ".join(part for part in (type(self.tokenizer).__name__, inner) if part)
        named = {"name": self.name, "pretrained": self.pretrained}
        return {**named, "weights": self.weights_hash, "tokenizer": tokenizer}

    def __repr__(self) -> str:
        return f"<Model {self.name} ({self.pretrained}) on {self.device}>"


def _transform(cfg: Any) -> Any:
    return open_clip.transform.image_transform_v2(cfg, is_train=False)


def load_model(
    name: str | os.PathLike[str] | dict[str, Any] | nn.Module | None = None,
    pretrained: str | os.PathLike[str] | bool | None = None,
    *,
    processor: Any = None,
    device: str | torch.device | None = None,
    precision: Precision | None = None,
    compile: bool = False,
    cache_dir: str | None = None,
) -> Model:
    """Load a vision–language encoder.

    Args:
        name: An open_clip model name (``"ViT-B-32"``), ``"hf-hub:…"``, a path of an open_clip config JSON, the config
            as a dict, a folder that open_clip or transformers saved, or a ``CLIPModel``, ``SiglipModel`` or
            ``Siglip2Model`` of transformers, which is used itself, not a copy: it is put in eval mode, and moved and
            converted as asked; ``None`` is the packaged demo model, which needs no network.
        pretrained: An open_clip tag (``"openai"``; downloaded once) or a path of a ``.safetensors`` file or of a
            checkpoint of tensors; ``False`` for random weights.
        processor: The processor that belongs to a transformers model.
        device: Where to put it; by default a GPU where there is one, and where a transformers model is already.
        precision: ``"float32"``, ``"bfloat16"``, ``"float16"``, or ``"auto"``: bfloat16 where this machine computes
            clearly faster with it, measured once and remembered. Similarities stay in float32. By default float32, and
            that of a transformers model as it is.
        compile: Compile the encoders' blocks with ``torch.compile``: slow at first, faster after.
        cache_dir: Where downloads are kept; open_clip's default otherwise.

    Raises:
        ModelError: The name, tag or file is unknown, cannot be had, or is a pickle, which is never loaded.
        InputError: An argument is not one of those that are allowed.
    """
    if processor is not None and not isinstance(name, nn.Module):
        raise InputError("processor belongs to a transformers model: load_model(model, processor=processor).")
    if not (pretrained is None or pretrained is False or isinstance(pretrained, (str, os.PathLike))):
        raise InputError(
            f"pretrained is {pretrained!r}; pass an open_clip tag, a path of weights, or False for random ones."
        )
    if name is None and pretrained is not None:
        raise InputError(f"Whose weights are {str(pretrained)!r}? Name their model, as in load_model('ViT-B-32', …).")
    parts = _parts(name, pretrained, processor, cache_dir)
    if device is None and isinstance(name, nn.Module):
        device = next(name.parameters()).device
    target = _device(device)
    clip = parts.clip.to(target)
    if precision is not None:
        set_precision(clip, precision, target)
    if not isinstance(name, nn.Module):  # a user's own model keeps its gradients
        clip.requires_grad_(False)
    if compile:
        compile_blocks(clip)
    return Model(clip, parts.tokenizer, parts.name, parts.pretrained, parts.preprocess)


def _device(device: str | torch.device | None) -> torch.device:
    """The device that is meant; by default a GPU where torch sees one."""
    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        found = torch.device(device)
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError, NotImplementedError, TypeError) as error:
        raise InputError(
            f"The device {str(device)!r} cannot be used here: {first_line(error)} Pass 'cpu', or 'cuda', "
            "'cuda:1' or 'mps' where torch sees such a device."
        ) from error
    return found


def _parts(name: Any, pretrained: Any, processor: Any, cache_dir: str | None) -> Parts:
    if name is None:
        from fixlip_widgets import demo

        return from_config(read_config(Path(demo.config_path())), demo.model_path(), "demo", label="packaged")
    if isinstance(name, nn.Module):
        from fixlip_widgets.encoders.loading.transformers_models import from_transformers

        return from_transformers(name, processor)
    if isinstance(name, dict):
        return from_config(name, pretrained, "custom", cache_dir=cache_dir)
    named = str(name).removeprefix("local-dir:")
    if Path(named).is_dir():
        return _from_folder(Path(named), pretrained, cache_dir)
    if named.endswith(".json"):
        return from_config(read_config(Path(named)), pretrained, Path(named).stem, cache_dir=cache_dir)
    return by_name(named, pretrained, cache_dir)


def _from_folder(folder: Path, pretrained: Any, cache_dir: str | None) -> Parts:
    if (folder / CONFIG).is_file():
        return from_folder(folder, pretrained, cache_dir)
    if (folder / "config.json").is_file():
        from fixlip_widgets.encoders.loading.transformers_models import from_transformers_folder

        if pretrained is not None:
            raise InputError(
                f"pretrained is {pretrained!r}, but the transformers model in {folder} has its own weights."
            )
        return from_transformers_folder(folder)
    raise ModelError(
        f"The folder {folder} has neither {CONFIG}, as open_clip saves it, nor config.json, as transformers does."
    )
