"""Zero-shot classes: exact on enumerated games, paired errors, one set of image masks for all classes."""

import inspect

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import fixlip_widgets as fx
from fixlip_widgets import InputError, VisionLanguageGame, demo, load_model
from fixlip_widgets.encoders.batches import BatchSize
from fixlip_widgets.estimators.crossmodal_regression import Modality, regress
from fixlip_widgets.estimators.exact import banzhaf_interactions, banzhaf_values
from fixlip_widgets.estimators.masks import HELD_OUT_STREAM, IMAGE_STREAM, enumerate_masks
from fixlip_widgets.estimators.standard_errors import standard_errors
from fixlip_widgets.explainers.class_texts import class_vectors
from fixlip_widgets.explainers.classes import Classes
from fixlip_widgets.explainers.encoded_mask_pool import Pool
from fixlip_widgets.explanation import kept_fits
from fixlip_widgets.explanation.findings import findings
from fixlip_widgets.explanation.kept_fits import kept_fit
from fixlip_widgets.pages.provenance import provenance, reproduction
from fixlip_widgets.support.meter import metered
from tests.encoders.towers.families import model as family
from tests.estimators.test_contrast import assert_as_wide_as_the_spread, spread_ratios
from tests.estimators.test_coverage import assert_covered, assert_covered_at_least, covered
from tests.golden import tiny_clip, tiny_pixels

NAMES, TEMPLATES = ["cat", "dog", "black dog"], ("a photo of a {}.", "a {} next to a hydrant")


def classes(names=NAMES, grid=(3, 3), budget=2**9, **options):
    options = {"model": tiny_clip(), "templates": TEMPLATES} | options
    return fx.explain_classes(options.pop("image", tiny_pixels()), names, grid=grid, budget=budget, **options)


def own_vectors(model, names, templates):
    """CLIP's recipe, written out with the model's own forward pass."""
    vectors = []
    for name in names:
        texts = model.tokenizer([template.format(name) for template in templates])
        embeddings = F.normalize(model.clip.encode_text(texts).detach().double(), dim=-1)
        vectors.append(F.normalize(embeddings.mean(0), dim=0))
    return torch.stack(vectors)


def tables(found):
    """Return the (2**n, k) logits of every mask from the encoded embeddings."""
    assert found.pool.complete
    return found.game.scale * (found.side.embeddings.double() @ found.vectors.T).numpy() + found.game.bias


def same(explanation, fit, atol=1e-10):
    np.testing.assert_allclose(explanation.baseline, fit.baseline, atol=atol)
    np.testing.assert_allclose(explanation.main, fit.main, atol=atol)
    np.testing.assert_allclose(explanation.interactions, fit.interactions, atol=atol)


def polynomial(explanation):
    return np.concatenate([[explanation.baseline], explanation.main, explanation.interactions.ravel()])


def test_vectors_are_the_normalised_mean_of_normalised_embeddings():
    found = classes()
    np.testing.assert_allclose(found.vectors, own_vectors(tiny_clip(), NAMES, TEMPLATES), atol=1e-6)
    complete = found.game.image_embeddings(np.ones((1, 9), dtype=bool)).double()
    np.testing.assert_allclose(found.logits, found.game.scale * (complete @ found.vectors.T)[0], atol=1e-6)
    alone = classes(templates="a photo of a {}.")
    game = VisionLanguageGame(tiny_clip(), tiny_pixels(), "a photo of a dog.", grid=(3, 3))
    assert alone.logits[1] == pytest.approx(game.similarity, abs=1e-4)
    assert alone["dog"].empty_similarity == pytest.approx(
        game.values(np.zeros((1, 9), dtype=bool), np.ones((1, game.n_text), dtype=bool))[0, 0], abs=1e-4
    )


