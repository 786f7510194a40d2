"""Results follow the conventions of Python's scientific packages: copies, files and short descriptions."""

import base64
import copy
import io
import pickle
import re

import numpy as np
import open_clip
import pytest
from PIL import Image

import fixlip_widgets as fx
from fixlip_widgets import EncodingError
from fixlip_widgets.explainers.metrics.curves import Curves
from fixlip_widgets.explainers.metrics.pointing import Pointing
from fixlip_widgets.explanation.group_sums import group
from tests.examples import random_explanation
from tests.explanation.test_tables import third_order
from tests.golden import tiny_clip, tiny_game, tiny_pixels


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])  # noqa: S301
def test_arrays_of_a_copy_are_equal_and_read_only(copied):
    explanation = random_explanation().replace(image=np.zeros((4, 4, 3), np.uint8))
    twin = copied(explanation)
    assert type(twin) is type(explanation)
    for name in explanation.__dataclass_fields__:
        value, again = getattr(explanation, name), getattr(twin, name)
        np.testing.assert_equal(again, value)
        if isinstance(value, np.ndarray):
            assert not again.flags.writeable
    triples = copied(third_order()).triples
    np.testing.assert_array_equal(triples.image_image_text, third_order().triples.image_image_text)
    assert not triples.image_image_text.flags.writeable


def test_a_method_that_writes_a_file_returns_nothing(tmp_path):
    explanation = random_explanation()
    assert explanation.to_csv(tmp_path / "values.csv") is None
    assert (tmp_path / "values.csv").read_text("utf-8") == explanation.to_csv()
    assert explanation.to_json(tmp_path / "values.json") is None
    assert (tmp_path / "values.json").read_text("utf-8") == explanation.to_json()
    assert explanation.to_png(tmp_path / "graph.png") is None
    assert (tmp_path / "graph.png").read_bytes() == explanation.to_png()


def test_measures_have_a_short_description():
    points = np.linspace(0, 1, 51)
    assert repr(Curves(points, points, points, 0.25)) == (
        "<Curves of 51 points: area between insertion and deletion 0.250>"
    )
    pointing = Pointing(pgr=0.8, chance=0.25, chance_signed=0.5, by_word={"dog": 0.75, "cat": 0.9})
    assert repr(pointing) == "<Pointing: 0.80, chance 0.25 (dog 0.75, cat 0.90)>"


def test_objects_that_hold_arrays_have_a_description_of_one_line():
    explanation = third_order()
    described = [
        fx.demo.scene("dog_and_banana"),
        fx.metrics.sample(tiny_game(), n_masks=7),
        fx.metrics.sample(tiny_game(), n_masks=7).faithfulness(random_explanation(4, 4, tiny_game().tokens)),
        group(explanation, [0, 2]),
        explanation.triples,
    ]
    expected = [
        "<Scene “a dog next to a banana”: dog and banana on green>",
        "<Sample of 7 masks at p = 0.5>",
        r"<Faithfulness at p = 0\.5: Spearman -?\d\.\d{3}, R² -?\d+\.\d{3} on 7 masks>",
        r"<Group of 2 players: [+−].* with the others, [+−].* within>",
        "<Triples of 2 image players and 2 text players>",
    ]
    for each, pattern in zip(described, expected, strict=True):
        assert re.fullmatch(pattern, repr(each)), repr(each)


def test_curves_can_be_plotted_and_seen_in_a_notebook():
    kept = np.linspace(0, 1, 51)
    curves = Curves(kept, most=np.sqrt(kept), least=kept**2 - 0.25, aid=0.25)
    figure = curves.plot()
    assert [trace.name for trace in figure.data] == ["most similar", "least similar"]
    np.testing.assert_array_equal(figure.data[1].y, curves.least)
    assert "0.25" in figure.layout.title.text
    points = re.findall(r'points="([^"]*)"', curves._repr_html_())
    heights = [np.array([float(pair.split(",")[1]) for pair in line.split()]) for line in points]
    assert [len(line) for line in heights] == [51, 51]
    assert heights[0][-1] < heights[0][0], "larger values are higher"
    assert heights[1].max() == heights[1][0] == 150.0, "the smallest value is at the bottom"


def test_pointing_can_be_plotted_and_seen_in_a_notebook():
    pointing = Pointing(pgr=0.8, chance=0.25, chance_signed=0.5, by_word={"a <b>": 0.75, "cat": float("nan")})
    figure = pointing.plot()
    assert figure.data[0].y[0] == 0.75
    assert figure.layout.xaxis.ticktext == ("a &lt;b&gt;", "cat")
    assert figure.layout.shapes[0].y0 == 0.25
    html = pointing._repr_html_()
    assert "a &lt;b&gt;" in html
    assert html.index("0.75") < html.index("–")


