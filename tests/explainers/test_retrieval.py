"""Retrieval mirrors classes: images for one caption, explained by the caption's tokens."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import fixlip_widgets as fx
from fixlip_widgets import InputError, VisionLanguageGame
from fixlip_widgets.estimators.exact import banzhaf_interactions
from fixlip_widgets.explainers import retrieval as retrieval_module
from fixlip_widgets.explanation.findings import findings
from fixlip_widgets.pages.provenance import provenance, reproduction
from tests.golden import tiny_clip, tiny_pixels

CAPTION = "a black dog next to a hydrant"
PICTURES = {"first": tiny_pixels(), "mirrored": tiny_pixels().flip(2), "upside down": tiny_pixels().flip(1)}


def retrieval(images=PICTURES, caption=CAPTION, **options):
    return fx.explain_retrieval(images, caption, model=tiny_clip(), **options)


def polynomial(explanation):
    return np.concatenate([[explanation.baseline], explanation.main, explanation.interactions.ravel()])


@pytest.mark.parametrize("p", [0.5, 0.3])
def test_captions_of_few_tokens_are_explained_exactly(p):
    found = retrieval(p=p)
    assert found.pool.complete
    values = found.game.scale * (found.side.embeddings.double() @ found.vectors.T)
    logs = F.log_softmax(values, dim=1).numpy()
    for index, name in enumerate(PICTURES):
        for explanation, table in ((found[name], values.numpy()), (found.probability(name), logs)):
            exact = banzhaf_interactions(table[:, index], p)
            expected = np.concatenate([[exact.baseline], exact.main, exact.interactions.ravel()])
            np.testing.assert_allclose(polynomial(explanation), expected, atol=1e-10)
            assert explanation.interactions_se.max() == 0.0
        game = VisionLanguageGame(tiny_clip(), PICTURES[name], CAPTION)
        assert found.logits[index] == pytest.approx(game.similarity, abs=1e-4)
    assert found.probabilities.sum() == pytest.approx(1)
    difference = found.contrast("first", "mirrored")
    np.testing.assert_allclose(
        polynomial(difference), polynomial(found["first"]) - polynomial(found["mirrored"]), atol=1e-10
    )
    assert difference.caption == f"first: {CAPTION} − mirrored: {CAPTION}"


def test_sampled_captions_have_paired_errors():
    found = retrieval(caption=CAPTION + " and a red cat behind it", budget=600)
    assert not found.pool.complete
    first, second, difference = found["first"], found["mirrored"], found.contrast("first", "mirrored")
    assert (difference.main_se > 0).all()
    assert np.median(difference.main_se / np.hypot(first.main_se, second.main_se)) < 0.9
    assert found["first"].r2 > 0
    assert len(found.to_frame()) == 3 * found.game.n_text


def test_adding_images_encodes_no_text():
    found = retrieval({"first": PICTURES["first"]})
    assert np.isnan(found.probabilities).all()
    texts, before = found.text_encodes, found["first"]
    found.add({"mirrored": PICTURES["mirrored"]})
    found.add([PICTURES["upside down"]])
    assert found.names == ("first", "mirrored", "image 3")
    assert (found.text_encodes, found.image_encodes) == (texts, 3)
    np.testing.assert_array_equal(found["first"].interactions, before.interactions)
    np.testing.assert_allclose(found.vectors, retrieval().vectors, atol=1e-6)
    with pytest.raises(InputError, match="'first' exists already"):
        found.add({"first": PICTURES["first"]})


def test_adding_many_images_shows_progress(monkeypatch):
    shown = []
    monkeypatch.setattr(retrieval_module.ProgressBar, "show", lambda bar, done, total: shown.append((done, total)))
    found = retrieval({"first": PICTURES["first"]}, progress=True)
    shown.clear()
    found.add({"a": PICTURES["mirrored"], "b": PICTURES["upside down"]}, progress=True)
    assert shown == [(1, 2), (2, 2)]


def test_images_without_names_are_numbered():
    assert retrieval([*PICTURES.values()]).names == ("image 1", "image 2", "image 3")


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        ([], {}, "There is no image"),
        ({" ": PICTURES["first"]}, {}, "not blank"),
        (PICTURES, {"order": 3}, "no patches that are players"),
        (PICTURES, {"caption": ""}, "caption is empty"),
        (["missing.png"], {}, "missing.png"),
        ([torch.zeros(3, 5, 5)], {}, "shape"),
    ],
)
def test_invalid_arguments_are_refused(images, options, message):
    with pytest.raises(InputError, match=message):
        retrieval(images, **options)


def test_explanations_without_patches_can_be_drawn_saved_and_described(tmp_path):
    found = retrieval()
    for explanation in (found["first"], found.contrast("first", "mirrored"), found.probability("first")):
        for kind in ("graph", "overlay", "words"):
            assert explanation.to_svg(kind).startswith("<svg")
        for kind in ("text", "graph", "waterfall"):
            explanation.to_plotly(kind)
        with pytest.raises(InputError, match="no image players"):
            explanation.to_plotly("overlay")
        assert explanation._repr_html_()
        assert len(findings(explanation)) == explanation.n_text + 1
        explanation.save(tmp_path / "one.npz")
        assert fx.Explanation.load(tmp_path / "one.npz").grid == (0, 0)
        rows = dict(provenance(explanation))
        assert (rows["among"], rows["caption"]) == ("3: first, mirrored, upside down", CAPTION)
        names = {"images": PICTURES, "model": tiny_clip()}
        exec(reproduction(explanation), names)
        np.testing.assert_allclose(polynomial(names["explanation"]), polynomial(explanation), atol=1e-4)
        assert explanation.shares()["image"] == 0.0
    assert "upside down" in repr(found)
    assert np.shape(found.to_plotly().data[0].z) == (3, found.game.n_text)