def test_batches_do_not_change_the_vectors():
    game = VisionLanguageGame(tiny_clip(), tiny_pixels(), "a cat", batch_size=2)
    done = []
    vectors = class_vectors(game, NAMES, TEMPLATES, done.append)
    assert done == [2, 4, 6]
    np.testing.assert_allclose(vectors, own_vectors(tiny_clip(), NAMES, TEMPLATES), atol=1e-6)


@pytest.mark.parametrize("p", [0.5, 0.3])
def test_enumerated_classes_are_exact(p):
    found = classes(p=p)
    values = tables(found)
    logits = torch.from_numpy(values)
    np.testing.assert_allclose(found.log_probabilities(found.side.embeddings).exp().sum(1), 1.0, atol=1e-12)
    for index, name in enumerate(NAMES):
        explanation = found[name]
        same(explanation, banzhaf_interactions(values[:, index], p))
        assert (explanation.tokens, explanation.caption, explanation.n_image) == ((), name, 9)
        assert explanation.main_se.max() == explanation.interactions_se.max() == 0.0
        same(found.probability(name), banzhaf_interactions(F.log_softmax(logits, dim=1)[:, index].numpy(), p))
    np.testing.assert_allclose(found.values()[0][1], banzhaf_values(values[:, 1], p), atol=1e-10)
    np.testing.assert_allclose(found["dog"].first_order(), found.values()[0][1], atol=1e-10)
    same(found.contrast("dog", "cat"), banzhaf_interactions(values[:, 1] - values[:, 0], p))
    assert found["dog"].r2_in_sample == pytest.approx(r2(values[:, 1], found["dog"], p))


def r2(values, explanation, p):
    masks = enumerate_masks(9)
    weights = p ** masks.sum(1) * (1 - p) ** (9 - masks.sum(1))
    error = weights @ (values - explanation.predict(masks)) ** 2
    return 1 - error / (weights @ (values - weights @ values) ** 2)


@pytest.mark.parametrize(("p", "ridge"), [(0.5, None), (0.3, None), (0.5, 0.0)])
def test_a_contrast_is_the_difference_of_the_two_polynomials(p, ridge):
    found = classes(grid=None, budget=400, p=p, ridge=ridge)
    difference, dog, cat = found.contrast("dog", "cat"), found["dog"], found["cat"]
    np.testing.assert_allclose(polynomial(difference), polynomial(dog) - polynomial(cat), atol=1e-10)
    assert difference.similarity == pytest.approx(found.logits[1] - found.logits[0])
    assert difference.caption == "dog − cat"
    assert (difference.choice["name"], difference.choice["minus"]) == ("dog", "cat")
    assert (difference.interactions_se < np.hypot(dog.interactions_se, cat.interactions_se) + 1e-12).mean() > 0.5
    np.testing.assert_allclose(polynomial(found.contrast("cat", "dog")), -polynomial(difference), atol=1e-10)


@pytest.mark.parametrize("p", [0.3, 0.5])
def test_a_fit_to_projections_equals_one_to_embeddings(p):
    found = classes(grid=None, budget=400, p=p)
    dog, (regression, scale) = found["dog"], kept_fit(found["dog"])
    assert regression.image.embeddings.shape[1] == 1
    whole = regress(found.side, Modality.fixed(found.vectors[found.names.index("dog")]), None)
    same(dog, whole.assemble(scale, found.game.bias))
    errors = standard_errors(whole, scale)
    np.testing.assert_allclose(dog.main_se, errors.main, rtol=1e-6)
    np.testing.assert_allclose(dog.interactions_se, errors.interactions, rtol=1e-6)


def test_a_contrast_is_paired_however_large_the_regressions_are(monkeypatch):
    paired = classes(grid=None, budget=400).contrast("dog", "cat")
    monkeypatch.setattr(kept_fits, "MOST_BYTES", 0)
    np.testing.assert_array_equal(classes(grid=None, budget=400).contrast("dog", "cat").main_se, paired.main_se)


