"""A gallery of a corpus: a view in the notebook, and a page that needs no kernel."""

from fixlip_widgets.gallery.gallery import Gallery

__all__ = ["Gallery"]
