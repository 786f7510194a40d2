"""Do 95 % intervals cover the truth in 93 to 97 % of repetitions, and do findings rest on chance in 5 % at most?"""

from functools import cache

import numpy as np
import pytest
import torch

from fixlip_widgets import VisionLanguageGame, demo, load_model
from fixlip_widgets.encoders.batches import BatchSize
from fixlip_widgets.estimators import influence
from fixlip_widgets.estimators.crossmodal_regression import Modality, regress
from fixlip_widgets.estimators.linear import fit_linear
from fixlip_widgets.estimators.masks import draw_masks, enumerate_masks, enumeration_weights
from fixlip_widgets.estimators.standard_errors import standard_errors
from fixlip_widgets.estimators.sums import sum_errors
from fixlip_widgets.estimators.third_order import regress_third
from fixlip_widgets.explainers.encoded_mask_pool import Pool
from fixlip_widgets.explanation.significance import degrees_of_freedom, significant

SEEDS = 200
RIDGES = (None, 0.0)
N_IMAGE, N_TEXT, WIDTH = 12, 4, 16
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def without_gradients():
    """Thousands of small regressions run without the cost of recording views."""
    with torch.inference_mode():
        yield


def encoder(n, seed, fading=1.0):
    """A smooth non-polynomial map from masks to the unit sphere, like an encoder, with optional player strengths."""
    random = np.random.default_rng(seed)
    first, shift, last = random.normal(size=(n, 40)) * 0.5, random.normal(size=40), random.normal(size=(40, WIDTH))
    first *= fading ** np.arange(n)[:, None]

    rows = np.tanh(enumerate_masks(n) @ first + shift) @ last
    embeddings = torch.tensor(rows / np.linalg.norm(rows, axis=1, keepdims=True))

    def encode(masks):
        return embeddings[torch.from_numpy(masks @ 2 ** np.arange(n))]

    return encode


IMAGE, UNEVEN, TEXT = encoder(N_IMAGE, 0), encoder(N_IMAGE, 0, fading=0.75), encoder(N_TEXT, 1)


def modality(encode, masks, weights, **options):
    return Modality(torch.tensor(masks), encode(masks), torch.tensor(weights), **options)


def everything(encode, n, p):
    masks = enumerate_masks(n)
    return modality(encode, masks, enumeration_weights(masks, p), sampled=False)


def sampled(encode, n, p, count, seed, stream, design="random"):
    masks = draw_masks(n, p, 0, count, seed=seed, stream=stream, design=design)
    return modality(encode, masks, np.full(count, 1 / count), paired=p == 0.5, p=p)


def parts(fit):
    image, text = np.triu_indices(N_IMAGE, 1), np.triu_indices(N_TEXT, 1)
    i, t = slice(0, N_IMAGE), slice(N_IMAGE, None)
    return {
        "baseline": np.array([fit.baseline]),
        "image mains": fit.main[i],
        "text mains": fit.main[t],
        "cross-modal": fit.interactions[i, t].ravel(),
        "image–image": fit.interactions[i, i][image],
        "text–text": fit.interactions[t, t][text],
    }


@cache
def repeated(image, p, count, ridge, design="random"):
    """Return, for every seed, the fitted parts, their standard errors, and the effective number of units."""
    text, results = everything(TEXT, N_TEXT, p), []
    for seed in range(SEEDS):
        masks = sampled(image, N_IMAGE, p, count, seed, 0, design)
        fit = regress(masks, text, ridge)
        results.append((parts(fit.assemble()), parts(standard_errors(fit)), masks.units))
    return results


@cache
def enumerated(image, p):
    return parts(regress(everything(image, N_IMAGE, p), everything(TEXT, N_TEXT, p)).assemble())


def covered(truth, found, errors):
    """Return, for every block, which finite intervals contain the truth."""
    return {
        name: np.where(np.isnan(errors[name]), np.nan, np.abs(found[name] - truth[name]) <= 1.96 * errors[name])
        for name in truth
    }


def assert_covered(repetitions, most_of_all=0.97, lowest=0.90, most=0.985):
    """Assert that 95 % intervals cover 93–97 % of all terms; the bounds are wider for blocks, which have few terms."""
    blocks = {name: np.concatenate([np.ravel(each[name]) for each in repetitions]) for name in repetitions[0]}
    coverage = {name: float(np.nanmean(values)) for name, values in blocks.items() if not np.isnan(values).all()}
    print({name: round(value, 3) for name, value in coverage.items()})
    assert 0.93 <= np.nanmean(np.concatenate(list(blocks.values()))) <= most_of_all
    assert all(lowest <= value <= most for value in coverage.values()), coverage


