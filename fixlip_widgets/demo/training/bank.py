"""Training batches: tiles are drawn once in many variants, and each batch assembles scenes from them.

A batch depends only on (seed, step). A resumed run therefore sees the batches of an uninterrupted one, and no
generator state needs to be saved.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from fixlip_widgets.demo.captions import ROLES, Claim, Layout, contradict, describe, relations, roles
from fixlip_widgets.demo.concepts import BACKGROUNDS
from fixlip_widgets.demo.drawing import CELLS, GRID, Backdrop, Placement, covered, draw_tile, paint
from fixlip_widgets.demo.training.model import compact, tokenize

NO_ROLE = -100
"""Class index of a role that a scene or caption leaves empty; the cross entropy ignores it."""

_SIDE = GRID // CELLS
_COUNT_SHARES = (0.20, 0.50, 0.14, 0.16)
"""Share of scenes with 1, 2, 3 and 4 objects; pairs are most frequent because only they have relations."""


@dataclass(frozen=True)
class Batch:
    """One training batch of n scenes.

    Attributes:
        pixels: (n, side, side, 3) uint8 scenes.
        claims: n true captions, then n false ones (caption n + i is false of scene i).
        tokens: (2n, length) int64 compact token ids of the captions.
        kept_tokens: (2n, length) bool, the tokens that are not removed; false captions keep all.
        false_negative: (n, 2n) bool; True if the caption of another scene is also true of this scene, and neither
            lost parts.
        patches: (n, 64) int64, the concept in each patch, or the number of concepts for background.
        cells: (n, 4) int64, the concept in each cell, or the number of concepts for an empty cell.
        kept: (n, 64) bool, the patches that are not removed.
        image_roles: (n, 4) int64, the concept at the left, right, above and below in a scene of two different adjacent
            objects; `NO_ROLE` elsewhere.
        text_roles: (2n, 4) int64, the same roles according to each caption; `NO_ROLE` where tokens are removed.
    """

    pixels: Tensor
    claims: list[Claim]
    tokens: Tensor
    kept_tokens: Tensor
    false_negative: Tensor
    patches: Tensor
    cells: Tensor
    kept: Tensor
    image_roles: Tensor
    text_roles: Tensor


class TileBank:
    """Tiles of every concept in every picture set, in several variants of size, angle, place and colour."""

    def __init__(self, sets: dict[str, dict[str, Image.Image]], tile: int, variants: int, seed: int) -> None:
        self.names = list(next(iter(sets.values())))
        rng = np.random.default_rng([seed, 0])
        tiles: list[NDArray[np.uint8]] = [np.zeros((tile, tile, 4), dtype=np.uint8)]
        for name in self.names:
            for pictures in sets.values():
                tiles += [draw_tile(pictures[name], Placement.random(rng).varied(rng), tile) for _ in range(variants)]
        self.variants = variants * len(sets)
        self.tiles = torch.from_numpy(np.stack(tiles))
        self.covered = torch.from_numpy(np.stack([covered(drawn) for drawn in tiles]))

    def batch(self, size: int, seed: int, step: int, removal: float = 0.3) -> Batch:
        """Return the batch of one step; `removal` is the share of scenes, and of captions, that lose random parts."""
        rng = np.random.default_rng([seed, 1, step])
        layouts = _layouts(size, self.names, rng)
        true = [describe(layout, rng) for layout in layouts]
        claims = true + [contradict(claim, layout, rng) for claim, layout in zip(true, layouts, strict=True)]
        number = {name: index for index, name in enumerate(self.names)}
        cells = np.full((size, CELLS**2), len(self.names), dtype=np.int64)
        for row, layout in enumerate(layouts):
            for name, cell in zip(layout.names, layout.cells, strict=True):
                cells[row, cell] = number[name]
        variant = rng.integers(self.variants, size=cells.shape)
        index = torch.from_numpy(np.where(cells < len(self.names), 1 + cells * self.variants + variant, 0))
        backdrops = [Backdrop.random(BACKGROUNDS[layout.background], rng) for layout in layouts]
        pixels = paint(
            self.tiles[index],
            torch.tensor([backdrop.colour for backdrop in backdrops]),
            torch.tensor([backdrop.shade for backdrop in backdrops]),
        )
        here = torch.from_numpy(cells)
        covered_patches = self.covered[index].view(size, CELLS, CELLS, _SIDE, _SIDE)
        patches = torch.where(covered_patches, here.view(size, CELLS, CELLS, 1, 1), len(self.names))
        kept = torch.from_numpy(_kept_patches(size, removal, rng))
        tokens = compact(tokenize([claim.text() for claim in claims]))
        kept_tokens = torch.from_numpy(_kept_tokens(tokens.numpy(), size, removal, rng))
        # Parts of scenes and captions fit many others; as negatives of all, they learn a neutral similarity.
        unabridged = kept_tokens.all(dim=1)
        false_negative = torch.from_numpy(_true_elsewhere(claims, layouts, number))
        false_negative &= kept.all(dim=1)[:, None] & unabridged
        text_roles = [roles(claim) if all_there else {} for claim, all_there in zip(claims, unabridged, strict=True)]
        return Batch(
            pixels=pixels,
            claims=claims,
            tokens=tokens,
            kept_tokens=kept_tokens,
            false_negative=false_negative,
            patches=patches.permute(0, 1, 3, 2, 4).reshape(size, GRID**2),
            cells=here,
            kept=kept,
            image_roles=_roles([_related(layout) for layout in layouts], number),
            text_roles=_roles(text_roles, number),
        )


def _layouts(size: int, names: list[str], rng: np.random.Generator) -> list[Layout]:
    """Return random layouts; most pairs with a directed relation are followed by the same pair in exchanged places."""
    layouts: list[Layout] = []
    while len(layouts) < size:
        layout = _layout(names, rng)
        layouts.append(layout)
        if _related(layout) and len(layouts) < size and rng.random() < 0.6:
            layouts.append(replace(layout, names=layout.names[::-1]))
    return layouts


def _related(layout: Layout) -> dict[str, str]:
    """Return the roles in a scene of two different adjacent objects; empty for other scenes."""
    if len(layout.names) != 2 or layout.names[0] == layout.names[1]:
        return {}
    true = relations(*layout.cells)
    return roles(Claim(tuple((name, 1) for name in layout.names), relation=true[0])) if true else {}


def _roles(filled: list[dict[str, str]], number: dict[str, int]) -> Tensor:
    """Return the class indices (n, 4) of the names in each role."""
    return torch.tensor([[number[one[role]] if role in one else NO_ROLE for role in ROLES] for one in filled])


def _layout(names: list[str], rng: np.random.Generator) -> Layout:
    count = 1 + int(rng.choice(4, p=_COUNT_SHARES))
    chosen = [names[i] for i in rng.choice(len(names), count, replace=False)]
    if count > 1 and rng.random() < 0.2:
        # Repeat names, so that the model learns to count.
        chosen[1] = chosen[0]
        if count > 2 and rng.random() < 0.5:
            chosen[2] = chosen[0]
            if count > 3 and rng.random() < 0.5:
                chosen[3] = chosen[0]
    cells = [int(cell) for cell in rng.permutation(4)[:count]]
    if count == 2 and cells[0] + cells[1] == 3 and rng.random() < 0.8:
        cells[1] ^= 1 + int(rng.integers(2))  # diagonal pairs have no relation: move one beside the other
    background = list(BACKGROUNDS)[int(rng.integers(len(BACKGROUNDS)))]
    return Layout(tuple(chosen), tuple(cells), background)


def _kept_patches(size: int, removal: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    kept = np.ones((size, GRID, GRID), dtype=bool)
    for row in np.flatnonzero(rng.random(size) < removal):
        share = rng.random()
        coarse = 1 if rng.random() < 0.8 else 2  # an explanation may use a coarser grid
        draw = rng.random((GRID // coarse, GRID // coarse)) < share
        kept[row] = draw.repeat(coarse, axis=0).repeat(coarse, axis=1)
    return kept.reshape(size, GRID**2)


def _kept_tokens(tokens: NDArray[np.int64], size: int, removal: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    kept = np.ones(tokens.shape, dtype=bool)
    for row in np.flatnonzero(rng.random(size) < removal):
        share = rng.random()
        end = int(tokens[row].argmax())  # the end token has the largest id
        kept[row, 1:end] = rng.random(end - 1) < share
    return kept


def _true_elsewhere(claims: list[Claim], layouts: list[Layout], number: dict[str, int]) -> NDArray[np.bool_]:
    """Return an (n, 2n) mask: True if caption j, written for another scene, is true of scene i."""
    present = np.zeros((len(layouts), len(number)), dtype=np.float32)
    for row, layout in enumerate(layouts):
        for name, count in Counter(layout.names).items():
            present[row, number[name]] = count
    named = np.zeros((len(claims), len(number)), dtype=np.float32)
    for row, claim in enumerate(claims):
        for name, _ in claim.counts:
            named[row, number[name]] = 1.0
    all_there = (present > 0).astype(np.float32) @ named.T >= named.sum(axis=1) - 0.5
    result = np.zeros(all_there.shape, dtype=bool)
    for i, j in zip(*np.nonzero(all_there), strict=True):
        result[i, j] = i != j and claims[j].holds(layouts[i])
    return result
