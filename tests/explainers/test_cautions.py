"""Results that should not be interpreted come with a warning, and others without."""

import numpy as np
import pytest
from PIL import Image

import fixlip_widgets as fx
from fixlip_widgets import FixlipWarning
from fixlip_widgets.encoders.towers import patches_of
from fixlip_widgets.explainers.cautions import flatness, warn_of_fit, warn_of_photograph
from tests.examples import DATA, random_explanation
from tests.golden import tiny_clip, tiny_pixels

PHOTO = DATA / "image.jpg"


def explained(**options):
    return fx.explain(tiny_pixels(), "a dog on a mat", model=tiny_clip(), progress=False, **options)


def test_a_fit_that_is_no_better_than_the_mean_is_not_to_be_interpreted():
    with pytest.warns(FixlipWarning, match=r"no better than their mean \(held-out R² −0\.30\)\. Pass a larger budget"):
        warn_of_fit(random_explanation(r2=-0.3))
    for unknown_or_good in (None, float("nan"), 0.2):
        warn_of_fit(random_explanation(r2=unknown_or_good))


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"budget": 2**6}, "image–text interactions"),
        ({"budget": 2**6, "scope": "cross"}, "image–text interactions"),
        ({"budget": 2**12, "ridge": 0.0}, "image–image interactions"),
        ({"budget": 30, "method": "shapley"}, "interactions"),
        ({"budget": 30, "order": 1}, "values"),
    ],
)
@pytest.mark.filterwarnings("ignore:Do not interpret")
def test_terms_with_fewer_masks_than_unknowns_are_named(options, named):
    with pytest.warns(FixlipWarning, match=rf"budget of [\d,]+ evaluations has fewer .* so that the {named} are not"):
        explained(**options)


def test_shrunk_image_pairs_and_cross_modal_fits_have_no_warning():
    explanation = explained(budget=2**11)
    assert not explanation.identified["image_image"]
    assert explanation.ridge > 0
    assert not explained(budget=2**13, scope="cross").identified["text_text"]


def test_a_cause_is_reported_once_for_a_line_of_the_user():
    with pytest.warns(FixlipWarning) as caught:
        explained(budget=2**8, grid=(8, 8))
    told = [str(each.message) for each in caught]
    assert len(told) == len(set(told))
    assert {each.filename for each in caught} == {__file__}


def test_the_demo_model_warns_of_photographs():
    with pytest.warns(FixlipWarning, match=r"load_model\('ViT-B-32', pretrained='openai'\)") as caught:
        fx.explain(PHOTO, "a dog", grid=(2, 2), progress=False)
    assert len(caught) == 1
    warn_of_photograph(tiny_clip(), tiny_pixels())  # a model of the user


def test_the_demo_model_does_not_warn_of_drawn_scenes():
    model, rng = fx.load_model(), np.random.default_rng(0)
    scenes = [fx.demo.scene(name) for name in fx.demo.SCENES]
    scenes += [fx.demo.compose(rng.choice(fx.demo.names(), 3, replace=False).tolist(), seed=seed) for seed in range(30)]
    assert patches_of(model.clip) is not None
    for scene in scenes:
        warn_of_photograph(model, model.pixels(scene.image))
        warn_of_photograph(model, model.pixels(scene.image).half())


def test_superpixels_of_a_scene_have_no_warning():
    pytest.importorskip("skimage")
    scene = fx.demo.scene("guitar")
    fx.explain(scene.image, scene.caption, regions=6, progress=False)


def test_drawn_scenes_are_far_from_the_flatness_of_photographs():
    model, rng = fx.load_model(), np.random.default_rng(1)
    scenes = [fx.demo.compose(rng.choice(fx.demo.names(), 2, replace=False).tolist(), seed=seed) for seed in range(30)]
    drawn, photo = [flatness(model.pixels(scene.image)) for scene in scenes], flatness(model.pixels(Image.open(PHOTO)))
    print(f"Share of equal neighbours: {min(drawn):.2f} to {max(drawn):.2f} in scenes, {photo:.3f} in a photograph.")
    assert photo < 0.1 < 0.5 < min(drawn)


def test_a_widget_warns_of_a_photograph_and_explains_it_all_the_same():
    with pytest.warns(FixlipWarning, match="knows only drawn emoji scenes") as caught:
        widget = fx.FixlipWidget(Image.open(PHOTO), "a dog", grid=(2, 2), budget=2**10)
    widget.run()
    assert widget.wait(60)
    assert (widget.status, widget.error, len(caught)) == ("done", "", 1)
    widget.close()
