"""Numbers and names of the players: patches or regions of the image, then tokens or words of the caption."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from numbers import Integral
from typing import Any

from numpy.typing import NDArray

from fixlip_widgets.errors import InputError
from fixlip_widgets.support.formatting import joined


class Players:
    """Common base of games and explanations.

    Attributes:
        tokens: Names of the text players, in reading order.
        words: Whether text players are whole words.
        grid: (rows, columns) of the image players.
        regions: (height, width) index of the image player at each point if image players are regions, else ``None``.
    """

    tokens: tuple[str, ...]
    words: bool
    grid: tuple[int, int]
    regions: NDArray[Any] | None

    @property
    def n_image(self) -> int:
        """Number of image players."""
        return self.grid[0] * self.grid[1]

    @property
    def n_text(self) -> int:
        """Number of text players."""
        return len(self.tokens)

    @property
    def n_players(self) -> int:
        """Number of players: image players in row-major order, then text players."""
        return self.n_image + self.n_text

    @property
    def image_word(self) -> tuple[str, str]:
        """Singular and plural noun for image players."""
        return ("patch", "patches") if self.regions is None else ("region", "regions")

    @property
    def text_word(self) -> tuple[str, str]:
        """Singular and plural noun for text players."""
        return ("word", "words") if self.words else ("token", "tokens")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all players: ``patch (row, column)`` or ``region number``, counted from 1, then the tokens.

        A token that occurs more than once is numbered: ``a¹``, ``a²``.
        """
        one, columns, texts = self.image_word[0], self.grid[1], numbered(self.tokens)
        if self.regions is not None:
            return (*(f"{one} {i + 1}" for i in range(self.n_image)), *texts)
        return (*(f"{one} ({i // columns + 1}, {i % columns + 1})" for i in range(self.n_image)), *texts)

    @property
    def places(self) -> tuple[tuple[int, int] | int, ...]:
        """Places of all players, counted from 0.

        The place of a patch is its (row, column) in the grid, that of a region its number in :attr:`regions`, and that
        of a token its position among :attr:`tokens`.
        """
        columns = self.grid[1]
        images = [i if self.regions is not None else divmod(i, columns) for i in range(self.n_image)]
        return (*images, *range(self.n_text))

    def kind_of(self, players: Sequence[int]) -> str:
        """Return the kind of the term of ``players``, which are indices.

        It is ``"baseline"`` without players, ``"image"`` or ``"text"`` for one, ``"image_image"``, ``"text_text"`` or
        ``"cross"`` for two, and ``"image_image_text"`` or ``"image_text_text"`` for three.
        """
        modalities = ["image" if player < self.n_image else "text" for player in sorted(players)]
        kind = "_".join(modalities) or "baseline"
        return "cross" if kind == "image_text" else kind

    def player(self, player: int | str) -> int:
        """Return the index of a player from its index or name; a token that occurs twice needs an index or its number.

        Raises:
            InputError: The player does not exist, or its name is not unique.
        """
        if isinstance(player, str):
            names = self.names
            plain = (*names[: self.n_image], *self.tokens)
            matches = [i for i in range(self.n_players) if player in (names[i], plain[i])]
            if len(matches) != 1:
                places = joined([*map(str, matches)])
                problem = f"occurs more than once; give an index: {places}" if matches else "is not a player"
                raise InputError(f"{player!r} {problem}. The tokens are {', '.join(self.tokens)}.")
            return matches[0]
        if isinstance(player, bool) or not isinstance(player, Integral) or not 0 <= player < self.n_players:
            raise InputError(f"Player {player!r} does not exist; players are numbered 0 to {self.n_players - 1}.")
        return int(player)


_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def numbered(tokens: Sequence[str]) -> tuple[str, ...]:
    """Return the tokens, with a number at those that occur more than once: ``a¹``, ``a²``."""
    total, seen = Counter(tokens), Counter[str]()
    names: list[str] = []
    for token in tokens:
        seen[token] += 1
        names.append(token + str(seen[token]).translate(_SUPERSCRIPTS) if total[token] > 1 else token)
    return tuple(names)
