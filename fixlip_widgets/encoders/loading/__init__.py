"""Load models: open_clip names and tags, configs, folders, hubs and transformers models."""

from fixlip_widgets.encoders.loading.parts import Parts
from fixlip_widgets.encoders.loading.without_weights import outline

__all__ = ["Parts", "outline"]
