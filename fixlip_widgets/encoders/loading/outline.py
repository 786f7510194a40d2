"""A model's modules without its weights: enough to see what it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fixlip_widgets.encoders.loading.open_clip_models import CONFIG, build, config_of
from fixlip_widgets.encoders.loading.parts import first_line
from fixlip_widgets.errors import ModelError


def outline(name: str) -> Any:
    """The model of a name, config file or folder, with weights that mean nothing.

    Raises:
        ModelError: There is no such model, or its config is none.
    """
    named = name.removeprefix("local-dir:")
    if Path(named).is_dir() and not (Path(named) / CONFIG).is_file():
        return _of_transformers(Path(named))
    return build(config_of(named), name)


def _of_transformers(folder: Path) -> Any:
    from fixlip_widgets.encoders.loading.transformers_models import check_kind, library
    from fixlip_widgets.encoders.towers import TransformersEncoder

    transformers = library(folder)
    try:
        config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        model: Any = transformers.AutoModel.from_config(config, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(
            f"The folder {folder} has neither {CONFIG}, as open_clip saves it, nor a config.json of transformers that "
            f"can be read: {first_line(error)}"
        ) from error
    check_kind(model)
    return TransformersEncoder(model)
