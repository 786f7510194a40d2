"""Where models come from: open_clip names and tags, configs, folders, hubs, and models of transformers."""

from fixlip_widgets.loading.outline import outline
from fixlip_widgets.loading.parts import Parts

__all__ = ["Parts", "outline"]
