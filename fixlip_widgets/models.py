"""Models: open_clip encoders by name and tag, from files, or the small one that comes with this package."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import textwrap
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from fixlip_widgets._open_clip import open_clip
from fixlip_widgets.errors import ModelError
from fixlip_widgets.images import check_preprocessed, displayable, open_image

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
        self.clip.eval().requires_grad_(False)

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return next(self.clip.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """Type of the floating-point parameters."""
        return next(self.clip.parameters()).dtype

    @property
    def scale(self) -> float:
        """Factor of the cosine in the similarity logit."""
        return float(self.clip.logit_scale.exp())

    @property
    def bias(self) -> float:
        """Summand of the similarity logit; 0 for CLIP, learned for SigLIP."""
        bias = getattr(self.clip, "logit_bias", None)
        return 0.0 if bias is None else float(bias)

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) of the pixels that the image encoder takes."""
        size = self.preprocess_cfg.size
        return (size, size) if isinstance(size, int) else (size[0], size[1])

    @property
    def patch_grid(self) -> tuple[int, int] | None:
        """(rows, columns) of the image encoder's own patches; ``None`` for encoders without patches."""
        grid = getattr(self.clip.visual, "grid_size", None)
        if grid is None:
            grid = getattr(getattr(getattr(self.clip.visual, "trunk", None), "patch_embed", None), "grid_size", None)
        return None if grid is None else (int(grid[0]), int(grid[1]))

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

    def pixels(self, image: Any) -> Tensor:
        """(3, H, W) normalised pixels of anything that is accepted as an image, on the model's device."""
        if isinstance(image, Tensor):
            pixels = check_preprocessed(image, self.image_size)
        else:
            pixels = _transform(self.preprocess_cfg)(open_image(image))
        return pixels.to(self.device, self.dtype)

    def display(self, image: Any) -> Any:
        """(H, W, 3) uint8: the part of the picture that the model sees, at a resolution that is good to look at."""
        mean, std = tuple(self.preprocess_cfg.mean), tuple(self.preprocess_cfg.std)
        if isinstance(image, Tensor):
            return displayable(image, mean, std)
        picture = open_image(image)
        wanted = min(_DISPLAY_SIZE, max(min(picture.size), *self.image_size))
        factor = max(wanted / max(self.image_size), 1.0)
        height, width = (round(side * factor) for side in self.image_size)
        cfg = PreprocessCfg(**{**vars(self.preprocess_cfg), "size": (height, width)})
        return displayable(_transform(cfg)(picture), mean, std)

    def describe(self) -> dict[str, str]:
        """What an explanation remembers of the model."""
        return {"name": self.name, "pretrained": self.pretrained, "weights": self.weights_hash}

    def __repr__(self) -> str:
        return f"<Model {self.name} ({self.pretrained}) on {self.device}>"


def _transform(cfg: Any) -> Any:
    return open_clip.transform.image_transform_v2(cfg, is_train=False)


def load_model(
    name: str | os.PathLike[str] | dict[str, Any] | None = None,
    pretrained: str | os.PathLike[str] | bool | None = None,
    *,
    device: str | torch.device | None = None,
    cache_dir: str | None = None,
) -> Model:
    """Load a vision–language encoder.

    Args:
        name: An open_clip model name (``"ViT-B-32"``), a path of an open_clip config JSON, or the config as a dict;
            ``None`` is the packaged demo model, which needs no network.
        pretrained: An open_clip tag (``"openai"``; downloaded once) or a path of a ``.safetensors`` file;
            ``False`` for random weights.
        device: Where to put it; by default a GPU where there is one.
        cache_dir: Where downloads are kept; open_clip's default otherwise.

    Raises:
        ModelError: The name, tag or file is unknown, cannot be had, or is a pickle, which is never loaded.
    """
    target = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    if name is None:
        return _demo_model(target)
    if isinstance(name, dict):
        return _from_config(name, pretrained, "custom", target)
    if str(name).endswith(".json"):
        return _from_config(_read_config(Path(name)), pretrained, Path(name).stem, target)
    return _by_name(str(name), pretrained, target, cache_dir)


def _demo_model(device: torch.device) -> Model:
    from fixlip_widgets import demo

    return _from_config(_read_config(Path(demo.config_path())), demo.model_path(), "demo", device, tag="packaged")


