"""Says what a scene shows: captions, what each claims, and captions that claim something false.

A caption's *claim* is kept beside its words so that training can tell whether the caption of one scene happens to be
true of another one (then it is no negative), and so that tests can check every caption against its scene.
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
    """What is where: objects (a name may repeat), the cell of each (0-3, row-major), the background's name."""

    names: tuple[str, ...]
    cells: tuple[int, ...]
    background: str


@dataclass(frozen=True)
class Claim:
    """What a caption says: names with their counts in reading order, maybe a relation of the first to the second.

    `exhaustive` captions name every object of the scene; the others leave some out.
    """

    counts: tuple[tuple[str, int], ...]
    exhaustive: bool = True
    relation: str | None = None
    background: str | None = None
    prefix: str = ""

    def text(self) -> str:
        """The caption in words."""
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
        """Whether the claim is true of a scene."""
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
    """The relations that hold of an object in cell `first` to one in cell `second` (none when diagonal)."""
    row, other_row, column, other_column = first // 2, second // 2, first % 2, second % 2
    if row == other_row and column != other_column:
        return ("left of" if column < other_column else "right of", "next to")
    if column == other_column and row != other_row:
        return ("above" if row < other_row else "below",)
    return ()


def describe(layout: Layout, rng: np.random.Generator) -> Claim:
    """A random true claim about a scene."""
    counts = list(Counter(layout.names).items())
    order = rng.permutation(len(counts))
    counts = [counts[i] for i in order]
    exhaustive = True
    if len(counts) > 2 and rng.random() < 0.25:
        exhaustive, counts = False, counts[:2]  # a pair out of many: the scenes with relations and distraction
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
    """Who is where by a directed relation: "left", "right", "above" or "below" -> name; empty without one."""
    if claim.relation not in DIRECTED:
        return {}
    first, second = (name for name, _ in claim.counts)
    place, other = (word.removesuffix(" of") for word in (claim.relation, DIRECTED[claim.relation]))
    return {place: first, other: second}


def opposite(claim: Claim) -> Claim:
    """The claim with its directed relation turned around ("above" becomes "below")."""
    if claim.relation not in DIRECTED:
        raise ValueError(f"a claim with a directed relation is needed, not one with {claim.relation!r}")
    return replace(claim, relation=DIRECTED[claim.relation])


def contradict(claim: Claim, layout: Layout, rng: np.random.Generator) -> Claim:
    """A claim near `claim` that is false of the scene: relation, count, background or one object is wrong."""
    if claim.relation in DIRECTED:
        # The same false statement in two wordings: the other relation, or the nouns exchanged.
        return opposite(claim) if rng.random() < 0.5 else replace(claim, counts=claim.counts[::-1])
    if claim.relation == "next to":
        return replace(claim, relation=("above", "below")[int(rng.integers(2))])
    choice = rng.random()
    if claim.background is not None and choice < 0.5:
        others = [name for name in BACKGROUNDS if name != layout.background]
        return replace(claim, background=others[int(rng.integers(len(others)))])
    counts = list(claim.counts)
    where = int(rng.integers(len(counts)))
    name, count = counts[where]
    if choice > 0.75:
        wrong = [number for number in (1, 2, 3, 4) if number != count]
        likely = [number for number in wrong if abs(number - count) == 1]
        counts[where] = (name, likely[int(rng.integers(len(likely)))])
    else:
        absent = [other for other in CONCEPTS if other not in layout.names]
        counts[where] = (absent[int(rng.integers(len(absent)))], count)
    return replace(claim, counts=tuple(counts))
