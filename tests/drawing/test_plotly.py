"""Every figure shows the explanation's values under their names, on a scale that is symmetric around zero."""

import json

import numpy as np
import plotly.graph_objects as go
import pytest

from fixlip_widgets.drawing.plotly import KINDS, THEMES, figure
from fixlip_widgets.errors import InputError
from tests.examples import dog_and_hydrant, random_explanation

HOSTILE = ("<script>alert(1)</script>", "<b>bold</b>", '"&amp;', "$x^2$")


def heatmap(made: go.Figure) -> go.Heatmap:
    return next(trace for trace in made.data if trace.type == "heatmap")


@pytest.mark.parametrize(
    ("kind", "rows", "columns"),
    [
        ("cross", slice(49, 57), slice(0, 49)),
        ("text", slice(49, 57), slice(49, 57)),
        ("image", slice(0, 49), slice(0, 49)),
    ],
)
def test_heatmaps_show_their_block_of_the_interactions(kind, rows, columns):
    explanation = dog_and_hydrant()
    expected = explanation.interactions[rows, columns].copy()
    if kind != "cross":
        np.fill_diagonal(expected, np.nan)
    np.testing.assert_array_equal(heatmap(explanation.to_plotly(kind)).z, expected)


@pytest.mark.parametrize("kind", ["cross", "text_text", "image_image", "main", "overlay"])
def test_scales_are_symmetric_and_reach_the_strongest_value(kind):
    trace = heatmap(figure(dog_and_hydrant(), kind))
    assert trace.zmin == -trace.zmax
    assert trace.zmax == pytest.approx(np.nanmax(np.abs(trace.z)))


def test_positive_is_red_negative_is_blue_and_zero_is_transparent():
    scale = heatmap(figure(dog_and_hydrant())).colorscale
    assert scale[0][1] == "rgba(30,136,229,1)"
    assert scale[-1][1] == "rgba(255,13,87,1)"
    assert all(color.endswith(",0)") for position, color in scale if position == 0.5)


def test_hovering_names_both_players_and_the_standard_error():
    explanation = random_explanation(2, 3)
    trace = heatmap(figure(explanation))
    value, error = explanation.interactions[7, 4], explanation.interactions_se[7, 4]
    assert trace.hovertext[1][4] == f"red × patch (2, 2)<br>{value:+.2f} ± {error:.2f} logits".replace("-", "\u2212")


def test_tokens_that_occur_twice_keep_their_own_rows():
    explanation = random_explanation(2, 2, ("a", "dog", "a"))
    made = figure(explanation)
    assert list(made.layout.yaxis.ticktext) == ["a¹", "dog", "a²"]
    assert heatmap(made).z.shape == (3, 4)
    assert list(figure(explanation, "main").layout.yaxis2.ticktext) == ["a¹", "dog", "a²"]


def test_the_overlay_shows_first_order_attributions_or_one_players_interactions():
    explanation = dog_and_hydrant()
    first = heatmap(figure(explanation, "overlay")).z
    np.testing.assert_allclose(first, explanation.first_order()[:49].reshape(7, 7))
    dog = heatmap(figure(explanation, "overlay", player="dog")).z
    np.testing.assert_allclose(dog, explanation.cross[1].reshape(7, 7))


def test_a_patchs_own_overlay_leaves_its_main_effect_out():
    assert heatmap(figure(dog_and_hydrant(), "overlay", player=36)).z[5, 1] == 0


def test_main_effects_are_heat_for_patches_and_bars_with_intervals_for_tokens():
    explanation = random_explanation(2, 3)
    made = figure(explanation, "main")
    np.testing.assert_allclose(heatmap(made).z, explanation.main[:6].reshape(2, 3))
    bars = next(trace for trace in made.data if trace.type == "bar")
    np.testing.assert_allclose(bars.x, explanation.main[6:])
    np.testing.assert_allclose(bars.error_x.array, 1.96 * explanation.main_se[6:])


def test_patches_keep_the_pictures_proportions():
    tall = random_explanation(3, 2, image=np.zeros((300, 100, 3), np.uint8))
    assert figure(tall, "overlay").layout.yaxis.scaleratio == pytest.approx((300 / 3) / (100 / 2))


def test_the_graph_draws_every_edge_once():
    explanation = random_explanation(2, 3)
    made = figure(explanation, "graph", top_k=12, layout="spring")
    ends = sum(trace.x.count(None) for trace in made.data if trace.mode == "lines")
    assert ends == 12
    named = [text for trace in made.data if trace.mode == "markers" for text in trace.hovertext if "×" in text]
    assert len(named) == 12