def test_adding_classes_encodes_no_image():
    found = classes(["cat", "dog"])
    dog, images, probability = found["dog"], found.image_encodes, found.probability("dog")
    runs = []
    found.game.image_tower.encode = lambda masks: runs.append(len(masks))  # would fail
    found.add(["black dog"])
    assert found.names == ("cat", "dog", "black dog")
    assert (found.image_encodes, found.text_encodes, runs) == (images, 6, [])
    np.testing.assert_array_equal(found["dog"].interactions, dog.interactions)
    at_once = classes()
    np.testing.assert_allclose(found.vectors, at_once.vectors, atol=1e-6)
    np.testing.assert_allclose(polynomial(found["black dog"]), polynomial(at_once["black dog"]), atol=1e-4)
    assert found.probability("dog").similarity < probability.similarity
    np.testing.assert_allclose(polynomial(found.probability("dog")), polynomial(at_once.probability("dog")), atol=1e-4)
    with pytest.raises(InputError, match="'dog' exists already"):
        found.add(["wolf", "dog"])
    assert len(found) == 3


def test_probabilities_are_sigmoids_for_models_trained_with_them():
    model = family("SigLIP")
    assert model.sigmoid
    assert not tiny_clip().sigmoid
    picture = demo.scene("dog_and_banana").image
    found = classes(image=picture, model=model, grid=(2, 2), budget=16)
    np.testing.assert_allclose(found.probabilities, 1 / (1 + np.exp(-found.logits)))
    values = torch.from_numpy(tables(found))
    same(found.probability("dog"), banzhaf_interactions(F.logsigmoid(values)[:, 1].numpy()))
    one = classes(["dog"], image=picture, model=model, grid=(2, 2), budget=16)
    assert one.probability("dog").similarity == pytest.approx(np.log(one.probabilities[0]))


def test_a_single_class_has_a_logit_but_no_softmax_probability():
    one = classes(["dog"])
    assert np.isnan(one.probabilities).all()
    np.testing.assert_allclose(polynomial(one["dog"]), polynomial(classes()["dog"]), atol=1e-6)
    with pytest.raises(InputError, match="only class, so its softmax probability is always 1"):
        one.probability("dog")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"names": []}, "There is no class"),
        ({"names": "dog"}, r"pass a list of names"),
        ({"names": ["dog", 3]}, "is 3; it must be a string"),
        ({"names": ["dog", " "]}, "not blank"),
        ({"names": ["dog", "cat", "dog"]}, "'dog' occurs more than once"),
        ({"templates": ()}, "There is no template"),
        ({"templates": ("a photo",)}, r"contains \{\} once"),
        ({"templates": ("a {} and a {}",)}, r"contains \{\} once"),
        ({"templates": (7,)}, "template is 7"),
        ({"names": ["dog", "word " * 100]}, "cannot be read in the template 'a photo of a {}.': The text has"),
        ({"order": 3}, "order is 3.*no tokens that are players"),
        ({"order": 1}, "order is 1"),
        ({"budget": 1}, "whole number of masks from 4"),
        ({"p": 1.5}, "p is 1.5"),
        ({"masks": "sorted"}, "masks is 'sorted'"),
        ({"ridge": -1}, "ridge is -1"),
    ],
)
def test_invalid_arguments_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        classes(**options)


def test_unknown_classes_are_refused_by_name():
    found = classes()
    for use in (found.__getitem__, found.probability, lambda name: found.contrast("dog", name)):
        with pytest.raises(InputError, match="no class 'wolf'; the classes are cat, dog, black dog"):
            use("wolf")
    assert "wolf" not in found
    assert list(found) == NAMES


