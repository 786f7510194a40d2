"""Load open_clip models by name and tag, or from a config, folder or hub."""

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
from fixlip_widgets.encoders.loading.known_names import (
    names_of,
    usual_preprocessing,
    warn_of_activation,
    warn_of_preprocessing,
)
from fixlip_widgets.encoders.loading.mismatched_weights import has_quick_gelu
from fixlip_widgets.encoders.loading.overrides import NONE, Overrides, inferred_preprocessing
from fixlip_widgets.encoders.loading.parts import Parts, first_line, preprocessing
from fixlip_widgets.encoders.towers import required_size
from fixlip_widgets.errors import ModelError
from fixlip_widgets.support.open_clip import open_clip

CONFIG = "open_clip_config.json"
HUB = "hf-hub:"


def from_config(
    config: dict[str, Any],
    pretrained: Any,
    name: str,
    *,
    label: str | None = None,
    source: str | None = None,
    preprocess: dict[str, Any] | None = None,
    known: str | None = None,
    cache_dir: str | None = None,
    overrides: Overrides = NONE,
) -> Parts:
    """Build a model from its config, with weights from a file or random weights.

    Args:
        config: open_clip config, with or without its ``model_cfg`` level.
        pretrained: Path of the weights, or ``False`` for random weights.
        name: Name of the model.
        label: Name of the weights; by default that of their file.
        source: Location of the tokenizer's files, if it differs from that in the config.
        preprocess: Preprocessing settings, overridden by those in the config; by default those that all weights
            share that open_clip lists for this architecture.
        known: The open_clip name of the config; by default every name of this architecture.
        cache_dir: Download cache.
        overrides: Settings that replace those of the config.

    Raises:
        ModelError: The config is invalid, the weights do not fit, or a file that the config names is unavailable.
    """
    original, config = config, overrides.applied(config)
    model_cfg = config.get("model_cfg", config)
    config_preprocess = model_cfg.get("preprocess_cfg") or config.get("preprocess_cfg", {})
    if pretrained is None:
        raise ModelError(
            f"The config {name} needs weights: pretrained='path/to/weights.safetensors', or False for random weights."
        )
    if pretrained is not False:
        check_weights_file(Path(pretrained))
        if overrides.quick_gelu is None and "quick_gelu" not in model_cfg and has_quick_gelu(Path(pretrained)):
            model_cfg["quick_gelu"] = True
    if preprocess is None:
        names = names_of(original.get("model_cfg", original)) if known is None else [known]
        preprocess = usual_preprocessing(names)
        if pretrained is not False:
            warn_of_preprocessing(names, {**config_preprocess, **(overrides.preprocess or {})})
            # a config with two levels was saved with its weights
            if overrides.quick_gelu is None and "quick_gelu" not in model_cfg and "model_cfg" not in config:
                warn_of_activation(names, pretrained)
    clip = build(config, name)
    size = clip.visual.image_size
    if pretrained is not False:
        load_weights(clip, Path(pretrained), resize=overrides.image_size is not None)
    tokenizer = tokenizer_of(model_cfg["text_cfg"], name, source=source, cache_dir=cache_dir)
    label = label or ("random weights" if pretrained is False else Path(pretrained).name)
    settings = (inferred_preprocessing(model_cfg), preprocess, config_preprocess, overrides.preprocess or {})
    return Parts(clip, tokenizer, preprocessing(size, *settings), name, label)


