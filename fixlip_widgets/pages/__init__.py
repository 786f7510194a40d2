"""Explanations that need no kernel: live pages, reports and exported notebooks."""

from fixlip_widgets.pages.recording import GRID, Recording, record
from fixlip_widgets.pages.reports import report

__all__ = ["GRID", "Recording", "record", "report"]
