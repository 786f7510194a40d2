"""Contents of the views: the current explanation, the pinned one or their difference, and queries about them."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import traitlets as t

from fixlip_widgets.errors import FixlipError, InputError
from fixlip_widgets.explanation.comparison import Difference, check_comparable, label, one_unit, subtract
from fixlip_widgets.explanation.explanation import Explanation
from fixlip_widgets.explanation.group_sums import Group, group
from fixlip_widgets.pages import wire_format as wire
from fixlip_widgets.pages.convergence import Convergence
from fixlip_widgets.pages.provenance import reproduction
from fixlip_widgets.widget.checked_settings import BaseWidget
from fixlip_widgets.widget.exports import Exports
from fixlip_widgets.widget.playground import TAKEN, Playground
from fixlip_widgets.widget.worker import Worker

if TYPE_CHECKING:
    import networkx as nx
    import plotly.graph_objects as go


_REDRAW = ("top_k", "graph_layout", "graph_kind", "graph_sign")


class ShowingWidget(Exports, BaseWidget):
    """A widget that shows explanations and answers queries about them; subclasses compute the explanations.

    Message handlers only request chores: the worker's thread computes the graph, subsets, sums and the playground.
    """

    def __init__(self, worker: Worker, explanation: Explanation | None, playground: Playground, **state: Any) -> None:
        self._worker = worker
        self._explanation = explanation
        self._pinned: Explanation | None = None
        self._difference: Difference | None = None
        self._subsets_of: Explanation | None = None
        self._convergence = Convergence()
        self._playground = playground
        self.last_traceback = ""
        super().__init__(**state)

    # -- Python interface ----------------------------------------------------------------------------------------------

    @property
    def explanation(self) -> Explanation | None:
        """The current explanation: the last result, partial during a refinement; None before the first."""
        return self._explanation

    def shown_explanation(self) -> Explanation:
        """Return the shown explanation: the current one, the pinned one, or current minus pinned (see ``shown``).

        Raises:
            InputError: There is no result yet.
        """
        return self._on_screen or self._present()

    @property
    def _on_screen(self) -> Explanation | None:
        if self.shown == "difference":
            return None if self._difference is None else self._difference.explanation
        return self._pinned if self.shown == "pinned" else self._explanation

    def graph(self) -> nx.Graph[int]:
        """Return the shown graph as a NetworkX graph, with the same edges and layout."""
        return self.shown_explanation().to_networkx(**self._graph_options())

    def figure(self, kind: str = "cross") -> go.Figure:
        """Return the shown explanation as a Plotly figure; see :func:`fixlip_widgets.drawing.plotly.figure`."""
        return self.shown_explanation().to_plotly(kind)

    @property
    def code(self) -> str:
        """Python code that computes the current explanation again."""
        return reproduction(self._present()) if self.result is None else str(self.result["code"])

    def _present(self) -> Explanation:
        if self._explanation is None:
            raise InputError("There is no result yet; call widget.wait() first.")
        return self._explanation

    # -- comparing ---------------------------------------------------------------------------------------------------

    def pin(self, explanation: Explanation | None = None) -> None:
        """Pin an explanation as A; the setting ``shown`` selects A, or B − A with the current explanation as B.

        Args:
            explanation: An explanation of the same image and the same patches or regions; the current one by default.

        Raises:
            InputError: There is no result yet, or the image, grid or regions differ.
        """
        with self._publishing, self.hold_sync():
            pinned = explanation or self._present()
            if self._explanation is not None:
                check_comparable(self._explanation, pinned)
            elif list(pinned.grid) != self.scene["grid"] or wire.regions(pinned.regions) != self.scene["regions"]:
                raise InputError(
                    "The grid or the regions of the explanation differ from those of the widget; they must be the same."
                )
            own = self.result["generation"] if self.result and pinned is self._explanation else 0
            self._pinned = pinned
            data = wire.result(pinned, own, partial=False, code=self._code(pinned))
            self.pinned = {"label": label(pinned), "result": data}
            self._subtract()
        self._ask_all()

    def unpin(self) -> None:
        """Remove the pinned explanation, and show the current one."""
        with self._publishing, self.hold_sync():
            self.shown = "current"
            self._pinned, self.pinned = None, None
            self._subtract()

    def _subtract(self) -> None:
        """Compute B − A again, if possible; requires the lock."""
        if (
            self._explanation is None
            or self._pinned is None
            or self.result is None
            or not one_unit(self._explanation, self._pinned)
        ):
            self._difference, self.difference = None, None
            if self.shown == "difference":
                self.shown = "current"
            return
        self._difference = subtract(self._explanation, self._pinned)
        data = wire.result(
            self._difference.explanation,
            self.result["generation"],
            partial=self.result["partial"],
            code="",
            difference=True,
        )
        self.difference = {"result": data, "unmatched": list(self._difference.unmatched)}

    def _check_shown(self, which: str) -> None:
        if which != "current" and self._pinned is None:
            raise InputError(f"No explanation is pinned, so {which!r} cannot be shown; pin an explanation first.")
        if which == "difference" and self._difference is None:
            if self._explanation is None:
                raise InputError("There is no result yet to compare with the pinned explanation.")
            raise InputError(
                "A and B have no common unit; an explanation that is not in logits can be pinned, but not subtracted."
            )

    # -- results -------------------------------------------------------------------------------------------------------

    def _take(self, explanation: Explanation, generation: int, status: str | None) -> None:
        """On the worker's thread, show ``explanation`` unless a newer request exists; partial without a ``status``."""
        data = wire.result(explanation, generation, partial=status is None, code=self._code(explanation))
        graph = wire.graph(explanation, generation, **self._graph_options()) if self.shown == "current" else None
        with self._publishing:
            if generation != self.generation:
                return
            with self.hold_sync():
                self._explanation, self.result = explanation, data
                self.convergence = list(self._convergence.add(explanation))
                self._subtract()
                if graph is not None and self.shown == "current":
                    self.graph_data = graph
                else:
                    self._worker.ask_chore(self._redraw)
                if status is not None:
                    self.status = status
        self._ask_about_result(final=status is not None)

    def _begin_with(self, explanation: Explanation) -> None:
        """Show a finished explanation; the first paint does not need the worker."""
        self.convergence = list(self._convergence.add(explanation))
        self._draw()
        self._ask_model()
        self._worker.ask_chore(self._find_subsets)

    def _ask_about_result(self, *, final: bool) -> None:
        for chore in (self._sum_up, self._play, *((self._find_subsets,) if final else ())):
            self._worker.ask_chore(chore)

    def _ask_all(self) -> None:
        self._worker.ask_chore(self._redraw)
        self._ask_about_result(final=True)

    def _code(self, explanation: Explanation) -> str | None:
        """Return code that computes ``explanation`` again; None if its image and model are unknown."""
        return None

    def _summed(self, explanation: Explanation, players: tuple[int, ...]) -> Group:
        """On the worker's thread, return the sums of a group, with standard errors if available."""
        return group(explanation, players)

    # -- chores: on the worker's thread ------------------------------------------------------------------------------

    def _attempt(self, what: str, work: Callable[[], None]) -> None:
        """Run ``work``; on failure, report the error in ``error`` and continue."""
        try:
            work()
        except FixlipError as error:
            self.error = f"{what}: {error}"
        except Exception as error:
            self.last_traceback = traceback.format_exc()
            self.error = f"{what}: {type(error).__name__}: {error}"

    def _redraw(self) -> None:
        self._attempt("The graph cannot be drawn", self._draw)

    def _draw(self) -> None:
        explanation, shown = self._on_screen, self.result
        if explanation is None:
            return
        generation = shown["generation"] if shown else 0
        graph = wire.graph(explanation, generation, **self._graph_options())
        with self._publishing:
            if explanation is self._on_screen:
                self.graph_data = graph

    def _graph_options(self) -> dict[str, Any]:
        sign = {"both": None, "positive": 1, "negative": -1}[self.graph_sign]
        return {"top_k": self.top_k, "layout": self.graph_layout, "kind": self.graph_kind, "sign": sign}

    def _find_subsets(self) -> None:
        self._attempt("The subsets cannot be found", self._subset)

    def _subset(self) -> None:
        explanation, result = self._on_screen, self.result
        if explanation is None or explanation is self._subsets_of or (result and result["partial"]):
            return
        subsets = wire.subsets(explanation, result["generation"] if result else 0, self._which(explanation))
        with self._publishing:
            if explanation is self._on_screen:
                self.subsets, self._subsets_of = subsets, explanation

    def _which(self, explanation: Explanation) -> str:
        """Return the value of ``shown`` for which ``explanation`` is on screen."""
        if explanation is self._pinned:
            return "pinned"
        return "current" if explanation is self._explanation else "difference"

    def _sum_up(self) -> None:
        self._attempt("The sums of the selected players cannot be computed", self._sum)

    def _sum(self) -> None:
        explanation, players, result = self._on_screen, self.selection, self.result
        summed = None
        if explanation is not None and explanation.has_interactions and players:
            valid = [player for player in players if player < explanation.n_players]
            final = self.shown == "current" and not (result and result["partial"])
            sum_group = self._summed if final else group  # standard errors need a solve, which would delay encoding
            generation = result["generation"] if result else 0
            summed = wire.group(sum_group(explanation, tuple(valid)), generation, self._which(explanation))
        with self._publishing:
            if (explanation, players) == (self._on_screen, self.selection):
                self.group = summed

    def _play(self) -> None:
        self._attempt("The model's value cannot be computed", self._ask_model)

    def _ask_model(self) -> None:
        removed, explanation = self.removed, self._explanation
        if removed and self._playground.is_taken(self.text, explanation):
            self._publish_played(removed, None, TAKEN)
            return
        known = self._playground.known(removed)
        if explanation is not None and not removed and known is None:
            known = wire.number(explanation.similarity)
        self._publish_played(removed, known)
        if removed and known is None and (value := self._playground.ask(removed)) is not None:
            self._publish_played(removed, value)

    def _publish_played(self, removed: tuple[int, ...], value: float | None, why: str = "") -> None:
        with self._publishing:
            result = self.result
            if removed == self.removed and (result or removed):
                generation = result["generation"] if result else self.generation
                self.played = self._playground.answer(removed, value, self._explanation, generation, why)

    # -- observers that request chores ---------------------------------------------------------------------------------

    @t.observe(*_REDRAW)
    def _ask_redraw(self, _change: Any) -> None:
        if self._ready:
            self._worker.ask_chore(self._redraw)

    @t.observe("selection")
    def _ask_sum(self, _change: Any) -> None:
        if self._ready:
            self._worker.ask_chore(self._sum_up)

    @t.observe("removed")
    def _ask_play(self, _change: Any) -> None:
        if self._ready:
            self._worker.ask_chore(self._play)

    @t.observe("shown")
    def _ask_shown(self, _change: Any) -> None:
        if not self._ready:
            return
        explanation = self._on_screen
        if explanation is not None:  # another caption may have fewer players
            self.selection = tuple(player for player in self.selection if player < explanation.n_players)
        self._ask_all()
