"""A model's modules without its weights: enough to see what it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fixlip_widgets.errors import ModelError
from fixlip_widgets.loading.open_clip_models import CONFIG, build, config_of


def outline(name: str) -> Any:
    """The model of a name, config file or folder, with weights that mean nothing.

    Raises:
        ModelError: There is no such model, or its config is none.
    """
    named = name.removeprefix("local-dir:")
    if Path(named).is_dir() and not (Path(named) / CONFIG).is_file():
        return _of_transformers(Path(named))
    try:
        return build(config_of(named))
    except (TypeError, KeyError, AttributeError) as error:
        raise ModelError(f"The config of {name} is not an open_clip model config: {error}.") from error


def _of_transformers(folder: Path) -> Any:
    from transformers import AutoConfig, AutoModel

    from fixlip_widgets.loading.transformers_models import check_kind
    from fixlip_widgets.towers import TransformersEncoder

    model: Any = AutoModel.from_config(AutoConfig.from_pretrained(folder, local_files_only=True))
    check_kind(model)
    return TransformersEncoder(model)
