"""Models of transformers: CLIP, SigLIP and SigLIP-2 as a user has them, with their processor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from torch import Tensor, nn

from fixlip_widgets.encoders.loading.parts import Parts, first_line, preprocessing
from fixlip_widgets.encoders.towers import TransformersEncoder
from fixlip_widgets.errors import ModelError

KINDS = ("CLIPModel", "SiglipModel", "Siglip2Model")
_INTERPOLATION = {2: "bilinear", 3: "bicubic"}
"""PIL's numbers of the ways to resize that open_clip's preprocessing knows too."""

_USUAL = {"do_resize": True, "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True}
"""What an image processor does before a model that was trained on normalised pixels."""

_OPEN_CLIP = (
    "A model of open_clip is loaded by its name or config, with its weights from a file: "
    "safetensors.torch.save_file(model.state_dict(), 'weights.safetensors') writes one."
)


class ProcessorTokenizer:
    """A tokenizer of transformers with the interface of open_clip's: every caption is padded to the whole context.

    Attributes:
        tokenizer: The tokenizer itself.
        context_length: Tokens of the whole context, padding included.
        vocab_size: Number of token ids.
    """

    def __init__(self, tokenizer: Any, context_length: int) -> None:
        self.tokenizer, self.context_length, self.vocab_size = tokenizer, context_length, len(tokenizer)

    def clean_fn(self, text: str) -> str:
        """The text itself: what these tokenizers clean, they clean on their own."""
        return text

    def __call__(self, texts: list[str]) -> Tensor:
        """(len(texts), context_length) token ids."""
        return self.tokenizer(
            texts, padding="max_length", max_length=self.context_length, truncation=True, return_tensors="pt"
        ).input_ids


def from_transformers(model: nn.Module, processor: Any) -> Parts:
    """A ``CLIPModel``, ``SiglipModel`` or ``Siglip2Model`` with its processor.

    Raises:
        ModelError: It is another model, or the processor is missing or prepares pictures in a way that is not known.
    """
    check_kind(model)
    tokenizer, pictures = (getattr(processor, part, None) for part in ("tokenizer", "image_processor"))
    if tokenizer is None or pictures is None:
        raise ModelError(
            f"{type(model).__name__} needs its processor, which holds tokenizer and image processor: "
            "load_model(model, processor=AutoProcessor.from_pretrained(name))."
        )
    clip = TransformersEncoder(model)
    preprocess = preprocessing(clip.image_size, _preprocessing(pictures, clip.image_size))
    name: str = getattr(model, "name_or_path", "") or type(model).__name__
    return Parts(clip, ProcessorTokenizer(tokenizer, clip.context_length), preprocess, Path(name).name, "transformers")


def check_kind(model: nn.Module) -> None:
    """Let through the models of transformers that are supported.

    Raises:
        ModelError: It is another.
    """
    import transformers

    if not isinstance(model, tuple(getattr(transformers, kind) for kind in KINDS)):
        wrapped = [name for name in ("module", "_orig_mod") if isinstance(getattr(model, name, None), nn.Module)]
        raise ModelError(
            f"The model is a {type(model).__name__}; of transformers, {', '.join(KINDS)} are supported. "
            + (f"Pass what it wraps: model.{wrapped[0]}." if wrapped else _OPEN_CLIP)
        )


def library(folder: Path) -> Any:
    """The package transformers, which a folder needs.

    Raises:
        ModelError: It is not installed.
    """
    try:
        import transformers
    except ImportError as error:
        raise ModelError(
            f"{folder} is a transformers model; install it first: pip install 'fixlip-widgets[transformers]'."
        ) from error
    return transformers


def from_transformers_folder(folder: Path) -> Parts:
    """A folder that ``save_pretrained`` wrote, model and processor; nothing is downloaded.

    Raises:
        ModelError: transformers is not installed, files are missing, or the weights are not in safetensors format.
    """
    auto = library(folder)
    alone: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        model, report = auto.AutoModel.from_pretrained(folder, use_safetensors=True, output_loading_info=True, **alone)
        processor = auto.AutoProcessor.from_pretrained(folder, **alone)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelError(
            f"The transformers model in {folder} could not be loaded: {first_line(error)} The folder needs config, "
            "processor and weights in safetensors format: model.save_pretrained(folder), "
            "processor.save_pretrained(folder)."
        ) from error
    if missing := sorted(report["missing_keys"]):
        raise ModelError(
            f"The weights in {folder} do not fit the model: {len(missing)} are missing, {missing[0]} among them."
        )
    return from_transformers(model, processor)


def _preprocessing(pictures: Any, image_size: tuple[int, int]) -> dict[str, Any]:
    """An image processor's settings in open_clip's words.

    Raises:
        ModelError: open_clip has no words for them.
    """
    for setting, usual in _USUAL.items():
        if (found := getattr(pictures, setting, usual)) != usual:
            raise ModelError(
                f"{type(pictures).__name__} has {setting}={found}; only {setting}={usual} is known. Pass a processor "
                "with that, and pictures as preprocessed tensors where the model was trained in another way."
            )
    size = {name: value for name, value in dict(getattr(pictures, "size", None) or {}).items() if value is not None}
    cut = getattr(pictures, "patch_size", None) is not None and hasattr(pictures, "max_num_patches")
    interpolation = _INTERPOLATION.get(int(pictures.resample))
    squashed = cut or {"height", "width"} <= set(size)
    if interpolation is None or not (squashed or size.get("shortest_edge") == min(image_size)):
        raise ModelError(
            f"{type(pictures).__name__} resizes pictures to {size} by method {pictures.resample}; known are a shortest "
            f"edge of {min(image_size)}, or height and width, bilinear or bicubic. Pass preprocessed tensors of a "
            "processor that the model was trained with, and here one with such settings."
        )
    return {
        "mean": tuple(pictures.image_mean),
        "std": tuple(pictures.image_std),
        "interpolation": interpolation,
        "resize_mode": "squash" if squashed else "shortest",
    }