def build(config: dict[str, Any], name: str) -> Any:
    """Build the open_clip model of a config, with or without its ``model_cfg`` level; no weights are downloaded.

    Raises:
        ModelError: The config is invalid, or a package or file that it needs is unavailable.
    """
    model_cfg = copy.deepcopy(config.get("model_cfg", config))
    model_cfg.pop("preprocess_cfg", None)
    try:
        clip = _instantiate(model_cfg)
        _ = clip.visual.image_size
    except (TypeError, KeyError, AttributeError) as error:
        raise ModelError(f"The config of {name} is not an open_clip model config: {error}.") from error
    except (OSError, RuntimeError, ImportError, ValueError, AssertionError) as error:
        requirements = (
            " A transformers text encoder needs pip install 'fixlip-widgets[transformers]' and its config, which is "
            "downloaded once."
        )
        advice = requirements if model_cfg["text_cfg"].get("hf_model_name") else ""
        raise ModelError(f"{name} could not be built: {first_line(error)}{advice}") from error
    only_size = required_size(clip.visual)
    if only_size and only_size != tuple(clip.visual.image_size):
        size, required = (f"{height}×{width}" for height, width in (clip.visual.image_size, only_size))
        raise ModelError(
            f"The config of {name} specifies images of {size} pixels, but its image encoder requires {required}. "
            "Correct image_size in vision_cfg, or use the timm model for that size."
        )
    return clip


def _instantiate(config: dict[str, Any]) -> Any:
    hf_text = config["text_cfg"].get("hf_model_name")
    if hf_text:
        from transformers import AutoConfig

        AutoConfig.from_pretrained(hf_text, trust_remote_code=False)  # open_clip would prompt to run code
        config["text_cfg"]["hf_model_pretrained"] = False
    if config["vision_cfg"].get("timm_model_name"):
        config["vision_cfg"]["timm_model_pretrained"] = False
    if not config.pop("custom_text", False) and not hf_text:
        return open_clip.CLIP(**config)
    return (open_clip.CoCa if "multimodal_cfg" in config else open_clip.CustomTextCLIP)(**config)


def tokenizer_of(
    text_cfg: dict[str, Any], name: str, *, source: str | None = None, cache_dir: str | None = None
) -> Any:
    """Load the tokenizer of a ``text_cfg``, from local files if available.

    Raises:
        ModelError: The tokenizer needs transformers, which is not installed, or files that are unavailable.
    """
    length = text_cfg.get("context_length", 77)
    options = dict(text_cfg.get("tokenizer_kwargs") or {})
    tokenizer_name = text_cfg.get("hf_tokenizer_name")
    if not tokenizer_name:
        return open_clip.SimpleTokenizer(context_length=length, **options)
    options |= {"tokenizer_mode": text_cfg.get("tokenizer_mode"), "cache_dir": cache_dir, "context_length": length}
    options["trust_remote_code"] = False
    try:
        try:
            return open_clip.tokenizer.HFTokenizer(source or tokenizer_name, local_files_only=True, **options)
        except (OSError, ValueError):
            return open_clip.tokenizer.HFTokenizer(source or tokenizer_name, **options)
    except ImportError as error:
        raise ModelError(
            f"{name} needs a package that is not installed: {first_line(error)} Install the tokenizer's packages: "
            "pip install 'fixlip-widgets[siglip]'."
        ) from error
    except (OSError, ValueError) as error:
        raise ModelError(
            f"The tokenizer {tokenizer_name} of {name} could not be loaded: {first_line(error)}"
        ) from error


def read_config(path: Path) -> dict[str, Any]:
    """Read a config from a JSON file.

    Raises:
        ModelError: The file does not exist or is not a JSON object.
    """
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(f"The model config {path} does not exist.") from error
    except ValueError as error:
        raise ModelError(f"The model config {path} is not JSON: {error}.") from error
    if not isinstance(config, dict):
        raise ModelError(f"The model config {path} is not a JSON object.")
    return config  # pyright: ignore[reportUnknownVariableType]


def from_folder(folder: Path, pretrained: Any, cache_dir: str | None, overrides: Overrides = NONE) -> Parts:
    """Load a folder saved by open_clip: config, weights and, if present, the tokenizer's files."""
    weights = weights_in(folder) if pretrained is None else pretrained
    source = str(folder) if any(folder.glob("tokenizer*")) or any(folder.glob("*.model")) else None
    options: dict[str, Any] = {"source": source, "cache_dir": cache_dir, "overrides": overrides}
    return from_config(read_config(folder / CONFIG), weights, folder.name, **options)


