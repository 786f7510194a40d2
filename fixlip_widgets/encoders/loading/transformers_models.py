"""Load CLIP, SigLIP and SigLIP-2 models of transformers with their processors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image
from safetensors import SafetensorError
from torch import Tensor, nn

from fixlip_widgets.encoders.loading.parts import Parts, first_line, preprocessing
from fixlip_widgets.encoders.loading.pipelines import Prepare, channels, check_pipeline
from fixlip_widgets.encoders.towers import TransformersEncoder
from fixlip_widgets.errors import ModelError
from fixlip_widgets.support.notices import warn
from fixlip_widgets.support.open_clip import open_clip

KINDS = ("CLIPModel", "SiglipModel", "Siglip2Model", "MetaClip2Model", "ChineseCLIPModel", "AltCLIPModel")
_INTERPOLATION = {2: "bilinear", 3: "bicubic"}
"""Interpolation modes that open_clip supports, by PIL's number."""

_REQUIRED = {"do_resize": True, "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True}
"""Required settings of an image processor."""

_OPEN_CLIP_ADVICE = (
    "Load an open_clip model by its name or config, with its weights from a file written by "
    "safetensors.torch.save_file(model.state_dict(), 'weights.safetensors')."
)


class ProcessorTokenizer:
    """A transformers tokenizer with open_clip's interface: captions are padded to the whole context.

    Attributes:
        tokenizer: The transformers tokenizer.
        context_length: Number of tokens in the whole context, including padding.
        vocab_size: Number of token ids.
    """

    def __init__(self, tokenizer: Any, context_length: int) -> None:
        self.tokenizer, self.context_length, self.vocab_size = tokenizer, context_length, len(tokenizer)

    def clean_fn(self, text: str) -> str:
        """Return the text unchanged; transformers tokenizers clean it themselves."""
        return text

    def __call__(self, texts: list[str]) -> Tensor:
        """Return (len(texts), context_length) token ids."""
        return self.tokenizer(
            texts, padding="max_length", max_length=self.context_length, truncation=True, return_tensors="pt"
        ).input_ids


def from_transformers(model: nn.Module, processor: Any) -> Parts:
    """Wrap a ``CLIPModel``, ``SiglipModel`` or ``Siglip2Model`` and its processor.

    Raises:
        ModelError: The model is of another class, or the processor is missing or has unsupported settings.
    """
    check_kind(model)
    tokenizer, pictures = (getattr(processor, part, None) for part in ("tokenizer", "image_processor"))
    if tokenizer is None or pictures is None:
        raise ModelError(
            f"{type(model).__name__} needs its processor, which contains the tokenizer and image processor: "
            "load_model(model, processor=AutoProcessor.from_pretrained(name))."
        )
    clip = TransformersEncoder(model)
    preprocess = preprocessing(clip.image_size, _preprocessing(pictures, clip.image_size))
    name: str = getattr(model, "name_or_path", "") or type(model).__name__
    if clip.cuts_patches:
        prepare = _squared(pictures, clip.patches.grid, clip.patches.size, preprocess)
    else:
        prepare = _preparation(pictures)
        check_pipeline(prepare, preprocess, clip.image_size, type(pictures).__name__)
    text = ProcessorTokenizer(tokenizer, clip.context_length)
    return Parts(clip, text, preprocess, Path(name).name, "transformers", prepare, processor)


def without_adapter_wrapper(model: nn.Module) -> nn.Module:
    """Return the model inside a wrapper of PEFT, whose active adapters stay in its layers."""
    base = getattr(model, "get_base_model", None)
    return base() if callable(base) and hasattr(model, "peft_config") else model  # pyright: ignore[reportReturnType]


def _preparation(pictures: Any) -> Prepare:
    def prepare(picture: Image.Image) -> Tensor:
        return pictures(images=picture, return_tensors="pt")["pixel_values"][0]

    return prepare


def _squared(pictures: Any, grid: tuple[int, int], patch_size: tuple[int, int], preprocess: Any) -> Prepare:
    """Return the preprocessing of a model that reads pictures of any shape (NaFlex): here, (rows, columns) patches.

    It warns of pictures that ``pictures``, the image processor, would cut into another number of rows and columns.
    """
    transform: Any = open_clip.transform.image_transform_v2(preprocess, is_train=False)

    def prepare(picture: Image.Image) -> Tensor:
        inputs = pictures(images=picture, return_tensors="pt")
        rows, columns = inputs["spatial_shapes"][0].tolist()
        if (rows, columns) != grid:
            warn(
                f"The processor would cut this picture into {rows} × {columns} patches; it is resized to {grid[0]} × "
                f"{grid[1]}, so that its similarity differs from that of the model's own preprocessing. Crop it to a "
                f"square, and set the processor's max_num_patches to {grid[0] * grid[1]}."
            )
            return transform(picture)
        patches = inputs["pixel_values"][0, : rows * columns].reshape(rows, columns, *patch_size, 3)
        return patches.permute(4, 0, 2, 1, 3).reshape(3, rows * patch_size[0], columns * patch_size[1])

    return prepare


def check_kind(model: nn.Module) -> None:
    """Check that a model is a supported transformers model.

    Raises:
        ModelError: The model is of another class.
    """
    import transformers

    if not isinstance(model, tuple(getattr(transformers, kind) for kind in KINDS)):
        wrapped = [name for name in ("module", "_orig_mod") if isinstance(getattr(model, name, None), nn.Module)]
        raise ModelError(
            f"The model is a {type(model).__name__}; supported transformers models are {', '.join(KINDS)}. "
            + (f"Pass the wrapped model: model.{wrapped[0]}." if wrapped else _OPEN_CLIP_ADVICE)
        )


def library(folder: Path) -> Any:
    """Return the transformers package, which ``folder`` needs.

    Raises:
        ModelError: transformers is not installed.
    """
    try:
        import transformers
    except ImportError as error:
        raise ModelError(
            f"{folder} contains a transformers model; install transformers first: "
            "pip install 'fixlip-widgets[transformers]'."
        ) from error
    return transformers


def from_transformers_folder(folder: Path) -> Parts:
    """Load a model and its processor from a folder written by ``save_pretrained``; nothing is downloaded.

    Raises:
        ModelError: transformers is not installed, files are missing, or the weights are not in safetensors format.
    """
    auto = library(folder)
    options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        model, report = auto.AutoModel.from_pretrained(
            folder, use_safetensors=True, output_loading_info=True, **options
        )
        processor = auto.AutoProcessor.from_pretrained(folder, **options)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelError(
            f"The transformers model in {folder} could not be loaded: {first_line(error)} The folder needs the config, "
            "processor and weights in safetensors format: model.save_pretrained(folder), "
            "processor.save_pretrained(folder)."
        ) from error
    if missing := sorted(report["missing_keys"]):
        raise ModelError(
            f"The weights in {folder} do not fit the model: {len(missing)} missing, including {missing[0]}."
        )
    return from_transformers(model, processor)


def _preprocessing(pictures: Any, image_size: tuple[int, int]) -> dict[str, Any]:
    """Convert an image processor's settings to those of open_clip.

    Raises:
        ModelError: open_clip does not support the settings.
    """
    for setting, required in _REQUIRED.items():
        if (value := getattr(pictures, setting, required)) != required:
            raise ModelError(
                f"{type(pictures).__name__} has {setting}={value}; only {setting}={required} is supported. Pass a "
                "processor with that setting; if the model was trained without it, pass images as preprocessed tensors."
            )
    size = {name: value for name, value in dict(getattr(pictures, "size", None) or {}).items() if value is not None}
    cuts_patches = getattr(pictures, "patch_size", None) is not None and hasattr(pictures, "max_num_patches")
    interpolation = _INTERPOLATION.get(-1 if pictures.resample is None else int(pictures.resample))
    squash = cuts_patches or {"height", "width"} <= set(size)
    if interpolation is None or not (squash or size.get("shortest_edge") == min(image_size)):
        raise ModelError(
            f"{type(pictures).__name__} resizes images to {size} with resample={pictures.resample}; supported are a "
            f"shortest edge of {min(image_size)}, or height and width, with bilinear or bicubic interpolation. Pass a "
            "processor with such settings, and images as tensors preprocessed as in the model's training."
        )
    return {
        "mean": channels(pictures.image_mean),
        "std": channels(pictures.image_std),
        "interpolation": interpolation,
        "resize_mode": "squash" if squash else "shortest",
    }
