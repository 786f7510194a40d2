"""An explanation: a surrogate that can be drawn, converted, saved and shown in a notebook.

Drawings and pages take a :class:`~fixlip_widgets.explanation.surrogate.Surrogate` and never import this module; its
methods import them when called.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal, get_args, overload

from fixlip_widgets.errors import InputError
from fixlip_widgets.explanation import npz_format, tables
from fixlip_widgets.explanation.surrogate import Surrogate
from fixlip_widgets.support.files import PathLike, replacing

if TYPE_CHECKING:
    from collections.abc import Sequence

    import networkx as nx
    import pandas as pd
    import plotly.graph_objects as go

    from fixlip_widgets.explanation.shares import Shares
    from fixlip_widgets.explanation.trust import Trust


SvgKind = Literal["graph", "overlay", "words"]


class Explanation(Surrogate):
    """An immutable second-order explanation of one image–caption similarity.

    ``prediction(mask) = baseline + Σ_i main[i]·mask[i] + Σ_{i<j} interactions[i, j]·mask[i]·mask[j]``, in logits.

    Data and arithmetic are those of :class:`~fixlip_widgets.explanation.surrogate.Surrogate`, which lists all
    attributes: ``baseline``, ``main`` (n,), ``interactions`` (n, n), ``cross`` (n_text, n_image), their errors, the
    players, the settings, the cost and the fit. This class adds drawings, conversions and files.
    """

    def __sub__(self, other: Surrogate) -> Explanation:
        """Return this explanation minus ``other``, with this one's tokens; see :func:`.comparison.subtract`.

        Its caption is ``B − A`` if the two captions differ.

        Raises:
            InputError: The explanations are of different images or patches, or their values have no common unit.
        """
        from fixlip_widgets.explanation.comparison import subtract

        if not isinstance(other, Surrogate):  # pyright: ignore[reportUnnecessaryIsInstance]
            return NotImplemented
        difference = subtract(self, other).explanation
        if self.caption == other.caption:
            return difference
        return difference.replace(caption=f"{self.caption} − {other.caption}")

    def shares(self) -> Shares:
        """Return how much of the variance image, text and the two together explain; see :mod:`.shares`."""
        from fixlip_widgets.explanation.shares import shares

        return shares(self)

    @property
    def trust(self) -> Trust:
        """How far to trust the explanation: one word, and a sentence with the numbers from which it follows.

        The word is ``high``, ``moderate`` or ``low``, the least grade of held-out R², residual and significance, or
        ``unknown``; ``print(explanation.trust.why)`` has the reasons.
        """
        from fixlip_widgets.explanation.trust import trust_in

        return trust_in(self)

    # -- conversion ------------------------------------------------------------------------------------------------

    def to_networkx(self, top_k: int | None = 30, **options: Any) -> nx.Graph[int]:
        """Return the explanation as a :class:`networkx.Graph`.

        See :func:`fixlip_widgets.drawing.graphs.explanation_graph` for the options.
        """
        from fixlip_widgets.drawing.graphs import explanation_graph

        return explanation_graph(self, top_k=top_k, **options)

    def to_plotly(self, kind: str = "cross", **options: Any) -> go.Figure:
        """Return an interactive :class:`plotly.graph_objects.Figure`.

        See :func:`fixlip_widgets.drawing.plotly.figure` for the kinds.
        """
        from fixlip_widgets.drawing.plotly import figure

        return figure(self, kind=kind, **options)

    def to_svg(self, kind: SvgKind = "graph", **options: Any) -> str:
        """Return a drawing as SVG text; see :mod:`fixlip_widgets.drawing.svg` for the options."""
        from fixlip_widgets.drawing import svg

        drawings = {"graph": svg.graph_svg, "overlay": svg.overlay_svg, "words": svg.words_svg}
        if kind not in drawings:
            raise InputError(f"There is no drawing of kind {kind!r}; choose one of {', '.join(drawings)}.")
        return drawings[kind](self, **options)

    @overload
    def to_png(self, path: None = None, kind: SvgKind = "graph", **options: Any) -> bytes: ...
    @overload
    def to_png(self, path: PathLike, kind: SvgKind = "graph", **options: Any) -> None: ...
    def to_png(
        self,
        path: PathLike | None = None,
        kind: SvgKind = "graph",
        *,
        scale: float = 2.0,
        background: str | None = "#ffffff",
        **options: Any,
    ) -> bytes | None:
        """Return the drawing of :meth:`to_svg` as a PNG file, or write it to ``path``. Requires resvg-py.

        For ``scale`` and ``background``, see :func:`fixlip_widgets.drawing.png.png`.
        """
        from fixlip_widgets.drawing.png import png

        if path in get_args(SvgKind):
            raise InputError(f"The first argument of to_png is the path: to_png('{path}.png', kind={path!r}).")
        png_bytes = png(self.to_svg(kind, **options), scale=scale, background=background)
        if path is None:
            return png_bytes
        with replacing(path) as stream:
            stream.write(png_bytes)
        return None

    @overload
    def to_csv(self, path: None = None) -> str: ...
    @overload
    def to_csv(self, path: PathLike) -> None: ...
    def to_csv(self, path: PathLike | None = None) -> str | None:
        """Return all terms as CSV, or write them to ``path``; see :mod:`fixlip_widgets.explanation.tables`."""
        return _written(tables.as_csv(self), path)

    @overload
    def to_json(self, path: None = None) -> str: ...
    @overload
    def to_json(self, path: PathLike) -> None: ...
    def to_json(self, path: PathLike | None = None) -> str | None:
        """Return all fields except images as JSON, or write it to ``path``; unknown values are null."""
        return _written(json.dumps(tables.as_json(self), ensure_ascii=False, allow_nan=False), path)

    def to_html(self, path: PathLike, title: str | None = None, **options: Any) -> None:
        """Write a live page, a single file that needs no kernel or network; see :func:`fixlip_widgets.report`.

        Its sliders move if the explainer of the explanation is still in memory: :func:`fixlip_widgets.explain` keeps
        those of its latest results. Otherwise, and after :meth:`load` or :meth:`replace`, the page contains only this
        explanation and shows p and budget as text.

        Args:
            path: The ``.html`` file; an existing file is replaced whole or not at all.
            title: Heading of the page; by default, the page has none and its title is the caption.
            options: ``level`` (``"simple"`` or ``"all"``), and ``p``, ``budgets``, ``captions``, ``playground`` and
                ``progress``, as for :func:`fixlip_widgets.report`. ``p=explanation.p`` writes only this explanation.
        """
        from fixlip_widgets.pages.reports import report

        report([self] if title is None else [f"# {title}", self], path, **options)

    def to_frame(self) -> pd.DataFrame:
        """Return baseline, main effects, interactions and third-order terms as a :class:`pandas.DataFrame`.

        Requires pandas.
        """
        return tables.as_frame(self)

    def to_shapiq(self, index: str | None = None) -> Any:
        """Convert to ``shapiq.InteractionValues``; see :mod:`fixlip_widgets.explanation.shapiq`. Requires shapiq."""
        from fixlip_widgets.explanation.shapiq import to_shapiq

        return to_shapiq(self, index)

    @staticmethod
    def from_shapiq(values: Any, tokens: Sequence[str], grid: tuple[int, int], **fields: Any) -> Explanation:
        """Convert ``shapiq.InteractionValues`` of order 1 or 2 to an explanation. Does not require shapiq.

        Args:
            values: Values from shapiq; the players are the patches, row-major, followed by the tokens.
            tokens: Token of each text player.
            grid: (rows, columns) of the patches.
            fields: Other fields of the explanation, such as ``p``, ``caption`` or ``image``.

        Raises:
            InputError: The number of players does not match, or the order is not 1 or 2.
        """
        from fixlip_widgets.explanation.shapiq import polynomial_of

        rows, columns = grid
        converted = polynomial_of(values, rows * columns + len(tokens))
        return Explanation(tokens=tuple(tokens), grid=(rows, columns), **{**converted, **fields})

    # -- files -----------------------------------------------------------------------------------------------------

    def save(self, path: PathLike) -> None:
        """Write arrays, and the other fields as JSON, to an ``.npz`` file. An existing file is replaced atomically."""
        npz_format.write(self, path)

    @staticmethod
    def load(path: PathLike) -> Explanation:
        """Read a file written by :meth:`save`. Nothing is unpickled.

        Raises:
            PoolError: The file is missing, damaged or of another kind or version.
        """
        return npz_format.read(path, Explanation)

    def __str__(self) -> str:
        """Return caption, summary and the strongest terms as a small table."""
        return tables.as_text(self)

    def _repr_html_(self) -> str:
        """Return image, graph and key figures as static HTML for a notebook."""
        from fixlip_widgets.drawing.static_html import html_card

        return html_card(self)


def _written(text: str, path: PathLike | None) -> str | None:
    if path is None:
        return text
    with replacing(path) as stream:
        stream.write(text.encode("utf-8"))
    return None
