"""Load models: open_clip names and tags, configs, folders, hubs and transformers models."""

from fixlip_widgets.encoders.loading.outline import outline
from fixlip_widgets.encoders.loading.parts import Parts

__all__ = ["Parts", "outline"]