PLAIN, FEW, DEFAULT, EXTREME = (1200, 0.0), (160, None), (600, None), [(0.2, 1200), (0.8, 1200), (0.9, 5000)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("p", "image", "count", "ridge"),
    [(p, image, *how) for p in (0.3, 0.5) for image in (IMAGE, UNEVEN) for how in (PLAIN, FEW, DEFAULT)]
    + [(p, IMAGE, count, None) for p, count in EXTREME],
)
def test_intervals_cover_the_enumerated_truth(p, image, count, ridge):
    results = repeated(image, p, count, ridge)
    assert_covered([covered(enumerated(image, p), found, errors) for found, errors, _ in results])


def real_game_of(caption):
    """Return the packaged model on 3 × 4 patches and a caption of four tokens."""
    game = VisionLanguageGame(load_model(), demo.scene("dog_and_banana").image, caption, grid=(3, 4))
    assert (game.n_image, game.n_text) == (N_IMAGE, N_TEXT)
    return game


@cache
def real_image():
    """Return the embeddings of all image masks, which do not depend on the caption."""
    return real_game_of("dog next to banana").image_embeddings(enumerate_masks(N_IMAGE)).double().cpu()


def real_text(caption):
    """Return the embeddings of all text masks."""
    return real_game_of(caption).text_embeddings(enumerate_masks(N_TEXT)).double().cpu()


class RealGame:
    """The packaged model's game, with every mask encoded."""

    def __init__(self):
        self.image, self.text = real_image(), real_text("dog next to banana")

    def everything(self, p):
        return everything(lambda masks: self.image, N_IMAGE, p), everything(lambda masks: self.text, N_TEXT, p)

    def pool(self, seed, drawn, design="random"):
        pool, places = Pool(N_IMAGE, seed=seed, stream=0, name="image", design=design), 2 ** torch.arange(N_IMAGE)
        for p, count in drawn:
            for _ in pool.extend(lambda masks: self.image[masks.long() @ places], p, count, BatchSize(4096), CPU):
                pass
        return pool

    @cache  # noqa: B019  # one game for all tests
    def repeated(self, drawn, p, design="random"):
        """Return, for both ridges, which intervals contain the truth for every seed."""
        image, text = self.everything(p)
        truth, results = parts(regress(image, text).assemble()), {ridge: [] for ridge in RIDGES}
        for seed in range(SEEDS):
            masks = self.pool(seed, drawn, design).modality(p)
            for ridge in RIDGES:
                fit = regress(masks, text, ridge)
                results[ridge].append(covered(truth, parts(fit.assemble()), parts(standard_errors(fit))))
        return results


@pytest.fixture(scope="module")
def real_game():
    return RealGame()


@pytest.mark.slow
@pytest.mark.parametrize("ridge", [None, 0.0], ids=["default", "plain"])
@pytest.mark.parametrize(
    ("drawn", "p"),
    [
        ([(0.5, 1000)], 0.5),
        ([(0.5, 1000)], 0.4),
        ([(0.5, 1000)], 0.3),
        ([(0.5, 4000)], 0.3),
        ([(0.5, 1000)], 0.7),
        ([(0.5, 1000), (0.3, 800)], 0.3),
        ([(0.1, 1000), (0.3, 1000), (0.5, 1000), (0.7, 1000)], 0.4),
        ([(0.3, 1000)], 0.3),
        ([(0.2, 1200)], 0.2),
        ([(0.8, 400)], 0.8),
        ([(0.8, 2000)], 0.8),
    ],
)
def test_intervals_cover_a_real_game_wherever_its_masks_were_drawn(real_game, drawn, p, ridge):
    repetitions = real_game.repeated(tuple(drawn), p)[ridge]
    counts = " and ".join(f"{count:,} masks drawn at {q}" for q, count in drawn)
    print(f"p = {p} from {counts}, ridge {ridge}:")
    assert_covered(repetitions, most_of_all=0.985, lowest=0.88, most=0.995)


def assert_covered_at_least(repetitions, lowest=0.90):
    """Assert that 95 % intervals cover at least 95 % of all terms; the bound for blocks, which have few, is lower."""
    blocks = {name: np.concatenate([np.ravel(each[name]) for each in repetitions]) for name in repetitions[0]}
    coverage = {name: float(np.nanmean(values)) for name, values in blocks.items() if not np.isnan(values).all()}
    print({name: round(value, 3) for name, value in coverage.items()})
    assert np.nanmean(np.concatenate(list(blocks.values()))) >= 0.95
    assert min(coverage.values()) >= lowest, coverage


