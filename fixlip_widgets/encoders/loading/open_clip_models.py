"""open_clip models: by name and tag, from a config, from a folder, or from a hub."""

from __future__ import annotations

import copy
import difflib
import json
import os
from pathlib import Path
from typing import Any

from fixlip_widgets.encoders.loading.checkpoints import (
    cached_on_hub,
    check_weights_file,
    load_weights,
    weights_in,
    weights_of_tag,
)
from fixlip_widgets.encoders.loading.parts import Parts, first_line, preprocessing
from fixlip_widgets.encoders.towers import size_insisted_on
from fixlip_widgets.errors import ModelError
from fixlip_widgets.support.open_clip import open_clip

CONFIG = "open_clip_config.json"
HUB = "hf-hub:"
_OF_TAGS = ("mean", "std", "interpolation", "resize_mode")


def from_config(
    config: dict[str, Any],
    pretrained: Any,
    name: str,
    *,
    label: str | None = None,
    source: str | None = None,
    preprocess: dict[str, Any] | None = None,
    cache_dir: str | None = None,
) -> Parts:
    """A model as its config describes it, with weights from a file, or random ones for ``False``.

    Args:
        config: open_clip's, with or without its ``model_cfg`` level.
        pretrained: Path of the weights, or ``False``.
        name: What to call it.
        label: What to call its weights.
        source: Where its tokenizer's files are, if not where the config says.
        preprocess: What is known of the preprocessing beside the config.
        cache_dir: Where downloads are kept.

    Raises:
        ModelError: The config is none, the weights do not fit, or something that it names cannot be had.
    """
    model_cfg = copy.deepcopy(config.get("model_cfg", config))
    of_config = model_cfg.pop("preprocess_cfg", None) or config.get("preprocess_cfg", {})
    text_cfg = dict(model_cfg.get("text_cfg", {}))
    if pretrained is None:
        raise ModelError(
            f"The config {name} needs weights: pretrained='path/to/weights.safetensors', or False for random ones."
        )
    if pretrained is not False:
        check_weights_file(Path(pretrained))
    clip = build(model_cfg, name)
    size = clip.visual.image_size
    if pretrained is not False:
        load_weights(clip, Path(pretrained))
    tokenizer = tokenizer_of(text_cfg, name, source=source, cache_dir=cache_dir)
    label = label or ("random weights" if pretrained is False else Path(pretrained).name)
    return Parts(clip, tokenizer, preprocessing(size, preprocess or {}, of_config), name, label)


def build(config: dict[str, Any], name: str) -> Any:
    """The open_clip model that a ``model_cfg`` describes, with random weights: none of its parts' are downloaded.

    ``config`` is used up.

    Raises:
        ModelError: It describes none, or needs something that cannot be had.
    """
    try:
        clip = _built(config)
        _ = clip.visual.image_size
    except (TypeError, KeyError, AttributeError) as error:
        raise ModelError(f"The config of {name} is not an open_clip model config: {error}.") from error
    except (OSError, RuntimeError, ImportError, ValueError, AssertionError) as error:
        needs = (
            " Text encoders of transformers need pip install 'fixlip-widgets[transformers]' and their config, which is "
            "downloaded once."
        )
        advice = needs if config["text_cfg"].get("hf_model_name") else ""
        raise ModelError(f"{name} could not be built: {first_line(error)}{advice}") from error
    needed = size_insisted_on(clip.visual)
    if needed and needed != tuple(clip.visual.image_size):
        asked, takes = (f"{height}×{width}" for height, width in (clip.visual.image_size, needed))
        raise ModelError(
            f"The config of {name} asks for images of {asked} pixels, but its image encoder takes {takes}. Correct "
            "image_size in vision_cfg, or take timm's model for that size."
        )
    return clip


def _built(config: dict[str, Any]) -> Any:
    hf_text = config["text_cfg"].get("hf_model_name")
    if hf_text:
        from transformers import AutoConfig

        AutoConfig.from_pretrained(hf_text, trust_remote_code=False)  # open_clip would ask whether to run code
        config["text_cfg"]["hf_model_pretrained"] = False
    if config["vision_cfg"].get("timm_model_name"):
        config["vision_cfg"]["timm_model_pretrained"] = False
    if not config.pop("custom_text", False) and not hf_text:
        return open_clip.CLIP(**config)
    return (open_clip.CoCa if "multimodal_cfg" in config else open_clip.CustomTextCLIP)(**config)


def tokenizer_of(
    text_cfg: dict[str, Any], name: str, *, source: str | None = None, cache_dir: str | None = None
) -> Any:
    """The tokenizer that a ``text_cfg`` asks for; from files that are there already, if they are.

    Raises:
        ModelError: It needs transformers, which is not installed, or files that cannot be had.
    """
    length = text_cfg.get("context_length", 77)
    options = dict(text_cfg.get("tokenizer_kwargs") or {})
    asked = text_cfg.get("hf_tokenizer_name")
    if not asked:
        return open_clip.SimpleTokenizer(context_length=length, **options)
    options |= {"tokenizer_mode": text_cfg.get("tokenizer_mode"), "cache_dir": cache_dir, "context_length": length}
    options["trust_remote_code"] = False  # a tokenizer is data
    try:
        try:
            return open_clip.tokenizer.HFTokenizer(source or asked, local_files_only=True, **options)
        except (OSError, ValueError):
            return open_clip.tokenizer.HFTokenizer(source or asked, **options)
    except ImportError as error:
        raise ModelError(
            f"{name} needs a package that is not installed: {first_line(error)} Its tokenizer comes with "
            "pip install 'fixlip-widgets[siglip]'."
        ) from error
    except (OSError, ValueError) as error:
        raise ModelError(f"The tokenizer {asked} of {name} could not be loaded: {first_line(error)}") from error


