"""Before and after spending: what a budget costs, which masks the model sees, how the error falls."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from fixlip_widgets import FixlipWidget
from fixlip_widgets.explainers.encoding_plan import Progress
from fixlip_widgets.pages.convergence import Convergence, error_of
from fixlip_widgets.widget.costs import Pace
from tests.examples import random_explanation
from tests.widget.conftest import SECONDS

Make = Callable[..., FixlipWidget]


def test_seconds_are_unknown_before_the_first_encoding(make_widget: Make) -> None:
    widget = make_widget(autorun=False)
    whole = [exponent for exponent, cost in widget.costs.items() if "whole_array" in cost]
    assert [*widget.costs] == [*(str(exponent) for exponent in range(8, 23)), *whole]
    assert [2 ** float(exponent) for exponent in whole] == pytest.approx(
        [widget.costs[whole[0]]["whole_array"]], rel=1e-3
    )
    for cost in widget.costs.values():
        assert cost["seconds"] is None
        assert (cost["new_image"], cost["new_text"]) == (cost["image"], cost["text"])


def test_what_is_encoded_is_not_paid_again(widget: FixlipWidget) -> None:
    costs = widget.costs
    assert (costs["11"]["new_image"], costs["11"]["new_text"], costs["11"]["seconds"]) == (0, 0, 0.0)
    before = widget._refiner.explainer.image_encodes
    more = costs["13"]["new_image"]
    assert 0 < more < costs["13"]["image"]
    assert costs["14"]["seconds"] > costs["13"]["seconds"] > 0
    widget.budget = 2**13
    assert widget.wait(SECONDS)
    encoded = widget._refiner.explainer.image_encodes - before
    assert 0.9 * more < encoded <= more, "masks that come up again are not encoded again"


def test_at_another_p_less_is_reused(widget: FixlipWidget) -> None:
    at_half = widget.costs["11"]
    widget.autorun = False
    widget.p = 0.9
    assert widget.wait(SECONDS)
    at_nine = widget.costs["11"]
    assert at_nine["image"] == at_half["image"]
    assert at_nine["new_image"] > at_half["new_image"]
    assert at_nine["new_text"] == 0, "all masks of a short caption are encoded, for every p"


def test_memory_grows_with_the_budget(widget: FixlipWidget) -> None:
    sizes = [widget.costs[exponent]["megabytes"] for exponent in sorted(widget.costs, key=float)]
    assert sizes == sorted(sizes)
    assert sizes[0] > 0


def test_a_pace_is_seconds_by_encoding_of_each_kind() -> None:
    pace = Pace()
    assert (pace.seconds(1, 0), pace.seconds(0, 0)) == (None, 0.0)
    pace.begin(100.0)
    pace.watch(Progress(0, 20, 10, 10, 0.0), 101.0)
    pace.resume(150.0)  # what happened in between was not encoding
    pace.watch(Progress(8, 20, 10, 10, 0.0), 154.0)
    pace.resume(154.0)
    pace.watch(Progress(12, 20, 10, 10, 0.0), 156.0)
    assert pace.seconds(10, 0) == pytest.approx(5.0)
    assert pace.seconds(10, 10) == pytest.approx(6.0)
    pace.begin(200.0)
    pace.watch(Progress(4, 20, 0, 0, 0.0), 206.0)
    assert pace.seconds(1, 0) == pytest.approx(12 / 16)


def test_example_masks_are_those_that_were_drawn_first(widget: FixlipWidget) -> None:
    explainer = widget._refiner.explainer
    assert (widget.examples["p"], len(widget.examples["masks"])) == (0.5, 6)
    masks = np.array([[char == "1" for char in mask] for mask in widget.examples["masks"]])
    assert masks.shape == (6, 22)
    np.testing.assert_array_equal(masks[:, :16], explainer.pools.image.modality(0.5).masks[:6])
    seen = {tuple(mask) for mask in explainer.pools.text.modality(0.5).masks.numpy().tolist()}
    assert all(tuple(mask) in seen for mask in masks[:, 16:].tolist())


def test_examples_follow_p_before_anything_is_drawn_there(make_widget: Make) -> None:
    widget = make_widget(autorun=False)
    widget.p = 0.9
    assert widget.wait(SECONDS)
    before = widget.examples
    assert before["p"] == 0.9
    assert "".join(before["masks"]).count("1") > 0.75 * 6 * 22
    widget.run()
    assert widget.wait(SECONDS)
    assert widget.examples == before
    drawn = widget._refiner.explainer.pools.image.modality(0.9).masks[:6].int().tolist()
    assert [[int(char) for char in mask[:16]] for mask in before["masks"]] == drawn
    widget.method = "shapley"
    assert widget.wait(SECONDS)
    assert widget.examples is None, "Shapley has no p"


def test_the_error_falls_as_encodings_are_added(make_widget: Make) -> None:
    widget = make_widget(autorun=False)
    for exponent in (11, 12, 13):
        widget.budget = 2**exponent
        widget.run()
        assert widget.wait(SECONDS)
    points = widget.convergence
    counts = [point["image_encodes"] for point in points]
    assert len(points) >= 3
    assert counts == sorted(set(counts))
    assert points[-1]["error"] < points[0]["error"]
    assert (points[-1]["budget"], points[-1]["image_encodes"]) == (2**13, widget.explanation.image_encodes)
    assert points[-1]["error"] == pytest.approx(np.sqrt(np.mean(widget.explanation.interactions_se[16:, :16] ** 2)))
    widget.p = 0.7
    widget.run()
    assert widget.wait(SECONDS)
    assert widget.convergence[-1]["image_encodes"] == widget.explanation.image_encodes
    assert all(point["image_encodes"] >= counts[-1] for point in widget.convergence), "the curve began anew"


def test_a_curve_is_of_one_p_method_order_and_caption() -> None:
    curve, explanation = Convergence(), random_explanation(image_encodes=10)
    assert len(curve.add(explanation)) == 1
    assert len(curve.add(explanation)) == 1, "the same encodings are one point"
    assert [point["image_encodes"] for point in curve.add(explanation.replace(image_encodes=12))] == [12], (
        "encodings that change no error, those held out from the fit, are no new point"
    )
    better = explanation.replace(interactions_se=explanation.interactions_se / 2)
    assert len(curve.add(better.replace(image_encodes=20))) == 2
    for change in ({"p": 0.6}, {"method": "shapley"}, {"order": 3}, {"caption": "another"}):
        assert len(curve.add(explanation.replace(**change))) == 1
    without = explanation.replace(interactions_se=None)
    assert (error_of(without), curve.add(without.replace(p=0.9))) == (None, [])


def test_a_long_curve_is_thinned_out() -> None:
    curve, explanation = Convergence(), random_explanation()
    for encodes in range(1000):
        errors = explanation.interactions_se / (1 + encodes)
        points = curve.add(explanation.replace(image_encodes=encodes, interactions_se=errors))
    assert 30 <= len(points) <= 60
    assert points[-1]["image_encodes"] == 999
