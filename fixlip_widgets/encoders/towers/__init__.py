"""Idea 2, encode: towers map a batch of masks to unit-norm embeddings, with one class per kind of encoder."""

from fixlip_widgets.encoders.towers.image import ImageTower, PatchImageTower, PixelImageTower, image_tower, patches_of
from fixlip_widgets.encoders.towers.kinds import Kinds, kinds_of
from fixlip_widgets.encoders.towers.maskings import MASKINGS, Masking, check_masking
from fixlip_widgets.encoders.towers.patches import Patches, grid_labels
from fixlip_widgets.encoders.towers.text import AnyTextTower, TextTower, text_tower
from fixlip_widgets.encoders.towers.timm_vit import required_size
from fixlip_widgets.encoders.towers.transformers_model import TransformersEncoder

__all__ = [
    "MASKINGS",
    "AnyTextTower",
    "ImageTower",
    "Kinds",
    "Masking",
    "PatchImageTower",
    "Patches",
    "PixelImageTower",
    "TextTower",
    "TransformersEncoder",
    "check_masking",
    "grid_labels",
    "image_tower",
    "kinds_of",
    "patches_of",
    "required_size",
    "text_tower",
]