@pytest.mark.slow
@pytest.mark.parametrize("ridge", [None, 0.0], ids=["default", "plain"])
@pytest.mark.parametrize(
    ("drawn", "p"),
    [
        *(([(0.5, count)], 0.5) for count in (160, 256, 1000)),  # an array has 256 rows
        ([(0.5, 1024)], 0.3),
        ([(0.5, 1024), (0.3, 800)], 0.3),
    ],
)
def test_intervals_from_arrays_cover_a_real_game_at_least_as_often_as_stated(real_game, drawn, p, ridge):
    repetitions = real_game.repeated(tuple(drawn), p, "orthogonal")[ridge]
    counts = " and ".join(f"{count:,} masks drawn at {q}" for q, count in drawn)
    print(f"p = {p} from {counts} with orthogonal arrays, ridge {ridge}:")
    assert_covered_at_least(repetitions)


@pytest.mark.slow
@pytest.mark.parametrize("ridge", [None, 0.0], ids=["default", "plain"])
@pytest.mark.parametrize("image", [IMAGE, UNEVEN], ids=["even", "uneven"])
@pytest.mark.parametrize("count", [160, 600])
def test_intervals_from_arrays_cover_the_enumerated_truth_at_least_as_often_as_stated(image, count, ridge):
    results = repeated(image, 0.5, count, ridge, "orthogonal")
    assert_covered_at_least([covered(enumerated(image, 0.5), found, errors) for found, errors, _ in results])


@pytest.mark.slow  # as long as the game encodes its masks
def test_terms_with_few_effective_masks_get_no_error(real_game):
    image, text = real_game.pool(0, [(0.5, 1000)]).modality(0.3), real_game.everything(0.3)[1]
    for ridge in (None, 0.0):
        errors = parts(standard_errors(regress(image, text, ridge)))
        assert np.isnan(errors["baseline"]).all()
        assert np.isnan(errors["image mains"]).all()
        assert np.isfinite(errors["cross-modal"]).all()
    linear = fit_linear(image, text)
    assert np.isnan(linear.baseline_se)
    assert np.isnan(linear.main_se[:N_IMAGE]).all()


@pytest.mark.slow
def test_intervals_from_few_effective_masks_would_be_too_narrow(real_game, monkeypatch):
    """Without the minimums, terms would get errors that are too small."""
    monkeypatch.setattr(influence, "_FEWEST_EFFECTIVE", dict.fromkeys(influence._FEWEST_EFFECTIVE, 0.0))
    for ridge, repetitions in RealGame.repeated.__wrapped__(real_game, [(0.5, 1000)], 0.3).items():
        covered_terms = {name: np.nanmean([each[name] for each in repetitions]) for name in ("baseline", "image mains")}
        print(f"without the minimums, ridge {ridge}:", {name: round(each, 3) for name, each in covered_terms.items()})
        assert covered_terms["baseline"] < 0.85
        assert covered_terms["image mains"] < 0.93


@pytest.mark.slow
@pytest.mark.parametrize("ridge", [0.0, None], ids=["plain", "default"])
@pytest.mark.parametrize(
    ("p", "count"),
    [(0.5, 160), (0.5, 600), (0.3, 300), (0.3, 1200), (0.8, 1000), (0.9, 1200), (0.9, 5000), (0.1, 1200)],
)
def test_significant_interactions_have_the_right_sign(p, count, ridge):
    """Some intervals of single terms are too narrow, but the family-wise error rate stays within 5 %."""
    truth, players = enumerated(IMAGE, p), [1] * (N_IMAGE * N_TEXT) + [2] * 66 + [0] * 6
    named, wrong, outside = [], [], []
    for found, errors, units in repeated(IMAGE, p, count, ridge):
        values, their_errors, true = (
            np.concatenate([each[name] for name in ("cross-modal", "image–image", "text–text")])
            for each in (found, errors, truth)
        )
        freedom = degrees_of_freedom(units, p, players)
        named.append(significant(values, their_errors, freedom))
        wrong.append((named[-1] & (np.sign(values) != np.sign(true))).any())
        outside.append(significant(values - true, their_errors, freedom).any())
    print(
        f"p = {p}, {count} masks, ridge {ridge}: {np.sum(named) / SEEDS:.0f} of {len(players)} interactions are "
        f"significant, one of them with the wrong sign in {np.mean(wrong):.1%} of draws; in {np.mean(outside):.0%} at "
        "least one is further from the truth than its interval"
    )
    assert np.mean(wrong) <= 0.05
    assert np.sum(named) > 0


