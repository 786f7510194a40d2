"""Contents of the views: the current explanation, the pinned one or their difference, and queries about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fixlip_widgets.errors import InputError
from fixlip_widgets.estimators.masks import split_budget
from fixlip_widgets.explanation.comparison import (
    Difference,
    check_comparable,
    label,
    one_unit,
    partners,
    subtract,
)
from fixlip_widgets.explanation.group_sums import group
from fixlip_widgets.explanation.methods import CATALOGUE
from fixlip_widgets.explanation.parts import parts, subtract_parts
from fixlip_widgets.pages import wire_format as wire
from fixlip_widgets.pages.convergence import Convergence
from fixlip_widgets.pages.provenance import Source, contrast_code, reproduction
from fixlip_widgets.support.checks import MIN_BUDGET
from fixlip_widgets.widget.other_caption import OtherCaption
from fixlip_widgets.widget.screen import Screen

if TYPE_CHECKING:
    from fixlip_widgets.explainers.fixlip import IncrementalExplainer
    from fixlip_widgets.explanation.explanation import Explanation


class Views:
    """The explanations of a widget, and what its views show of them.

    Message handlers only request chores: the worker's thread runs :meth:`draw`, :meth:`find_subsets`, :meth:`sum_up`
    and :meth:`compare`.

    Args:
        screen: The widget's state.
        explanation: A finished explanation to show.
        explainer: Explains the pair; None without a model.
        source: Source of the image and the model; None without a model.

    Attributes:
        current: The last result, partial during a refinement; None before the first.
    """

    def __init__(
        self,
        screen: Screen,
        explanation: Explanation | None = None,
        explainer: IncrementalExplainer | None = None,
        source: Source | None = None,
    ) -> None:
        self._screen, self._traits = screen, screen.traits
        self._explainer, self._source = explainer, source
        self.current = explanation
        self._pinned: Explanation | None = None
        self._pinned_caption: str | None = None
        """The caption of "Compare with …" whose explanation is pinned; None if another explanation is pinned."""
        self._other = None if explainer is None else OtherCaption(explainer)
        self._difference: Difference[Explanation] | None = None
        self._subsets_of: tuple[Explanation, str] | None = None
        self._convergence = Convergence()

    @property
    def shown(self) -> Explanation | None:
        """The shown explanation: the current one, the pinned one, or current minus pinned; None before the first."""
        if self._traits.shown == "difference":
            return None if self._difference is None else self._difference.explanation
        return self._pinned if self._traits.shown == "pinned" else self.current

    def result(self) -> Explanation:
        """Return the current explanation; raise :class:`InputError` before the first result."""
        if self.current is None:
            raise InputError("There is no result yet; call widget.wait() first.")
        return self.current

    def code(self, explanation: Explanation) -> str:
        """Return Python code that computes ``explanation`` again."""
        if self._explainer is None:
            return reproduction(explanation)
        return reproduction(explanation, self._source, reused=_reuses_masks(self._explainer, explanation))

    # -- comparing ---------------------------------------------------------------------------------------------------

    def pin(self, explanation: Explanation | None) -> None:
        """Pin an explanation, by default the current one; raise :class:`InputError` if it cannot be compared."""
        with self._screen.publishing():
            traits, pinned = self._traits, explanation or self.result()
            if self.current is not None:
                check_comparable(self.current, pinned)
            elif list(pinned.grid) != traits.scene["grid"] or wire.regions(pinned.regions) != traits.scene["regions"]:
                raise InputError(
                    "The grid or the regions of the explanation differ from those of the widget; they must be the same."
                )
            if traits.shown != "current" and pinned is not self._pinned:
                traits.graph_data = traits.group = traits.subsets = (
                    None  # these are of the explanation that it replaces
                )
            self._pin(pinned, None)
            traits.compare_with = None
            self._subtract()

    def _pin(self, pinned: Explanation, caption: str | None, *, partial: bool = False) -> None:
        """Pin an explanation, of the caption of "Compare with …" if one is given; requires the lock."""
        self._pinned, self._pinned_caption = pinned, caption
        generation = self._screen.generation if pinned is self.current else 0
        data = wire.result(pinned, generation, partial=partial, code=self.code(pinned))
        self._traits.pinned = {"label": label(pinned), "result": data}

    def unpin(self) -> None:
        """Remove the pinned explanation, and show the current one."""
        with self._screen.publishing():
            self._traits.shown = "current"
            self._pinned, self._pinned_caption, self._traits.pinned = None, None, None
            self._traits.compare_with = None
            self._subtract()

    def stop_comparing(self) -> None:
        """Remove the explanation of the caption of "Compare with …"; one that was pinned otherwise stays."""
        if self._pinned_caption is not None:
            self.unpin()

    def compare(self) -> None:
        """On the worker's thread, explain the caption of "Compare with …", and show B − A."""
        with self._screen.reporting("The captions cannot be compared"):
            caption, current, generation = self._traits.compare_with, self.current, self._screen.generation
            if caption is None or current is None:
                return  # the next result comes with it
            other = self._explain_other(current)
            with self._screen.publishing():
                if (caption, generation) != (self._traits.compare_with, self._screen.generation):
                    return  # a chore for the newer one is waiting
                if other is not None:
                    self._show_other(other, caption, partial=self._is_partial)
        self._screen.worker.ask(self.draw, self.sum_up, self.find_subsets)

    def _explain_other(self, current: Explanation) -> Explanation | None:
        """Explain the caption of "Compare with …" as ``current``; None without one, or by a method without a pool."""
        caption, method = self._traits.compare_with, CATALOGUE.get(current.method)
        if caption is None or self._other is None or method is None or not method.pooled:
            return None
        return self._other.explain(caption, current)

    def _show_other(self, other: Explanation, caption: str, *, partial: bool) -> None:
        """Pin the explanation of the caption of "Compare with …"; requires the lock."""
        first = self._pinned_caption != caption
        self._pin(other, caption, partial=partial)
        self._subtract()
        if first and self._difference is not None:
            self._traits.shown = "difference"

    def check_shown(self, which: str) -> None:
        """Raise :class:`InputError` if the setting ``shown`` cannot be ``which``."""
        if which != "current" and self._pinned is None:
            raise InputError(f"No explanation is pinned, so {which!r} cannot be shown; pin an explanation first.")
        if which == "difference" and self._difference is None:
            if self.current is None:
                raise InputError("There is no result yet to compare with the pinned explanation.")
            raise InputError(
                "A and B have no common unit; an explanation that is not in logits can be pinned, but not subtracted."
            )

    def _subtract(self) -> None:
        """Compute B − A again, if possible; requires the lock."""
        traits, current, pinned = self._traits, self.current, self._pinned
        if current is None or pinned is None or traits.result is None or not one_unit(current, pinned):
            self._difference, traits.difference = None, None
            if traits.shown == "difference":
                traits.shown = "current"
            return
        self._difference = subtract(current, pinned)
        data = wire.result(
            self._difference.explanation,
            self._screen.generation,
            partial=traits.result["partial"],
            code=self._contrast_code(current),
            difference=subtract_parts(parts(current), parts(pinned)),
        )
        traits.difference = {
            "result": data,
            "unmatched": list(self._difference.unmatched),
            "partners": partners(current, pinned),
        }

    def _contrast_code(self, current: Explanation) -> str:
        """Return Python code for the difference from the caption of "Compare with …"; empty for other differences."""
        if self._pinned_caption is None or self._explainer is None:
            return ""
        reused = _reuses_masks(self._explainer, current)
        return contrast_code(current, self._pinned_caption, self._source, reused=reused)

    # -- results -----------------------------------------------------------------------------------------------------

    def begin(self, explanation: Explanation) -> None:
        """Show a finished explanation; the first paint does not need the worker."""
        self._traits.convergence = list(self._convergence.add(explanation))
        self.draw()

    def show(self, explanation: Explanation, generation: int, status: str | None) -> bool:
        """Show a result, partial without a final ``status``; return False if a newer request exists."""
        traits = self._traits
        data = wire.result(explanation, generation, partial=status is None, code=self.code(explanation))
        graph = wire.graph(explanation, generation, **self.graph_options()) if traits.shown == "current" else None
        other, caption = None, traits.compare_with
        with self._screen.reporting("The captions cannot be compared"):
            other = self._explain_other(explanation)
        with self._screen.publishing():
            if generation != traits.generation:
                return False
            self.current, traits.result = explanation, data
            traits.convergence = list(self._convergence.add(explanation))
            if other is not None and caption is not None and caption == traits.compare_with:
                self._show_other(other, caption, partial=status is None)
            else:
                self._subtract()
            if graph is not None and traits.shown == "current":
                traits.graph_data = graph
            elif traits.shown == "difference":
                self.draw()  # a new result replaces the difference, and its graph must come with it
            else:
                self._screen.worker.ask(self.draw)
            if status is not None:
                traits.status = status
        return True

    def graph_options(self) -> dict[str, Any]:
        """Return the arguments of :meth:`fixlip_widgets.Explanation.to_networkx` for the shown graph."""
        traits = self._traits
        sign = {"both": None, "positive": 1, "negative": -1}[traits.graph_sign]
        return {"top_k": traits.top_k, "layout": traits.graph_layout, "kind": traits.graph_kind, "sign": sign}

    def picture_options(self, kind: str) -> dict[str, Any]:
        """Return the arguments of :meth:`fixlip_widgets.Explanation.to_svg` for the shown picture."""
        options = self.graph_options() if kind == "graph" else {}
        if "kind" in options:
            options["edges"] = options.pop("kind")
        return {**options, "colors": self._traits.palette}

    # -- chores ------------------------------------------------------------------------------------------------------

    def draw(self) -> None:
        """Publish the graph of the shown explanation."""
        with self._screen.reporting("The graph cannot be drawn"):
            explanation, which, generation = self.shown, self._traits.shown, self._screen.generation
            if explanation is None:
                return
            graph = wire.graph(explanation, generation, which, **self.graph_options())
            with self._screen.lock:
                if (explanation, which, generation) == (self.shown, self._traits.shown, self._screen.generation):
                    self._traits.graph_data = graph

    def find_subsets(self) -> None:
        """Publish the best subsets of the shown explanation, once its result is final."""
        with self._screen.reporting("The subsets cannot be found"):
            explanation, which, generation = self.shown, self._traits.shown, self._screen.generation
            if explanation is None or self._is_partial:
                return
            known = self._traits.subsets if (explanation, which) == self._subsets_of else None
            subsets = {**known, "generation": generation} if known else wire.subsets(explanation, generation, which)
            with self._screen.lock:
                if (explanation, which) == (self.shown, self._traits.shown):
                    self._traits.subsets, self._subsets_of = subsets, (explanation, which)

    def sum_up(self) -> None:
        """Publish the sums of the selected players in the shown explanation.

        Only those of a final current result have standard errors, which need a solve that would delay encoding.
        """
        with self._screen.reporting("The sums of the selected players cannot be computed"):
            explanation, which, players = self.shown, self._traits.shown, self._traits.selection
            generation, summed = self._screen.generation, None
            if explanation is not None and explanation.has_interactions and players:
                valid = tuple(player for player in players if player < explanation.n_players)
                if self._explainer is not None and which == "current" and not self._is_partial:
                    sums = self._explainer.group(valid, explanation)
                else:
                    sums = group(explanation, valid)
                summed = wire.group(sums, generation, which)
            with self._screen.lock:
                if (explanation, which, players) == (self.shown, self._traits.shown, self._traits.selection):
                    self._traits.group = summed

    @property
    def _is_partial(self) -> bool:
        return bool(self._traits.result and self._traits.result["partial"])


def _reuses_masks(explainer: IncrementalExplainer, explanation: Explanation) -> bool:
    """Return whether the pool holds more masks than a new explainer would draw for ``explanation``."""
    method, game, p = CATALOGUE.get(explanation.method), explainer.game, explanation.p
    if method is None or not method.pooled:
        return False
    image_masks, _ = split_budget(max(explanation.budget, MIN_BUDGET), game.n_image, game.n_text)
    fresh = image_masks + image_masks % 2 if p == 0.5 else image_masks
    return explainer.probabilities not in ({}, {p: fresh})
