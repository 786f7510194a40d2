"""The notebook widget: one cell in which p, budget and caption move and the explanation follows."""

from fixlip_widgets.widget.fixlip_widget import FixlipWidget

__all__ = ["FixlipWidget"]
