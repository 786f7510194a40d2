"""Explanations for people who run no kernel: live pages, reports, notebooks, pictures and tables."""

from fixlip_widgets.pages.recording import GRID, Recording, record
from fixlip_widgets.pages.reports import report

__all__ = ["GRID", "Recording", "record", "report"]