def _from_config(
    config: dict[str, Any], pretrained: Any, name: str, device: torch.device, tag: str | None = None
) -> Model:
    preprocess = config.get("preprocess_cfg", {})
    config = dict(config.get("model_cfg", config))
    config.pop("preprocess_cfg", None)
    kind = open_clip.CustomTextCLIP if config.pop("custom_text", False) else open_clip.CLIP
    text_cfg = config.get("text_cfg", {})
    try:
        clip = kind(**config)
        size = clip.visual.image_size
    except (TypeError, KeyError, AttributeError) as error:
        raise ModelError(f"The config of {name} is not an open_clip model config: {error}.") from error
    if pretrained is None:
        raise ModelError(
            f"The config {name} needs weights: pretrained='path/to/weights.safetensors', or False for random ones."
        )
    if pretrained is not False:
        _load_weights(clip, Path(pretrained))
    cfg = PreprocessCfg(
        **{"size": size, **{k: v for k, v in preprocess.items() if k in PreprocessCfg.__dataclass_fields__}}
    )
    tokenizer = _tokenizer(text_cfg)
    label = tag or ("random weights" if pretrained is False else Path(pretrained).name)
    return Model(clip.to(device), tokenizer, name, label, cfg)


def _tokenizer(text_cfg: dict[str, Any]) -> Any:
    length = text_cfg.get("context_length", 77)
    if hf_name := text_cfg.get("hf_tokenizer_name"):
        return open_clip.tokenizer.HFTokenizer(hf_name, context_length=length, **text_cfg.get("tokenizer_kwargs", {}))
    return open_clip.SimpleTokenizer(context_length=length)


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(f"There is no model config {path}.") from error
    except ValueError as error:
        raise ModelError(f"The model config {path} is not JSON: {error}.") from error
    if not isinstance(config, dict):
        raise ModelError(f"The model config {path} is not a JSON object.")
    return config  # pyright: ignore[reportUnknownVariableType]


def _load_weights(clip: nn.Module, path: Path) -> None:
    _refuse_unsafe(path)
    try:
        clip.load_state_dict(load_file(path))
    except SafetensorError as error:
        raise ModelError(f"The weights file {path} is damaged or not in safetensors format: {error}.") from error
    except RuntimeError as error:
        raise ModelError(
            f"The weights in {path} do not fit the model: {str(error).splitlines()[-1].strip()}"
        ) from error


def _refuse_unsafe(path: Path) -> None:
    if not path.is_file():
        raise ModelError(f"There is no weights file {path}.")
    with path.open("rb") as stream:
        start = stream.read(2)
    if start in (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05") or path.suffix != ".safetensors":
        raise ModelError(
            f"The weights file {path} is not in safetensors format; pickled checkpoints are refused because loading "
            "one can run any code. Convert it first: safetensors.torch.save_file(state_dict, 'weights.safetensors')."
        )


def _by_name(name: str, pretrained: Any, device: torch.device, cache_dir: str | None) -> Model:
    known = open_clip.list_models()
    if not name.startswith(("hf-hub:", "local-dir:")):
        if name not in known:
            close = difflib.get_close_matches(name, known, n=3)
            hint = f" Did you mean {' or '.join(close)}?" if close else " open_clip.list_models() lists all names."
            raise ModelError(f"There is no model {name!r}.{hint}")
        _check_tag(name, pretrained)
    label = "random weights" if pretrained is False else str(pretrained or "hub")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # open_clip's remarks on activation and random weights
            clip: Any = open_clip.create_model(
                name,
                pretrained=None if pretrained is False else (pretrained and str(pretrained)),
                load_weights=pretrained is not False,
                pretrained_text=pretrained is not False,
                device=device,
                cache_dir=cache_dir,
            )
            tokenizer = open_clip.get_tokenizer(name, cache_dir=cache_dir)
    except ImportError as error:
        raise ModelError(
            f"{name} needs a package that is not installed: {_first_line(error)} Its tokenizer comes with "
            "pip install 'fixlip-widgets[siglip]'."
        ) from error
    except (OSError, ConnectionError, RuntimeError, ValueError) as error:
        raise ModelError(
            f"{name} ({label}) could not be loaded: {_first_line(error)} Without network, pass a weights file: "
            "load_model(name, pretrained='path/to/weights.safetensors')."
        ) from error
    cfg = PreprocessCfg(**getattr(clip.visual, "preprocess_cfg", {"size": clip.visual.image_size}))
    return Model(clip, tokenizer, name, label, cfg)


def _first_line(error: BaseException) -> str:
    """The error's first line as one sentence; long messages of hubs are cut."""
    line = (str(error).strip() or type(error).__name__).splitlines()[0]
    return textwrap.shorten(line, 160, placeholder=" …").rstrip(".") + "."


def _check_tag(name: str, pretrained: Any) -> None:
    if pretrained is False:
        return
    tags = open_clip.list_pretrained_tags_by_model(name)
    listed = ", ".join(tags) or "none; pass a weights file"
    if pretrained is None:
        raise ModelError(f"Which weights of {name}? Pass pretrained= one of: {listed}; or a .safetensors file.")
    if str(pretrained) in tags:
        return
    path = Path(pretrained)
    if path.suffix or path.exists() or os.sep in str(pretrained):
        _refuse_unsafe(path)
    else:
        raise ModelError(
            f"{name} has no weights {str(pretrained)!r}. Its tags are: {listed}; or pass a .safetensors file."
        )