def test_a_hundred_thousand_classes_take_little_more_memory_than_their_vectors(tmp_path):
    found, count = classes(["cat", "dog"], budget=64), 100_000
    drawn = torch.randn(count, found.vectors.shape[1], dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    vectors = F.normalize(drawn, dim=1)
    with metered(torch.device("cpu"), memory=True) as cost:
        found._extend(tuple(f"class {number}" for number in range(count)), vectors)
        explanations = found.contrast("class 5", "dog"), found.probability("class 99999")
        assert "… 99,992 more" in repr(found)
        found.to_plotly()
    assert all(np.isfinite(explanation.main).all() for explanation in explanations)
    assert not cost.megabytes > 4 * vectors.nbytes / 2**20  # NaN where memory is not measured
    found.to_html(tmp_path / "page.html")  # its explanations do not repeat the names
    assert (tmp_path / "page.html").stat().st_size < 20_000_000
    assert "# names: the names of the classes" in reproduction(explanations[0])


def test_many_classes_are_added_up_in_parts(monkeypatch):
    monkeypatch.setattr("fixlip_widgets.explainers.scores._AT_ONCE", 2)
    found = classes()
    whole = found.log_probabilities(found.side.embeddings)[:, 1]
    np.testing.assert_allclose(found._log_probability(found.side.embeddings, 1), whole, atol=1e-12)


def test_tables_figures_and_texts():
    found = classes(grid=None, budget=300)
    frame = found.to_frame()
    assert frame.shape == (3 * 16, 7)
    assert frame["logit"].is_monotonic_decreasing
    first = frame[frame["class"] == "dog"]
    np.testing.assert_array_equal(first["value"], found.values()[0][1])
    np.testing.assert_allclose(first["value"], found["dog"].first_order(), atol=1e-6)  # p = 0.5: the same regression
    assert (first["standard_error"] > 0).all()
    heat, bars = found.to_plotly(top=2), found.to_plotly("ranking", theme="dark", palette="safe")
    assert np.shape(heat.data[0].z) == (2, 16)
    assert sum(bars.data[0].x) == pytest.approx(1)
    for wrong in ({"kind": "circle"}, {"theme": "blue"}, {"palette": "grey"}):
        with pytest.raises(InputError, match="There is no"):
            found.to_plotly(**wrong)
    text, page = repr(found), found._repr_html_()
    assert text.startswith("<Classes: 3 classes, 16 patches, p=0.5, 300 masks, 2 templates")
    assert all(name in text and name in page for name in NAMES)
    assert "nan" not in repr(classes(["dog"])) + classes(["dog"])._repr_html_()


@pytest.mark.parametrize("of", ["class", "contrast", "probability"])
def test_explanations_without_tokens_can_be_drawn_saved_and_described(of, tmp_path):
    found = classes(grid=None, budget=300)
    explanation = {
        "class": lambda: found["dog"],
        "contrast": lambda: found.contrast("dog", "cat"),
        "probability": lambda: found.probability("dog"),
    }[of]()
    for kind in ("graph", "overlay", "words"):
        assert explanation.to_svg(kind).startswith("<svg")
        assert explanation.to_png(kind=kind).startswith(b"\x89PNG")
    for kind in ("cross", "text", "image", "main", "overlay", "graph", "waterfall"):
        explanation.to_plotly(kind)
    assert len(explanation.to_frame()) == 1 + 16 + 120
    assert explanation._repr_html_()
    assert len(findings(explanation)) == 17
    assert explanation.unit == ("nats" if of == "probability" else "logits")
    explanation.save(tmp_path / "one.npz")
    loaded = fx.Explanation.load(tmp_path / "one.npz")
    assert loaded.choice == explanation.choice
    np.testing.assert_array_equal(loaded.interactions, explanation.interactions)
    explanation.to_html(tmp_path / "page.html")
    assert "dog" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_values_in_logits_and_in_nats_are_not_subtracted():
    found = classes()
    with pytest.raises(InputError, match="in logits and those of the other in nats"):
        _ = found["dog"] - found.probability("dog")


def test_provenance_names_classes_and_templates_and_its_code_reproduces_the_explanation():
    found = classes(grid=None, budget=300)
    for explanation in (found["dog"], found.contrast("dog", "cat"), found.probability("dog")):
        rows = dict(provenance(explanation))
        assert rows["among"] == "3: cat, dog, black dog"
        assert rows["templates"] == "“a photo of a {}.”, “a {} next to a hydrant”"
        assert rows["budget"] == "300 masks"
        names = {"image": tiny_pixels(), "model": tiny_clip()}
        exec(reproduction(explanation), names)
        np.testing.assert_allclose(polynomial(names["explanation"]), polynomial(explanation), atol=1e-4)
    assert dict(provenance(found.contrast("dog", "cat")))["class"] == "dog − cat"


def test_arrays_make_standard_errors_upper_bounds():
    found = classes(grid=None, budget=256, masks="orthogonal")
    assert found["dog"].conservative_errors
    assert found.contrast("dog", "cat").conservative_errors


def test_the_default_arguments_are_those_of_explain():
    of_classes, of_pairs = (inspect.signature(call).parameters for call in (fx.explain_classes, fx.explain))
    shared = [name for name in of_classes if name in of_pairs and name not in ("budget", "order")]
    assert {"model", "p", "masks", "seed", "grid", "regions", "masking", "ridge", "check", "progress"} <= {*shared}
    assert all(of_classes[name].default == of_pairs[name].default for name in shared)


@pytest.fixture(scope="module")
def twelve_patches():
    """The packaged model on 3 × 4 patches, with every image mask encoded."""
    game = VisionLanguageGame(load_model(), demo.scene("dog_and_banana").image, "a dog", grid=(3, 4))
    names, templates = ("dog", "banana", "car"), ("a photo of a {}.",)
    vectors = class_vectors(game, names, templates)
    embeddings, places = game.image_embeddings(enumerate_masks(12)), 2 ** torch.arange(12)

    def encode(masks):
        return embeddings[masks.long() @ places]

    def of(seed, count, design="random"):
        pool = Pool(12, seed=seed, stream=IMAGE_STREAM, name="image", design=design)
        held_out = Pool(12, seed=seed, stream=HELD_OUT_STREAM, name="image")
        batch, device = BatchSize(4096), torch.device("cpu")
        steps = (
            pool.enumerate(encode, batch, device) if count is None else pool.extend(encode, 0.5, count, batch, device)
        )
        for _ in steps:
            pass
        return Classes(game, pool, held_out, templates=templates, names=names, vectors=vectors, p=0.5)

    return of


def blocks(values):
    return {"main": values.main, "pairs": values.interactions[np.triu_indices(12, 1)]}


def error_blocks(values):
    return {"main": values.main_se, "pairs": values.interactions_se[np.triu_indices(12, 1)]}


@pytest.mark.slow
@pytest.mark.parametrize("design", ["random", "orthogonal"])
@pytest.mark.parametrize("of", ["class", "contrast", "probability"])
def test_intervals_cover_the_enumerated_truth(twelve_patches, of, design):
    ask = {
        "class": lambda found: found["dog"],
        "contrast": lambda found: found.contrast("dog", "banana"),
        "probability": lambda found: found.probability("dog"),
    }[of]
    truth = blocks(ask(twelve_patches(0, None)))
    repetitions, squared, errors = [], [], []
    for seed in range(200):
        explanation = ask(twelve_patches(seed, 600, design))
        found = blocks(explanation)
        errors.append(error_blocks(explanation))
        repetitions.append(covered(truth, found, errors[-1]))
        squared.append({name: (found[name] - truth[name]) ** 2 for name in truth})
    ratios = spread_ratios(squared, errors)
    print(of, design, {name: round(ratio, 2) for name, ratio in ratios.items()})
    if design == "orthogonal":
        assert_covered_at_least(repetitions)
    else:
        assert_covered(repetitions)
        assert_as_wide_as_the_spread(ratios)
