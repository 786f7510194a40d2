"""Names that notebooks and scripts rely on: more may come, none of these may go or change its meaning."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any

import pytest

import fixlip_widgets as fx
from fixlip_widgets.explainers.candidates import Candidates
from fixlip_widgets.explainers.classes import Classes
from fixlip_widgets.explainers.retrieval import Retrieval
from fixlip_widgets.explainers.scores import Scores

PACKAGE = """
    Explanation FixlipWidget IncrementalExplainer VisionLanguageGame baselines demo estimators explain load_model
    metrics explain_classes explain_corpus explain_retrieval Corpus
    Gallery CancelledError EncodingError FixlipError InputError ModelError PoolError __version__
"""
EXPLANATION = """
    baseline main interactions main_se interactions_se tokens grid p method seed similarity empty_similarity budget
    image_encodes text_encodes cross predict first_order condition_on subset top shares to_networkx to_plotly to_frame
    save load
"""
GAME = """
    n_image n_text n_players tokens grid image_embeddings text_embeddings values value similarity empty_similarity
"""
EXPLAINER = "extend explanation contrast set_text set_image image_encodes text_encodes"
WIDGET = """
    run cancel wait explanation to_html p budget text selection top_k
    method order removed graph_layout graph_kind graph_sign subset_size shown undo reset pin unpin code graph figure
    measure
"""
CANDIDATES = "logits probabilities contrast probability to_frame to_plotly"
CORPUS = """
    folder table failures where take refresh thumbnail picture settings model sources expected complete running add
"""
GALLERY = "corpus to_html keep sort descending search query ranges selected opened total complete"
ESTIMATORS = "fit_crossmodal"
BASELINES = "banzhaf_values shapley_values game_attention grad_eclip exclip random_explanation"
METRICS = "faithfulness insertion_deletion pointing_game"
DEMO = "compose scene scenes SCENES names"


def has(owner: Any, name: str) -> bool:
    """Whether ``owner`` offers ``name``, as attribute, annotated field or what ``__init__`` assigns."""
    fields = {field.name for field in dataclasses.fields(owner)} if dataclasses.is_dataclass(owner) else set()
    assigned = inspect.isclass(owner) and f"self.{name} = " in inspect.getsource(owner)
    return hasattr(owner, name) or name in fields or assigned


@pytest.mark.parametrize("name", PACKAGE.split())
def test_package_offers(name: str):
    assert name in fx.__all__
    assert getattr(fx, name) is not None


@pytest.mark.parametrize(
    ("owner", "names"),
    [
        (fx.Explanation, EXPLANATION),
        (fx.VisionLanguageGame, GAME),
        (fx.IncrementalExplainer, EXPLAINER),
        (Scores, "names"),
        (Candidates, CANDIDATES),
        (Classes, "add templates"),
        (Retrieval, "add caption"),
        (fx.FixlipWidget, WIDGET),
        (fx.Gallery, GALLERY),
        (fx.estimators, ESTIMATORS),
        (fx.Corpus, CORPUS),
        (fx.demo, DEMO),
        (fx.baselines, BASELINES),
        (fx.metrics, METRICS),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_public_things_offer(owner: Any, names: str):
    assert [name for name in names.split() if not has(owner, name)] == []


@pytest.mark.parametrize(
    ("function", "names"),
    [
        (fx.explain, "image text model p budget method order seed"),
        (fx.explain_corpus, "data out model pretrained p budget seed engine workers gpus_per_worker"),
        (fx.explain_classes, "image names model templates p budget masks"),
        (fx.explain_retrieval, "images text model p budget masks"),
        (fx.IncrementalExplainer.contrast, "b a p"),
        (fx.Explanation.top, "k kind sign"),
        (fx.load_model, "name pretrained"),
        (fx.FixlipWidget.__init__, "image text model"),
        (fx.IncrementalExplainer.__init__, "game seed"),
        (fx.IncrementalExplainer.extend, "p budget progress cancelled"),
        (fx.VisionLanguageGame.__init__, "model image text grid"),
        (
            fx.estimators.fit_crossmodal,
            "image_masks text_masks image_embeddings text_embeddings image_weights text_weights scale bias order",
        ),
        (fx.demo.compose, "names background seed"),
        (fx.baselines.exclip, "game steps chunk"),
        (fx.metrics.faithfulness, "game explanation p n_masks seed"),
        (fx.metrics.pointing_game, "explanation regions"),
    ],
    ids=lambda value: getattr(value, "__qualname__", ""),
)
def test_functions_take(function: Callable[..., Any], names: str):
    assert [name for name in names.split() if name not in inspect.signature(function).parameters] == []


def test_everything_that_is_offered_can_be_had():
    assert all(hasattr(fx, name) for name in fx.__all__)
    assert set(dir(fx)) >= set(fx.__all__)


def test_a_name_that_is_not_offered_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = fx.no_such_name
