"""The notebook widget: controls for p, budget and caption, and an explanation that follows them."""

from fixlip_widgets.widget.fixlip_widget import FixlipWidget

__all__ = ["FixlipWidget"]