def read_config(path: Path) -> dict[str, Any]:
    """The config in a JSON file.

    Raises:
        ModelError: There is none.
    """
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(f"There is no model config {path}.") from error
    except ValueError as error:
        raise ModelError(f"The model config {path} is not JSON: {error}.") from error
    if not isinstance(config, dict):
        raise ModelError(f"The model config {path} is not a JSON object.")
    return config  # pyright: ignore[reportUnknownVariableType]


def from_folder(folder: Path, pretrained: Any, cache_dir: str | None) -> Parts:
    """A folder as open_clip saves it: config, weights, and the tokenizer's files where it has its own."""
    weights = weights_in(folder) if pretrained is None else pretrained
    own = str(folder) if any(folder.glob("tokenizer*")) or any(folder.glob("*.model")) else None
    return from_config(read_config(folder / CONFIG), weights, folder.name, source=own, cache_dir=cache_dir)


def by_name(name: str, pretrained: Any, cache_dir: str | None) -> Parts:
    """A model that open_clip knows, or that a hub has, with the weights of a tag, of a file, or random ones.

    Raises:
        ModelError: The name or the tag is unknown, or a file cannot be had.
    """
    try:
        if name.startswith(HUB):
            return _from_hub(name, pretrained, cache_dir)
        config = _known(name)
        tag = _tag(name, pretrained)
        if tag is None:
            return from_config(config, pretrained, name, preprocess=_usual_preprocessing(name), cache_dir=cache_dir)
        weights = weights_of_tag(tag, cache_dir)
        # What weights were trained with counts, whatever the name says: open_clip's ViT-B-32 has GELU, OpenAI's weights
        # for it QuickGELU, and open_clip itself only warns.
        config["quick_gelu"] = bool(config.get("quick_gelu") or tag.get("quick_gelu"))
        return from_config(config, weights, name, label=str(pretrained), preprocess=tag, cache_dir=cache_dir)
    except (OSError, ConnectionError, RuntimeError, ValueError) as error:
        raise ModelError(
            f"{name} ({pretrained or 'hub'}) could not be loaded: {first_line(error)} Without network, pass a weights "
            "file: load_model(name, pretrained='path/to/weights.safetensors')."
        ) from error


def config_of(name: str, cache_dir: str | None = None) -> dict[str, Any]:
    """The ``model_cfg`` of an open_clip name, a config file, a folder or a hub, as :func:`build` takes it.

    Raises:
        ModelError: There is none.
    """
    if Path(name).is_dir():
        config = read_config(Path(name) / CONFIG)
    elif name.endswith(".json"):
        config = read_config(Path(name))
    elif name.startswith(HUB):
        config = _hub_config(name, cache_dir)
    else:
        config = _known(name)
    model_cfg = copy.deepcopy(config.get("model_cfg", config))
    model_cfg.pop("preprocess_cfg", None)
    return model_cfg


def _hub_config(name: str, cache_dir: str | None) -> dict[str, Any]:
    repository = name.removeprefix(HUB)
    path = cached_on_hub(repository, (CONFIG,), cache_dir)
    download: Any = open_clip.pretrained.download_pretrained_from_hf
    return read_config(path or Path(download(repository, filename=CONFIG, cache_dir=cache_dir)))


def _from_hub(name: str, pretrained: Any, cache_dir: str | None) -> Parts:
    config = _hub_config(name, cache_dir)
    if pretrained is None:
        pretrained = weights_of_tag({"hf_hub": f"{name.removeprefix(HUB)}/"}, cache_dir)
    return from_config(config, pretrained, name, cache_dir=cache_dir)


def _known(name: str) -> dict[str, Any]:
    known = open_clip.list_models()
    if name not in known:
        close = difflib.get_close_matches(name, known, n=3)
        hint = f" Did you mean {' or '.join(close)}?" if close else " open_clip.list_models() lists all names."
        if name == "demo":
            hint = " The packaged demo model is what load_model() gives without a name."
        if "/" in name:
            hint = (
                f" On the Hugging Face hub it is 'hf-hub:{name}' where it is open_clip's; load one of transformers "
                "with that library, and pass it with its processor: load_model(model, processor=processor)."
            )
        raise ModelError(f"There is no model {name!r}.{hint}")
    return open_clip.get_model_config(name)  # pyright: ignore[reportReturnType]


def _tag(name: str, pretrained: Any) -> dict[str, Any] | None:
    """What open_clip knows of a tag; ``None`` for a file, which is looked at already, and for random weights."""
    if pretrained is False:
        return None
    tags = open_clip.list_pretrained_tags_by_model(name)
    choice = f"one of its tags ({', '.join(tags)}) or a .safetensors file" if tags else "a .safetensors file"
    if pretrained is None:
        raise ModelError(f"Which weights of {name}? Pass {choice} as pretrained.")
    if str(pretrained) in tags:
        return open_clip.pretrained.get_pretrained_cfg(name, str(pretrained))
    path = Path(pretrained)
    if not (path.suffix or path.exists() or os.sep in str(pretrained)):
        raise ModelError(f"{name} has no weights {str(pretrained)!r}. Pass {choice}.")
    check_weights_file(path)
    return None


def _usual_preprocessing(name: str) -> dict[str, Any]:
    """What all tags of a model agree on: a file of SigLIP weights is normalised as SigLIP's tags are, not as CLIP's."""
    tags = [open_clip.pretrained.get_pretrained_cfg(name, tag) for tag in open_clip.list_pretrained_tags_by_model(name)]
    return {
        field: tags[0][field]
        for field in _OF_TAGS
        if tags and all(tag.get(field) is not None and tag[field] == tags[0].get(field) for tag in tags)
    }
