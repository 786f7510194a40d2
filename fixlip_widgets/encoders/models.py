"""Load vision–language encoders from open_clip, transformers, local files or the packaged demo model."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Generator, Hashable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from fixlip_widgets.encoders.images import check_preprocessed, denormalise, open_image
from fixlip_widgets.encoders.loading.mismatched_weights import check_weights
from fixlip_widgets.encoders.loading.open_clip_models import CONFIG, by_name, from_config, from_folder, read_config
from fixlip_widgets.encoders.loading.open_clip_modules import OPEN_CLIP_MODELS, from_module
from fixlip_widgets.encoders.loading.overrides import NONE, Overrides, check_image_size
from fixlip_widgets.encoders.loading.parts import Parts, first_line
from fixlip_widgets.encoders.loading.pipelines import settings_of
from fixlip_widgets.encoders.loading.precision import Precision, compile_blocks, set_precision
from fixlip_widgets.encoders.towers import patches_of
from fixlip_widgets.encoders.weights import weights_hash, weights_state
from fixlip_widgets.errors import InputError, ModelError
from fixlip_widgets.support.open_clip import open_clip

PreprocessCfg: Any = open_clip.transform.PreprocessCfg
_log = logging.getLogger(__name__)
_DISPLAY_SIZE = 448
"""Maximum side of a displayed image, in pixels."""


@dataclass(eq=False)
class Model:
    """A vision–language encoder with its tokenizer, preprocessing, logit scale and bias.

    Attributes:
        clip: The module, in eval mode: an open_clip model or a wrapped transformers model.
        tokenizer: Its tokenizer, with open_clip's interface.
        name, pretrained: Names of the model and of its weights.
        preprocess_cfg: open_clip's description of the preprocessing.
        prepare: The model's own function from a PIL image to (3, H, W) normalised pixels, if it has one.
        processor: The processor of a transformers model.
    """

    clip: Any
    tokenizer: Any
    name: str
    pretrained: str
    preprocess_cfg: Any
    prepare: Any = None
    processor: Any = None

    def __post_init__(self) -> None:
        self.clip.eval()
        self._hash: tuple[Hashable, str] | None = None
        self._state: Hashable = None

    @property
    def device(self) -> torch.device:
        """Device of the parameters."""
        return next(self.clip.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """Dtype of the weights."""
        # logit scale and bias are scalars and always stay in float32
        return next(each.dtype for each in self.clip.parameters() if each.ndim > 1 and each.is_floating_point())

    @property
    def scale(self) -> float:
        """Factor of the cosine similarity in the logit."""
        return float(self.clip.logit_scale.detach().float().exp())

    @property
    def bias(self) -> float:
        """Bias of the logit: 0 for CLIP, learned for SigLIP."""
        bias = getattr(self.clip, "logit_bias", None)
        return 0.0 if bias is None else float(bias.detach())

    @property
    def sigmoid(self) -> bool:
        """Whether probabilities are sigmoids of logits, as for SigLIP's loss, rather than a softmax, as for CLIP's.

        Only models that were trained with a sigmoid loss have a bias.
        """
        return getattr(self.clip, "logit_bias", None) is not None

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) of the image encoder's input, in pixels."""
        size = self.preprocess_cfg.size
        return (size, size) if isinstance(size, int) else (size[0], size[1])

    @property
    def patch_grid(self) -> tuple[int, int] | None:
        """(rows, columns) of the image encoder's patches; ``None`` for encoders without patches."""
        patches = patches_of(self.clip)
        return None if patches is None else patches.grid

    def weights_state(self) -> Hashable:
        """Return a value that changes with the weights, adapters and customised modules, in milliseconds."""
        return weights_state(self.clip) if self._state is None else self._state

    @contextmanager
    def unchanged(self) -> Generator[None]:
        """Examine the weights once, and take them as unchanged within the block.

        Games examine them before each use, which takes longer than some encodings.
        """
        self._state = self.weights_state()
        try:
            yield
        finally:
            self._state = None

    @property
    def weights_hash(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 hash of all weights; computed again after they change."""
        state = self.weights_state()
        if self._hash is None or self._hash[0] != state:
            self._hash = state, weights_hash(self.clip)
        return self._hash[1]

    def to(self, device: str | torch.device) -> Model:
        """Move the encoders to ``device`` in place, as ``Module.to`` does, and return the model.

        Existing games must be created again.

        Raises:
            InputError: The device is not available.
        """
        self.clip.to(_device(device))
        return self

    def transform(self) -> Any:
        """Return the preprocessing, which converts a PIL image to (3, H, W) normalised pixels."""
        return _transform(self.preprocess_cfg)

    def denormalise(self, pixels: Tensor) -> Any:
        """Convert (3, H, W) normalised pixels to an (H, W, 3) uint8 image."""
        return denormalise(pixels, tuple(self.preprocess_cfg.mean), tuple(self.preprocess_cfg.std))

    def size_of(self, image: Any) -> tuple[int, int]:
        """Return (height, width) of any accepted image, before preprocessing."""
        if isinstance(image, Tensor):
            return self.image_size
        width, height = open_image(image).size
        return height, width

    def pixels(self, image: Any) -> Tensor:
        """Return (3, H, W) normalised pixels of any accepted image, on the model's device."""
        if isinstance(image, Tensor):
            pixels = check_preprocessed(image, self.image_size)
        else:
            pixels = (self.prepare or self.transform())(open_image(image))
        return pixels.to(self.device, self.dtype)

    def display(self, image: Any) -> Any:
        """Return the part of the image that the model sees, (H, W, 3) uint8, at display resolution."""
        if isinstance(image, Tensor):
            return self.denormalise(image)
        picture = open_image(image)
        longest_side = min(_DISPLAY_SIZE, max(min(picture.size), *self.image_size))
        factor = max(longest_side / max(self.image_size), 1.0)
        height, width = (round(side * factor) for side in self.image_size)
        cfg = PreprocessCfg(**{**vars(self.preprocess_cfg), "size": (height, width)})
        return self.denormalise(_transform(cfg)(picture))

    def describe(self) -> dict[str, str]:
        """Return the names and the weights hash that are stored with explanations."""
        inner = str(getattr(getattr(self.tokenizer, "tokenizer", None), "name_or_path", ""))
        tokenizer = " ".join(part for part in (type(self.tokenizer).__name__, inner) if part)
        names = {"name": self.name, "pretrained": self.pretrained}
        return {**names, "weights": self.weights_hash, "tokenizer": tokenizer}

    def __repr__(self) -> str:
        return f"<Model {self.name} ({self.pretrained}) on {self.device}>"


def _transform(cfg: Any) -> Any:
    return open_clip.transform.image_transform_v2(cfg, is_train=False)


@torch.inference_mode(False)  # gradient methods cannot use weights that were created in inference mode
def load_model(
    name: str | os.PathLike[str] | dict[str, Any] | nn.Module | tuple[Any, ...] | None = None,
    pretrained: str | os.PathLike[str] | bool | None = None,
    *,
    processor: Any = None,
    device: str | torch.device | None = None,
    precision: Precision | None = None,
    compile: bool = False,
    cache_dir: str | None = None,
    tokenizer: Any = None,
    preprocess: Any = None,
    quick_gelu: bool | None = None,
    image_size: int | None = None,
) -> Model:
    """Load a vision–language encoder.

    Args:
        name: An open_clip model name (``"ViT-B-32"``), ``"hf-hub:…"``, the path of an open_clip config JSON, the config
            as a dict, a folder saved by open_clip or transformers, a ``CLIPModel``, ``SiglipModel``, ``Siglip2Model``,
            ``MetaClip2Model``, ``ChineseCLIPModel`` or ``AltCLIPModel`` of transformers, a loaded open_clip model,
            or the result of ``open_clip.create_model_and_transforms``. Such a model is not copied: it is set to eval
            mode, moved and converted in place. ``None`` is the packaged demo model, which needs no network.
        pretrained: An open_clip tag (``"openai"``; downloaded once), the path of a ``.safetensors`` file or of a
            tensor-only checkpoint, or ``False`` for random weights.
        processor: The processor of a transformers model.
        device: Target device. By default that of a transformers model passed as ``name``, otherwise a GPU if available.
        precision: ``"float32"``, ``"bfloat16"``, ``"float16"``, or ``"auto"``: bfloat16 if it is clearly faster on this
            machine, which is measured once and cached. Similarities stay in float32. By default float32, or the
            precision of a transformers model as passed.
        compile: Compile the encoders' blocks with ``torch.compile``: the first encodings are slower, later ones faster.
        cache_dir: Download cache; open_clip's by default.
        tokenizer: The tokenizer of an open_clip model passed as ``name``, from ``open_clip.get_tokenizer``.
        preprocess: Preprocessing of an open_clip model: open_clip's validation pipeline, or a dict of ``mean``,
            ``std``, ``interpolation`` and ``resize_mode``. By default that of the weights or config.
        quick_gelu: Whether the weights use QuickGELU, which a weights file does not record. By default as the tag or
            config specifies; OpenAI's weights are recognised.
        image_size: Side of the images in pixels, for a config or name of another size; position embeddings are
            resampled if the weights are for yet another size.

    Raises:
        ModelError: The name, tag or file is unknown or unavailable, or is a pickle, which is never loaded.
        InputError: An argument is invalid.
    """
    start_time = time.monotonic()
    check_image_size(image_size)
    if isinstance(name, tuple):
        name, preprocess = _of_triple(name, preprocess)
    if processor is not None and not isinstance(name, nn.Module):
        raise InputError("processor= needs a transformers model: load_model(model, processor=processor).")
    if not (pretrained is None or pretrained is False or isinstance(pretrained, (str, os.PathLike))):
        raise InputError(
            f"pretrained is {pretrained!r}; pass an open_clip tag, the path of a weights file, or False for random "
            "weights."
        )
    if name is None and pretrained is not None:
        raise InputError(f"pretrained={str(pretrained)!r} needs a model name, as in load_model('ViT-B-32', …).")
    if isinstance(name, nn.Module):
        if (quick_gelu, image_size) != (None, None):
            raise InputError(
                "quick_gelu= and image_size= are settings of a config; a loaded model already has its own."
            )
        parts = _of_module(name, processor, tokenizer, preprocess)
    else:
        if tokenizer is not None:
            raise InputError("tokenizer= needs a loaded open_clip model: load_model(model, tokenizer=…, preprocess=…).")
        settings = None if preprocess is None else settings_of(preprocess)
        parts = _parts(name, pretrained, cache_dir, Overrides(quick_gelu, image_size, settings))
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
    model = Model(clip, parts.tokenizer, parts.name, parts.pretrained, parts.preprocess, parts.prepare, parts.processor)
    seconds, dtype = time.monotonic() - start_time, str(model.dtype).removeprefix("torch.")
    _log.info("Loaded %s (%s) in %s on %s in %.1f s.", model.name, model.pretrained, dtype, model.device, seconds)
    return model


def _device(device: str | torch.device | None) -> torch.device:
    """Return the device of that name; by default a GPU if torch detects one."""
    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        target = torch.device(device)
        torch.empty(0, device=target)
    except (RuntimeError, AssertionError, NotImplementedError, TypeError) as error:
        raise InputError(
            f"The device {str(device)!r} is not available: {first_line(error)} Pass 'cpu', or 'cuda', "
            "'cuda:1' or 'mps' if torch detects such a device."
        ) from error
    return target


def _of_triple(triple: tuple[Any, ...], preprocess: Any) -> tuple[nn.Module, Any]:
    """Return the model and validation preprocessing of ``create_model_and_transforms`` or ``…_from_pretrained``."""
    if len(triple) not in (2, 3) or not isinstance(triple[0], nn.Module):
        raise InputError(
            "The model is a tuple, but not the result of open_clip.create_model_and_transforms: "
            "(model, preprocess_train, preprocess_val)."
        )
    return triple[0], triple[-1] if preprocess is None else preprocess


def _of_module(model: nn.Module, processor: Any, tokenizer: Any, preprocess: Any) -> Parts:
    check_weights(model)
    from fixlip_widgets.encoders.loading.transformers_models import from_transformers, without_adapter_wrapper

    base = without_adapter_wrapper(model)
    if isinstance(base, OPEN_CLIP_MODELS):
        if processor is not None:
            raise InputError("processor= needs a transformers model; an open_clip model has tokenizer=, preprocess=.")
        return from_module(base, tokenizer, preprocess)
    if tokenizer is not None or preprocess is not None:
        raise InputError("tokenizer= and preprocess= need an open_clip model; a transformers model has processor=.")
    return from_transformers(base, processor)


def _parts(name: Any, pretrained: Any, cache_dir: str | None, overrides: Overrides) -> Parts:
    if name is None:
        if overrides != NONE:
            raise InputError("preprocess=, quick_gelu= and image_size= need a model name; the demo model has its own.")
        from fixlip_widgets import demo

        return from_config(read_config(Path(demo.config_path())), demo.model_path(), "demo", label="packaged")
    if isinstance(name, dict):
        return from_config(name, pretrained, "custom", cache_dir=cache_dir, overrides=overrides)
    source = str(name).removeprefix("local-dir:")
    if Path(source).is_dir():
        return _from_folder(Path(source), pretrained, cache_dir, overrides)
    if source.endswith(".json"):
        options: dict[str, Any] = {"cache_dir": cache_dir, "overrides": overrides}
        return from_config(read_config(Path(source)), pretrained, Path(source).stem, **options)
    return by_name(source, pretrained, cache_dir, overrides)


def _from_folder(folder: Path, pretrained: Any, cache_dir: str | None, overrides: Overrides) -> Parts:
    if (folder / CONFIG).is_file():
        return from_folder(folder, pretrained, cache_dir, overrides)
    if (folder / "config.json").is_file():
        if overrides != NONE:
            raise InputError(
                "preprocess=, quick_gelu= and image_size= need an open_clip model; a folder of transformers contains "
                "the settings in its config and processor."
            )
        from fixlip_widgets.encoders.loading.transformers_models import from_transformers_folder

        if pretrained is not None:
            raise InputError(
                f"pretrained is {pretrained!r}, but the transformers model in {folder} has its own weights."
            )
        return from_transformers_folder(folder)
    raise ModelError(f"The folder {folder} contains neither {CONFIG} (open_clip) nor config.json (transformers).")
