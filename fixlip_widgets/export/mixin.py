"""What the widget offers for export: pages, pictures, and the still form for places where it cannot live."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from fixlip_widgets.errors import InputError

if TYPE_CHECKING:
    from fixlip_widgets.explanation import Explanation
    from fixlip_widgets.export.bar import Step
    from fixlip_widgets.export.recording import Recording
    from fixlip_widgets.files import PathLike
    from fixlip_widgets.incremental import IncrementalExplainer

_LOOK = (
    "top_k",
    "graph_layout",
    "graph_kind",
    "graph_sign",
    "subset_size",
    "subset_sign",
    "view",
    "block",
    "palette",
    "theme",
)
"""Settings that a page takes over; what is selected or compared begins anew."""


class Exports:
    """Mixed into the widget, which has these settings as traits."""

    method: Any
    order: Any

    @property
    def explanation(self) -> Explanation | None:
        """The present explanation."""
        raise NotImplementedError

    def shown_explanation(self) -> Explanation:
        """What the views show, or an :class:`InputError` where there is nothing yet."""
        raise NotImplementedError

    def resting_explainer(self) -> IncrementalExplainer | None:
        """The explainer, at rest until the widget is asked for something else; None without a model."""
        raise NotImplementedError

    def record(
        self,
        *,
        p: Sequence[float] | None = None,
        budgets: Sequence[int] | None = None,
        captions: Sequence[str] = (),
        playground: bool = False,
        progress: bool | Callable[[Step], None] | None = None,
    ) -> Recording:
        """Compute what a page shall be able to show without a kernel; see :func:`fixlip_widgets.export.record`.

        Raises:
            InputError: There is no result yet, or something is asked for that needs a model and there is none.
        """
        from fixlip_widgets.export.recording import Recording, record

        explanation, explainer = self.explanation, self.resting_explainer()
        if explanation is None:
            raise InputError("There is no result yet; call widget.wait() first.")
        if explainer is None:
            if p or budgets or captions or playground:
                raise InputError(
                    "This widget shows a finished explanation, without a model to compute others; leave out p, "
                    "budgets, captions and playground."
                )
            return Recording.of(explanation)
        return record(
            explainer,
            p=p,
            budgets=budgets,
            captions=captions,
            playground=playground,
            method=self.method,
            order=self.order,
            first=explanation,
            progress=progress,
        )

    def view_settings(self) -> dict[str, Any]:
        """How it is looked at: edges, layout, view, colours."""
        return {name: getattr(self, name) for name in _LOOK}

    def to_html(self, path: PathLike, title: str | None = None, **recorded: Any) -> None:
        """Write a live page: one file that opens from disk, without a kernel and without a network.

        Args:
            path: The ``.html`` file; an existing one is replaced whole or not at all.
            title: Of the page; the caption by default.
            recorded: ``p``, ``budgets``, ``captions``, ``playground`` and ``progress`` as for :meth:`record`. By
                default the page offers those p that can be answered from what is encoded already.

        Raises:
            InputError: There is no result yet, or something is asked for that cannot be computed.
        """
        from fixlip_widgets.export.reports import report

        report([self], path, title, **recorded)

    def to_svg(self, kind: Literal["graph", "overlay"] = "graph", **options: Any) -> str:
        """The graph or the picture with heat, as it is shown; see :meth:`fixlip_widgets.Explanation.to_svg`."""
        return self.shown_explanation().to_svg(kind, **{**self._drawn(kind), **options})

    def to_png(
        self, path: PathLike | None = None, kind: Literal["graph", "overlay"] = "graph", **options: Any
    ) -> bytes:
        """The same as a PNG file, written to ``path`` if given; see :meth:`fixlip_widgets.Explanation.to_png`."""
        return self.shown_explanation().to_png(path, kind, **{**self._drawn(kind), **options})

    def _drawn(self, kind: str) -> dict[str, Any]:
        if kind != "graph":
            return {"colors": getattr(self, "palette", "house")}
        settings = self.view_settings()
        return {
            "top_k": settings["top_k"],
            "kind": settings["graph_kind"],
            "layout": settings["graph_layout"],
            "sign": {"positive": 1, "negative": -1}.get(settings["graph_sign"]),
            "colors": settings["palette"],
        }
