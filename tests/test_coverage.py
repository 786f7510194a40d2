"""Do 95 % intervals cover the truth in 93 to 97 % of repetitions?"""

import numpy as np
import pytest
import torch

from fixlip_widgets.estimators.crossmodal import Modality, regress
from fixlip_widgets.estimators.variance import standard_errors
from fixlip_widgets.masks import draw_masks, enumerate_masks, enumeration_weights

SEEDS = 200
N_IMAGE, N_TEXT, WIDTH = 12, 4, 16


def encoder(n, seed):
    """A smooth non-polynomial map from masks to the unit sphere, as an encoder is."""
    random = np.random.default_rng(seed)
    first, shift, last = random.normal(size=(n, 40)) * 0.5, random.normal(size=40), random.normal(size=(40, WIDTH))

    def encode(masks):
        rows = np.tanh(masks @ first + shift) @ last
        return torch.tensor(rows / np.linalg.norm(rows, axis=1, keepdims=True))

    return encode


IMAGE, TEXT = encoder(N_IMAGE, 0), encoder(N_TEXT, 1)


def modality(encode, masks, weights, **options):
    return Modality(torch.tensor(masks), encode(masks), torch.tensor(weights), **options)


def everything(encode, n, p):
    masks = enumerate_masks(n)
    return modality(encode, masks, enumeration_weights(masks, p), sampled=False)


def sampled(encode, n, p, count, seed, stream):
    masks = draw_masks(n, p, 0, count, seed=seed, stream=stream)
    return modality(encode, masks, np.full(count, 1 / count), paired=p == 0.5)


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


@pytest.mark.slow
@pytest.mark.parametrize("p", [0.3, 0.5])
@pytest.mark.parametrize(("count", "ridge"), [(1200, 0.0), (160, None)], ids=["plain", "ridge"])
def test_intervals_cover_the_enumerated_truth(p, count, ridge):
    text = everything(TEXT, N_TEXT, p)
    truth = parts(regress(everything(IMAGE, N_IMAGE, p), text).assemble())
    inside = {name: [] for name in truth}
    for seed in range(SEEDS):
        fit = regress(sampled(IMAGE, N_IMAGE, p, count, seed, 0), text, ridge)
        found, errors = parts(fit.assemble()), parts(standard_errors(fit))
        for name in truth:
            inside[name].append(np.abs(found[name] - truth[name]) <= 1.96 * errors[name])
    coverage = {name: np.mean(values) for name, values in inside.items()}
    print(p, count, ridge, {name: round(float(value), 3) for name, value in coverage.items()})
    total = np.mean(np.concatenate([np.ravel(values) for values in inside.values()]))
    assert 0.93 <= total <= 0.97
    # a block of few terms is uncertain itself: its terms share their masks, so 200 seeds give ± 3 points
    assert all(0.90 <= value <= 0.985 for value in coverage.values()), coverage


@pytest.mark.slow
def test_sampled_captions_add_their_share():
    p, truth = 0.4, None
    truth = parts(regress(everything(IMAGE, N_IMAGE, p), everything(TEXT, N_TEXT, p)).assemble())
    inside = []
    image = everything(IMAGE, N_IMAGE, p)
    for seed in range(SEEDS):
        fit = regress(image, sampled(TEXT, N_TEXT, p, 400, seed, 1), 0.0)
        found, errors = parts(fit.assemble()), parts(standard_errors(fit))
        inside.append(np.concatenate([np.abs(found[k] - truth[k]) <= 1.96 * errors[k] for k in truth]))
    assert 0.93 <= np.mean(inside) <= 0.97
