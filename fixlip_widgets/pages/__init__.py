"""Explanations that need no kernel: live pages, reports and exported notebooks."""

from fixlip_widgets.pages.recording import GRID, Recording
from fixlip_widgets.pages.reports import report

__all__ = ["GRID", "Recording", "report"]
