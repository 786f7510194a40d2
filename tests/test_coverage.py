"""Do 95 % intervals cover the truth in 93 to 97 % of repetitions?"""

import numpy as np
import pytest
import torch

from fixlip_widgets.estimators.crossmodal import Modality, regress
from fixlip_widgets.estimators.sums import sum_errors
from fixlip_widgets.estimators.third import regress_third
from fixlip_widgets.estimators.variance import standard_errors
from fixlip_widgets.findings import beyond_noise
from fixlip_widgets.masks import draw_masks, enumerate_masks, enumeration_weights

SEEDS = 200
N_IMAGE, N_TEXT, WIDTH = 12, 4, 16


def encoder(n, seed, fading=1.0):
    """A smooth non-polynomial map from masks to the unit sphere, as an encoder is; each player may count for less."""
    random = np.random.default_rng(seed)
    first, shift, last = random.normal(size=(n, 40)) * 0.5, random.normal(size=40), random.normal(size=(40, WIDTH))
    first *= fading ** np.arange(n)[:, None]

    def encode(masks):
        rows = np.tanh(masks @ first + shift) @ last
        return torch.tensor(rows / np.linalg.norm(rows, axis=1, keepdims=True))

    return encode


IMAGE, UNEVEN, TEXT = encoder(N_IMAGE, 0), encoder(N_IMAGE, 0, fading=0.75), encoder(N_TEXT, 1)


def modality(encode, masks, weights, **options):
    return Modality(torch.tensor(masks), encode(masks), torch.tensor(weights), **options)


def everything(encode, n, p):
    masks = enumerate_masks(n)
    return modality(encode, masks, enumeration_weights(masks, p), sampled=False)


def sampled(encode, n, p, count, seed, stream):
    masks = draw_masks(n, p, 0, count, seed=seed, stream=stream)
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


def covered(truth, found, errors):
    """For every block, which intervals hold the truth; those that claim nothing are left out."""
    return {
        name: np.where(np.isnan(errors[name]), np.nan, np.abs(found[name] - truth[name]) <= 1.96 * errors[name])
        for name in truth
    }


def assert_covered(repetitions):
    """95 % intervals cover 93–97 % of all terms; a block of few terms, which share their masks, is itself uncertain."""
    blocks = {name: np.concatenate([np.ravel(each[name]) for each in repetitions]) for name in repetitions[0]}
    coverage = {name: float(np.nanmean(values)) for name, values in blocks.items() if not np.isnan(values).all()}
    print({name: round(value, 3) for name, value in coverage.items()})
    assert 0.93 <= np.nanmean(np.concatenate(list(blocks.values()))) <= 0.97
    assert all(0.90 <= value <= 0.985 for value in coverage.values()), coverage


PLAIN, FEW, DEFAULT, EXTREME = (1200, 0.0), (160, None), (600, None), [(0.2, 1200), (0.8, 1200), (0.9, 5000)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("p", "image", "count", "ridge"),
    [(p, image, *how) for p in (0.3, 0.5) for image in (IMAGE, UNEVEN) for how in (PLAIN, FEW, DEFAULT)]
    + [(p, IMAGE, count, None) for p, count in EXTREME],
)
def test_intervals_cover_the_enumerated_truth(p, image, count, ridge):
    text = everything(TEXT, N_TEXT, p)
    truth = parts(regress(everything(image, N_IMAGE, p), text).assemble())
    repetitions, outside = [], []
    for seed in range(SEEDS):
        fit = regress(sampled(image, N_IMAGE, p, count, seed, 0), text, ridge)
        found, errors = parts(fit.assemble()), parts(standard_errors(fit))
        repetitions.append(covered(truth, found, errors))
        pairs = [name for name in truth if "–" in name or "-" in name]
        misses, their_errors = (
            np.concatenate(blocks)
            for blocks in ([found[name] - truth[name] for name in pairs], [errors[name] for name in pairs])
        )
        outside.append(beyond_noise(misses, their_errors).any())
    print(
        f"p = {p}, {count} masks, ridge {ridge}: an interaction is outside what Holm allows in {np.mean(outside):.0%}"
    )
    assert_covered(repetitions)


@pytest.mark.slow
@pytest.mark.parametrize("ridge", [0.0, None], ids=["plain", "default"])
def test_sampled_captions_add_their_share(ridge):
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
