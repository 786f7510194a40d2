"""Build a model without its weights, to inspect its architecture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fixlip_widgets.encoders.loading.open_clip_models import CONFIG, build, config_of
from fixlip_widgets.encoders.loading.parts import first_line
from fixlip_widgets.errors import ModelError


def outline(name: str) -> Any:
    """Build the model of a name, config file or folder, with random weights.

    Raises:
        ModelError: The model is unknown, or its config is invalid.
    """
    source = name.removeprefix("local-dir:")
    if Path(source).is_dir() and not (Path(source) / CONFIG).is_file():
        return _of_transformers(Path(source))
    return build(config_of(source), name)


def _of_transformers(folder: Path) -> Any:
    from fixlip_widgets.encoders.loading.transformers_models import check_kind, library
    from fixlip_widgets.encoders.towers import TransformersEncoder

    transformers = library(folder)
    try:
        config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        model: Any = transformers.AutoModel.from_config(config, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(
            f"The folder {folder} contains neither {CONFIG} (open_clip) nor a readable config.json (transformers): "
            f"{first_line(error)}"
        ) from error
    check_kind(model)
    return TransformersEncoder(model)
