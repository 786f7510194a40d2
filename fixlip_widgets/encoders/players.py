"""The players: an image's patches or regions, then a caption's tokens or words; how many there are, and their names."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from numpy.typing import NDArray

from fixlip_widgets.errors import InputError
from fixlip_widgets.support.formatting import joined


class Players:
    """What a game and its explanations have in common.

    Attributes:
        tokens: The text players' names, in reading order.
        words: Whether these are whole words.
        grid: (rows, columns) of the image players.
        regions: (height, width) the image player of each point, where image players are regions of any shape.
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
        """Number of players; image players come first, row-major, then the tokens."""
        return self.n_image + self.n_text

    @property
    def image_word(self) -> tuple[str, str]:
        """What one image player, and what several, are called."""
        return ("patch", "patches") if self.regions is None else ("region", "regions")

    @property
    def text_word(self) -> tuple[str, str]:
        """What one text player, and what several, are called."""
        return ("word", "words") if self.words else ("token", "tokens")

    @property
    def names(self) -> tuple[str, ...]:
        """Every player's name: ``patch (row, column)`` or ``region number``, counted from 1, then the tokens."""
        one, columns = self.image_word[0], self.grid[1]
        if self.regions is not None:
            return (*(f"{one} {i + 1}" for i in range(self.n_image)), *self.tokens)
        return (*(f"{one} ({i // columns + 1}, {i % columns + 1})" for i in range(self.n_image)), *self.tokens)

    def player(self, player: int | str) -> int:
        """Index of a player given by index or by name; a token that occurs twice must be given by index.

        Raises:
            InputError: There is no such player, or more than one of that name.
        """
        if isinstance(player, str):
            matches = [i for i, name in enumerate(self.names) if name == player]
            if len(matches) != 1:
                places = joined([*map(str, matches)])
                found = f"occurs more than once; give an index: {places}" if matches else "is no player"
                raise InputError(f"{player!r} {found}. The tokens are {', '.join(self.tokens)}.")
            return matches[0]
        if isinstance(player, bool) or not isinstance(player, Integral) or not 0 <= player < self.n_players:
            raise InputError(f"Player {player!r} does not exist; players are numbered 0 to {self.n_players - 1}.")
        return int(player)
