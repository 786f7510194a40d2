"""Idea 2, encode: towers that turn a batch of masks into a batch of unit-norm embeddings, one class per kind."""

from fixlip_widgets.towers.image import ImageTower, PatchImageTower, PixelImageTower, image_tower
from fixlip_widgets.towers.text import TextTower

__all__ = ["ImageTower", "PatchImageTower", "PixelImageTower", "TextTower", "image_tower"]