def test_uncertain_edges_are_dotted():
    errors = np.full((9, 9), 1e6)
    sure, unsure = (random_explanation(interactions_se=se) for se in (errors * 1e-12, errors))
    dashes = [{trace.line.dash for trace in figure(e, "graph").data if trace.mode == "lines"} for e in (sure, unsure)]
    assert dashes == [{"solid"}, {"dot"}]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("theme", THEMES)
def test_every_kind_can_be_drawn_in_both_themes_without_a_picture_and_errors(kind, theme):
    bare = random_explanation(image=None, main_se=None, interactions_se=None, caption="")
    made = figure(bare, kind, theme=theme, palette="safe")
    assert made.layout.paper_bgcolor == THEMES[theme].paper
    assert json.loads(made.to_json())["data"]


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_texts_reach_plotly_as_text(kind):
    drawn = figure(random_explanation(2, 2, HOSTILE), kind).to_json()
    assert "<script" not in drawn
    assert "\\u003cscript" not in drawn
    assert "<b>bold" not in drawn
    assert "$" not in drawn


@pytest.mark.parametrize("kind", ["cross", "text_text", "image_image"])
def test_heatmaps_of_first_order_explanations_are_rejected(kind):
    with pytest.raises(InputError, match="no interactions"):
        figure(random_explanation(order=1, interactions=np.zeros((9, 9))), kind)


@pytest.mark.parametrize("kind", ["main", "overlay", "graph"])
def test_other_figures_of_first_order_explanations_can_be_drawn(kind):
    assert figure(random_explanation(order=1, interactions=np.zeros((9, 9))), kind).data


@pytest.mark.parametrize(("method", "known"), [("banzhaf", True), ("game_attention", False), ("random", False)])
@pytest.mark.parametrize("kind", KINDS)
def test_values_that_are_not_logits_have_no_unit(kind, method, known):
    explanation = dog_and_hydrant().replace(method=method, similarity=20.0)
    assert explanation.in_logits == np.isfinite(explanation.residual) == known
    assert ("logits" in figure(explanation, kind).to_json()) == known


def test_interactions_from_too_few_masks_are_marked():
    early = random_explanation(identified={"cross": True, "text_text": True, "image_image": False})
    assert "few masks" in figure(early, "image").layout.title.text
    assert "few masks" not in figure(early, "cross").layout.title.text


@pytest.mark.parametrize(
    ("kind", "options", "says"),
    [
        ("heat", {}, "cross, text_text, image_image, main, overlay, graph"),
        ("cross", {"top_k": 3}, "no option 'top_k'; it takes palette, theme"),
        ("graph", {"k": 3}, "top_k, sign, edges, layout, palette, theme"),
        ("cross", {"theme": "sepia"}, "light, dark"),
        ("cross", {"palette": "rainbow"}, "house, safe"),
        ("overlay", {"player": "cat"}, "'cat' is not a player"),
        ("graph", {"edges": "both"}, "all, cross, intra"),
    ],
)
def test_unknown_kinds_and_options_are_rejected_with_the_alternatives(kind, options, says):
    with pytest.raises(InputError, match=says):
        figure(random_explanation(), kind, **options)


def test_the_waterfall_adds_up_to_the_similarity():
    explanation = random_explanation(similarity=12.5)
    (bars,) = figure(explanation, "waterfall").data
    assert bars.measure[0] == "absolute"
    assert bars.measure[-1] == "total"
    assert sum(bars.y[:-1]) == pytest.approx(12.5)
    assert bars.y[-1] == pytest.approx(12.5)
    names = figure(explanation, "waterfall").layout.xaxis.ticktext
    shown = dict(zip(names, bars.y, strict=True))
    assert shown["residual"] == pytest.approx(explanation.residual)
    assert shown["“dog” × patches"] == pytest.approx(explanation.cross[2].sum())
    (unknown,) = figure(random_explanation(), "waterfall").data
    assert unknown.y[-1] == pytest.approx(random_explanation().predict(np.ones((1, 9), dtype=bool))[0])


@pytest.mark.parametrize(("before", "now"), [("text", "text_text"), ("image", "image_image")])
def test_earlier_names_of_kinds_draw_the_same(before, now):
    assert random_explanation().to_plotly(before) == random_explanation().to_plotly(now)
