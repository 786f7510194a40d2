"""Captions of scenes: true and false captions, and the claim that each makes.

The *claim* of a caption is its content in structured form. Training uses it to exclude negatives that happen to be
true of another scene, and tests use it to check every caption against its scene.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from fixlip_widgets.demo.concepts import BACKGROUNDS, CONCEPTS, article, plural

DIRECTED = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}
"""Each directed relation and its opposite."""

RELATIONS = (*DIRECTED, "next to")
ROLES = ("left", "right", "above", "below")
NUMBERS = {2: "two", 3: "three", 4: "four"}
PREFIXES = ("a photo of ", "a picture of ")


@dataclass(frozen=True)
class Layout:
    """Layout of a scene: its objects (a name may repeat), the cell of each (0-3, row-major), and the background."""

    names: tuple[str, ...]
    cells: tuple[int, ...]
    background: str


@dataclass(frozen=True)
class Claim:
    """Content of a caption: names with counts in reading order, and optionally a relation of the first to the second.

    An `exhaustive` caption names every object of the scene.
    """

    counts: tuple[tuple[str, int], ...]
    exhaustive: bool = True
    relation: str | None = None
    background: str | None = None
    prefix: str = ""

    def text(self) -> str:
        """Return the caption in words."""
        phrases = [_phrase(name, count) for name, count in self.counts]
        if self.relation is not None:
            body = f"{phrases[0]} {self.relation} {phrases[1]}"
        elif len(phrases) == 1:
            body = phrases[0]
        else:
            body = ", ".join(phrases[:-1]) + " and " + phrases[-1]
        tail = "" if self.background is None else f" on a {self.background} background"
        return self.prefix + body + tail

    def holds(self, layout: Layout) -> bool:
        """Return whether the claim is true of a scene."""
        present = Counter(layout.names)
        if self.background not in (None, layout.background):
            return False
        if self.exhaustive and present != Counter(dict(self.counts)):
            return False
        if any(present[name] != count for name, count in self.counts):
            return False
        if self.relation is None:
            return True
        first, second = (layout.cells[layout.names.index(name)] for name, _ in self.counts)
        return self.relation in relations(first, second)


def _phrase(name: str, count: int) -> str:
    return f"{article(name)} {name}" if count == 1 else f"{NUMBERS[count]} {plural(name)}"


def relations(first: int, second: int) -> tuple[str, ...]:
    """Return the relations of an object in cell `first` to one in cell `second`; diagonal cells have none."""
    row, other_row, column, other_column = first // 2, second // 2, first % 2, second % 2
    if row == other_row and column != other_column:
        return ("left of" if column < other_column else "right of", "next to")
    if column == other_column and row != other_row:
        return ("above" if row < other_row else "below",)
    return ()


def describe(layout: Layout, rng: np.random.Generator) -> Claim:
    """Return a random true claim about a scene."""
    counts = list(Counter(layout.names).items())
    order = rng.permutation(len(counts))
    counts = [counts[i] for i in order]
    exhaustive = True
    if len(counts) > 2 and rng.random() < 0.25:
        exhaustive, counts = False, counts[:2]  # two of several objects: a relation with distractors
    elif len(counts) > 1 and rng.random() < 0.08:
        exhaustive, counts = False, counts[:1]
    claim = Claim(tuple(counts), exhaustive)
    if len(counts) == 2 and counts[0][1] == counts[1][1] == 1 and rng.random() < 0.9:
        first, second = (layout.cells[layout.names.index(name)] for name, _ in counts)
        true = relations(first, second)
        if true:
            claim = replace(claim, relation=true[int(rng.random() < 0.2) % len(true)])
    if rng.random() < 0.3:
        claim = replace(claim, background=layout.background)
    if rng.random() < 0.08:
        claim = replace(claim, prefix=PREFIXES[int(rng.integers(2))])
    return claim


def roles(claim: Claim) -> dict[str, str]:
    """Return the roles in a directed relation: "left", "right", "above" or "below" -> name; empty without one."""
    if claim.relation not in DIRECTED:
        return {}
    first, second = (name for name, _ in claim.counts)
    place, other = (word.removesuffix(" of") for word in (claim.relation, DIRECTED[claim.relation]))
    return {place: first, other: second}


def opposite(claim: Claim) -> Claim:
    """Return the claim with its directed relation reversed ("above" becomes "below")."""
    if claim.relation not in DIRECTED:
        raise ValueError(f"The claim needs a directed relation, not {claim.relation!r}.")
    return replace(claim, relation=DIRECTED[claim.relation])


def contradict(claim: Claim, layout: Layout, rng: np.random.Generator) -> Claim:
    """Return a similar but false claim: its relation, count, background or one object is wrong."""
    if claim.relation in DIRECTED:
        # Two wordings of the same false statement: the opposite relation, or exchanged nouns.
        return opposite(claim) if rng.random() < 0.5 else replace(claim, counts=claim.counts[::-1])
    if claim.relation == "next to":
        return replace(claim, relation=("above", "below")[int(rng.integers(2))])
    choice = rng.random()
    if claim.background is not None and choice < 0.5:
        others = [name for name in BACKGROUNDS if name != layout.background]
        return replace(claim, background=others[int(rng.integers(len(others)))])
    counts = list(claim.counts)
    index = int(rng.integers(len(counts)))
    name, count = counts[index]
    if choice > 0.75:
        wrong = [number for number in (1, 2, 3, 4) if number != count]
        likely = [number for number in wrong if abs(number - count) == 1]
        counts[index] = (name, likely[int(rng.integers(len(likely)))])
    else:
        absent = [other for other in CONCEPTS if other not in layout.names]
        counts[index] = (absent[int(rng.integers(len(absent)))], count)
    return replace(claim, counts=tuple(counts))