def by_name(name: str, pretrained: Any, cache_dir: str | None, overrides: Overrides = NONE) -> Parts:
    """Load a model by its open_clip name or hub address, with the weights of a tag or file, or random weights.

    Raises:
        ModelError: The name or tag is unknown, or a file is unavailable.
    """
    try:
        if name.startswith(HUB):
            return _from_hub(name, pretrained, cache_dir, overrides)
        config = _config_by_name(name)
        tag = _tag(name, pretrained)
        options: dict[str, Any] = {"cache_dir": cache_dir, "overrides": overrides}
        if tag is None:
            return from_config(config, pretrained, name, known=name, **options)
        weights = weights_of_tag(tag, cache_dir)
        # The weights determine the activation, not the name: open_clip's ViT-B-32 has GELU, OpenAI's weights for it
        # QuickGELU, and open_clip itself only warns.
        config["quick_gelu"] = bool(config.get("quick_gelu") or tag.get("quick_gelu"))
        return from_config(config, weights, name, label=str(pretrained), preprocess=tag, **options)
    except (OSError, ConnectionError, RuntimeError, ValueError) as error:
        raise ModelError(
            f"{name} ({pretrained or 'hub'}) could not be loaded: {first_line(error)} Without network, pass a weights "
            "file: load_model(name, pretrained='path/to/weights.safetensors')."
        ) from error


def config_of(name: str) -> dict[str, Any]:
    """Return the config of an open_clip name, config file, folder or hub address, for :func:`build`.

    Raises:
        ModelError: The model is unknown, or its config cannot be read.
    """
    if Path(name).is_dir():
        return read_config(Path(name) / CONFIG)
    if name.endswith(".json"):
        return read_config(Path(name))
    return _hub_config(name, None) if name.startswith(HUB) else _config_by_name(name)


def _hub_config(name: str, cache_dir: str | None) -> dict[str, Any]:
    repository = name.removeprefix(HUB)
    path = cached_on_hub(repository, (CONFIG,), cache_dir)
    download: Any = open_clip.pretrained.download_pretrained_from_hf
    return read_config(path or Path(download(repository, filename=CONFIG, cache_dir=cache_dir)))


def _from_hub(name: str, pretrained: Any, cache_dir: str | None, overrides: Overrides) -> Parts:
    config = _hub_config(name, cache_dir)
    if pretrained is None:
        pretrained = weights_of_tag({"hf_hub": f"{name.removeprefix(HUB)}/"}, cache_dir)
    return from_config(config, pretrained, name, cache_dir=cache_dir, overrides=overrides)


def _config_by_name(name: str) -> dict[str, Any]:
    names = open_clip.list_models()
    if name not in names:
        close = difflib.get_close_matches(name, names, n=3)
        hint = f" Did you mean {' or '.join(close)}?" if close else " open_clip.list_models() lists all names."
        if name == "demo":
            hint = " load_model() without a name loads the packaged demo model."
        if "/" in name:
            hint = (
                f" Load an open_clip model from the Hugging Face hub as 'hf-hub:{name}'; load a transformers model "
                "with transformers and pass it with its processor: load_model(model, processor=processor)."
            )
        raise ModelError(f"Unknown model {name!r}.{hint}")
    return open_clip.get_model_config(name)  # pyright: ignore[reportReturnType]


def _tag(name: str, pretrained: Any) -> dict[str, Any] | None:
    """Return open_clip's settings of a tag, or ``None`` for random weights and for a file, which is checked here."""
    if pretrained is False:
        return None
    tags = open_clip.list_pretrained_tags_by_model(name)
    choice = f"one of its tags ({', '.join(tags)}) or a .safetensors file" if tags else "a .safetensors file"
    if pretrained is None:
        raise ModelError(f"{name} needs weights. Pass {choice} as pretrained=.")
    if str(pretrained) in tags:
        return open_clip.pretrained.get_pretrained_cfg(name, str(pretrained))
    path = Path(pretrained)
    if not (path.suffix or path.exists() or os.sep in str(pretrained)):
        raise ModelError(f"{name} has no weights {str(pretrained)!r}. Pass {choice}.")
    check_weights_file(path)
    return None
