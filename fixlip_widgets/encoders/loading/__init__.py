"""Where models come from: open_clip names and tags, configs, folders, hubs, and models of transformers."""

from fixlip_widgets.encoders.loading.outline import outline
from fixlip_widgets.encoders.loading.parts import Parts

__all__ = ["Parts", "outline"]
