"""Notices about the budget: whole orthogonal arrays, a target precision, and more budget."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from fixlip_widgets import FixlipWidget, IncrementalExplainer, InputError
from fixlip_widgets.estimators.masks import split_budget, whole_array_budget
from fixlip_widgets.estimators.orthogonal_arrays import array_length
from fixlip_widgets.explanation.precision import relative_error, whole_arrays
from tests.golden import tiny_game
from tests.widget.conftest import SECONDS, Wire

Make = Callable[..., FixlipWidget]


@pytest.mark.parametrize("n_image", [9, 16, 49, 64, 100, 196, 256])
@pytest.mark.parametrize("n_text", [1, 2, 5, 9, 12, 20, 77, 300])
def test_the_budget_of_a_whole_array_has_exactly_its_image_masks(n_image: int, n_text: int) -> None:
    budget = whole_array_budget(n_image, n_text)
    assert budget is not None
    assert split_budget(budget, n_image, n_text)[0] == array_length(n_image)
    assert split_budget(budget - 1, n_image, n_text)[0] < array_length(n_image)


@pytest.mark.parametrize("n_image", [1, 8, 1025])
def test_few_and_many_players_have_no_array(n_image: int) -> None:
    assert whole_array_budget(n_image, 5) is None


def test_a_budget_of_a_whole_array_completes_it_beside_masks_at_other_p() -> None:
    explainer = IncrementalExplainer(tiny_game())
    budget = whole_array_budget(explainer.game.n_image, explainer.game.n_text)
    assert budget is not None
    explainer.extend(0.45, budget)
    explainer.extend(0.5, budget)
    assert explainer.probabilities[0.5] == array_length(explainer.game.n_image)
    plain = IncrementalExplainer(tiny_game())
    plain.extend(0.5, budget)
    assert whole_arrays(plain.explanation()) == 1
    plain.extend(0.5, 3 * budget // 2)
    assert whole_arrays(plain.explanation()) == 0
    drawn = IncrementalExplainer(tiny_game(), masks="random")
    drawn.extend(0.5, budget)
    assert whole_arrays(drawn.explanation()) == 0


def test_the_slider_marks_the_budget_and_the_result_says_when_it_is_reached(make_widget: Make) -> None:
    widget = make_widget()
    assert widget.wait(SECONDS)
    [whole] = [cost["whole_array"] for cost in widget.costs.values() if "whole_array" in cost]
    assert widget.result["whole_arrays"] == 0
    widget.budget = whole
    assert widget.wait(SECONDS)
    assert widget.result["whole_arrays"] == 1
    assert widget.result["effective_image_masks"] == array_length(16)
    widget.p = 0.4
    assert widget.wait(SECONDS)
    assert not any("whole_array" in cost for cost in widget.costs.values())


def test_encoding_stops_at_the_target_and_goes_on_on_request(
    make_widget: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    widget = make_widget(budget=2**16, stop_at=0.1)
    assert widget.wait(SECONDS)
    reached = widget.result["budget"]
    assert reached < 2**16 == widget.budget
    assert widget.result["relative_error"] == pytest.approx(relative_error(widget.explanation))
    assert widget.result["relative_error"] <= 0.1
    Wire(widget, monkeypatch).ask({"type": "more"})
    assert widget.wait(SECONDS)
    assert (widget.result["budget"], widget.budget, widget.stop_at) == (2 * reached, 2**16, 0.1)
    again = make_widget(budget=2 * reached)
    assert again.wait(SECONDS)
    np.testing.assert_allclose(widget.explanation.interactions, again.explanation.interactions, atol=1e-4)


def test_without_a_target_the_budget_is_spent_and_more_doubles_it(make_widget: Make) -> None:
    widget = make_widget(budget=2**12, max_budget=2**13)
    assert widget.wait(SECONDS)
    assert (widget.result["budget"], widget.stop_at) == (2**12, None)
    widget.more()
    assert widget.wait(SECONDS)
    assert (widget.result["budget"], widget.budget) == (2**13, 2**13)
    with pytest.raises(InputError, match="budget"):
        widget.more()


@pytest.mark.parametrize("target", [0, 1, -0.1])
def test_targets_out_of_range_are_refused(widget: FixlipWidget, target: float) -> None:
    with pytest.raises(InputError, match="stop_at"):
        widget.stop_at = target
    assert widget.stop_at is None


def test_final_results_have_shares_and_methods_without_p_say_why_not(widget: FixlipWidget) -> None:
    shares = widget.explanation.shares()
    told = widget.result["shares"]
    assert {part["kind"]: part["value"] for part in told["parts"]} == shares.values
    assert told["rest"] == pytest.approx(1 - shares.explained)
    widget.method = "game_attention"
    assert widget.wait(SECONDS)
    assert widget.result["shares"]["parts"] == []
    assert "methods with p" in widget.result["shares"]["why"]