@pytest.mark.parametrize(
    ("p", "count", "ridge", "known"),
    [
        (0.5, 36, None, ""),
        (0.5, 44, None, "cross-modal"),
        (0.5, 170, 0.0, "cross-modal"),  # 67 unknowns of 85 pairs
        (0.5, 190, 0.0, "cross-modal, image–image"),
        (0.3, 90, None, ""),  # cross-modal terms are fitted along with pairs
        (0.3, 140, None, "cross-modal, image–image"),
        (0.3, 90, 0.0, "cross-modal"),
        (0.3, 150, 0.0, "cross-modal"),  # 79 unknowns
        (0.3, 170, 0.0, "cross-modal, image–image"),
        (0.9, 800, 0.0, "cross-modal"),
        (0.9, 800, None, ""),
        (0.9, 1300, None, "cross-modal, image–image"),
    ],
)
def test_blocks_get_errors_once_masks_suffice(p, count, ridge, known):
    fit = regress(sampled(IMAGE, N_IMAGE, p, count, 0, 0), everything(TEXT, N_TEXT, p), ridge)
    errors = parts(standard_errors(fit))
    for block in ("cross-modal", "image–image"):
        assert np.isfinite(errors[block]).all() == (block in known), block
        assert np.isnan(errors[block]).all() == (block not in known), block


@pytest.mark.slow
@pytest.mark.parametrize("ridge", [0.0, None], ids=["plain", "default"])
def test_sampled_captions_add_their_variance(ridge):
    p = 0.4
    truth = parts(regress(everything(IMAGE, N_IMAGE, p), everything(TEXT, N_TEXT, p)).assemble())
    image, repetitions = everything(IMAGE, N_IMAGE, p), []
    for seed in range(SEEDS):
        fit = regress(image, sampled(TEXT, N_TEXT, p, 400, seed, 1), ridge)
        repetitions.append(covered(truth, parts(fit.assemble()), parts(standard_errors(fit))))
    assert_covered(repetitions)


def third_parts(fit, image_image_text, image_text_text):
    image, text = np.triu_indices(N_IMAGE, 1), np.triu_indices(N_TEXT, 1)
    return {
        **parts(fit),
        "image–image–text": image_image_text[:, image[0], image[1]],
        "image–text–text": image_text_text[:, text[0], text[1]],
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("p", "ridge", "of_text"),
    [(0.3, 0.0, None), (0.3, None, None), (0.5, 0.0, None), (0.5, None, None), (0.4, 0.0, 600)],
    ids=["plain", "default", "pairs", "pairs-default", "sampled-captions"],
)
def test_intervals_of_order_three_cover_the_enumerated_truth(p, ridge, of_text):
    text = everything(TEXT, N_TEXT, p)
    truth = third_parts(*regress_third(everything(IMAGE, N_IMAGE, p), text).assemble())
    repetitions = []
    for seed in range(SEEDS):
        drawn = text if of_text is None else sampled(TEXT, N_TEXT, p, of_text, seed, 1)
        fit = regress_third(sampled(IMAGE, N_IMAGE, p, 800, seed, 0), drawn, ridge)
        repetitions.append(covered(truth, third_parts(*fit.assemble()), third_parts(*fit.standard_errors())))
    assert_covered(repetitions)


@pytest.mark.slow
@pytest.mark.parametrize("p", [0.3, 0.5])
def test_intervals_of_a_groups_sums_cover_the_enumerated_truth(p):
    group = np.zeros(N_IMAGE + N_TEXT, dtype=bool)
    group[[0, 1, 5, N_IMAGE + 1]] = True
    text = everything(TEXT, N_TEXT, p)

    def sums(fit):
        values = fit.interactions[group].sum(0)
        return {"values": values, "total": values[~group].sum(), "within": values[group].sum() / 2}

    truth = sums(regress(everything(UNEVEN, N_IMAGE, p), text).assemble())
    repetitions = []
    for seed in range(SEEDS):
        fit = regress(sampled(UNEVEN, N_IMAGE, p, 600, seed, 0), text, None)
        errors = sum_errors(fit, group)
        errors = {"values": errors.values, "total": errors.total, "within": errors.within}
        repetitions.append(covered(truth, sums(fit.assemble()), errors))
    assert_covered(repetitions)


@pytest.mark.slow
def test_intervals_of_order_three_from_arrays_cover_at_least_as_often_as_stated():
    text = everything(TEXT, N_TEXT, 0.5)
    truth = third_parts(*regress_third(everything(IMAGE, N_IMAGE, 0.5), text).assemble())
    repetitions = []
    for seed in range(SEEDS):
        fit = regress_third(sampled(IMAGE, N_IMAGE, 0.5, 600, seed, 0, "orthogonal"), text, None)
        repetitions.append(covered(truth, third_parts(*fit.assemble()), third_parts(*fit.standard_errors())))
    assert_covered_at_least(repetitions)