def test_a_scene_can_be_plotted_and_seen_in_a_notebook():
    scene = fx.demo.scene("dog_and_banana")
    figure = scene.plot()
    assert [trace.name for trace in figure.data] == list(scene.regions)
    for trace, region in zip(figure.data, scene.regions.values(), strict=True):
        assert np.isnan(trace.x).sum() == region.sum(), "one outline for each patch"
    assert figure.data[0].x[0] == pytest.approx(np.argwhere(scene.regions["dog"])[0][1] / 8)
    html = scene._repr_html_()
    assert f"<figcaption>{scene.caption}</figcaption>" in html
    encoded = re.search(r"base64,([^\"]+)", html)[1]
    np.testing.assert_array_equal(Image.open(io.BytesIO(base64.b64decode(encoded))), scene.image)


def test_texts_in_a_notebook_have_the_colour_of_its_theme():
    curves = Curves(np.linspace(0, 1, 3), most=np.ones(3), least=np.zeros(3), aid=1.0)
    shares = fx.explain(tiny_pixels(), "a dog", model=tiny_clip(), budget=2**8, progress=False).shares()
    classes = fx.explain_classes(tiny_pixels(), ["dog", "cat"], model=tiny_clip(), budget=64, progress=False)
    for each in (curves, shares, classes):
        html = each._repr_html_()
        colours = re.findall(r'(?<![-\w])(?:color:|fill=")([^;"]+)', html)
        assert {*colours} <= {"#ff0d57", "#1e88e5", "none", "currentColor"}, type(each)


def test_rows_of_a_frame_have_the_indices_kind_and_places_of_their_players():
    explanation = third_order()
    frame = explanation.to_frame().set_index("players")
    assert frame.loc[[(1, 2)], ["kind", "places", "value"]].to_numpy().tolist() == [
        ["cross", ((0, 1), 0), explanation.interactions[1, 2]]
    ]
    assert frame["kind"].value_counts().to_dict() == {
        "baseline": 1,
        "image": 2,
        "text": 2,
        "image_image": 1,
        "cross": 4,
        "text_text": 1,
        "image_image_text": 2,
        "image_text_text": 2,
    }


def test_places_are_indices_of_the_grid_the_label_map_and_the_tokens():
    explanation = random_explanation(2, 3, ("a", "red", "a"))
    assert explanation.places == ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), 0, 1, 2)
    labels = np.array([[0, 1, 2], [5, 4, 3]])
    assert explanation.replace(regions=labels).places == (0, 1, 2, 3, 4, 5, 0, 1, 2)


def test_a_game_can_be_called_as_shap_and_shapiq_do():
    game = tiny_game()
    masks = np.random.default_rng(0).random((5, game.n_players)) < 0.5
    np.testing.assert_array_equal(game(masks), game.value(masks))
    np.testing.assert_allclose(game(masks.astype(int)), game.value(masks), atol=1e-6)


def test_fixlip_is_another_name_of_the_default_method():
    arguments = (tiny_pixels(), "a dog")
    named = fx.explain(*arguments, model=tiny_clip(), budget=2**9, method="fixlip")
    default = fx.explain(*arguments, model=tiny_clip(), budget=2**9)
    assert named.method == "banzhaf"
    np.testing.assert_allclose(named.interactions, default.interactions, atol=1e-6)
    values = fx.explain(*arguments, model=tiny_clip(), budget=2**9, method="fixlip", order=1)
    assert not values.has_interactions


def test_explain_can_omit_the_comparison_with_the_models_own_forward_pass(monkeypatch):
    model, own = tiny_clip(), open_clip.CLIP.encode_text
    monkeypatch.setattr(open_clip.CLIP, "encode_text", lambda clip, ids: own(clip, ids.roll(3)))
    with pytest.raises(EncodingError, match="check=False"):
        fx.explain(tiny_pixels(), "a dog", model=model, budget=2**9)
    accepted = fx.explain(tiny_pixels(), "a dog", model=model, budget=2**9, check=False)
    assert np.isfinite(accepted.similarity)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_widget_is_not_copied_and_says_what_to_save_instead(copied):
    widget = fx.FixlipWidget.from_explanation(random_explanation())
    with pytest.raises(fx.FixlipError, match=r"widget\.explanation\.save\('explanation\.npz'\)"):
        copied(widget)
    assert copied(widget.explanation) is not None
    widget.close()


def test_a_sign_is_a_number_or_its_name_everywhere():
    explanation = random_explanation()
    for number, name in ((1, "positive"), (-1, "negative"), (np.int64(1), "positive")):
        assert explanation.subset(3, number) == explanation.subset(3, name)
        assert explanation.subsets(number) == explanation.subsets(name)
        assert explanation.to_svg("graph", sign=number) == explanation.to_svg("graph", sign=name)
        assert dict(explanation.to_networkx(sign=number).edges) == dict(explanation.to_networkx(sign=name).edges)
    assert explanation.to_svg("graph", sign="both") == explanation.to_svg("graph")
    for wrong in ("up", 0, True, 1.0):
        with pytest.raises(fx.InputError, match=r"sign is .*'positive' or 1"):
            explanation.subset(3, wrong)
        with pytest.raises(fx.InputError, match=r"sign is .*'positive' or 1"):
            explanation.to_networkx(sign=wrong)
    with pytest.raises(fx.InputError, match="sign is 'both'; give 'positive' or 1"):
        explanation.subset(3, "both")
