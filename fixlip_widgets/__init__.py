"""Why does a vision–language encoder find this image and this caption similar?

FIxLIP (Baniecki et al., NeurIPS 2025) explains it by faithful second-order interactions of patches and tokens::

    import fixlip_widgets as fx

    scene = fx.demo.scene("dog_and_banana")
    fx.FixlipWidget(scene.image, scene.caption)

Names are imported on first use, so that ``fixlip-widgets doctor`` runs even if a dependency is missing.
"""

from __future__ import annotations

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

from fixlip_widgets._version import __version__

logging.getLogger(__name__).addHandler(logging.NullHandler())

if TYPE_CHECKING:
    from fixlip_widgets import demo, estimators
    from fixlip_widgets.corpus.corpus import Corpus
    from fixlip_widgets.corpus.explain import explain_corpus
    from fixlip_widgets.encoders.models import Model, load_model
    from fixlip_widgets.errors import (
        CancelledError,
        EncodingError,
        FixlipError,
        FixlipWarning,
        InputError,
        ModelError,
        PoolError,
    )
    from fixlip_widgets.estimators import masks
    from fixlip_widgets.explainers import baselines, metrics
    from fixlip_widgets.explainers.classes import explain_classes
    from fixlip_widgets.explainers.explain import explain
    from fixlip_widgets.explainers.fixlip import IncrementalExplainer
    from fixlip_widgets.explainers.game import VisionLanguageGame
    from fixlip_widgets.explainers.retrieval import explain_retrieval
    from fixlip_widgets.explanation.explanation import Explanation
    from fixlip_widgets.gallery import Gallery
    from fixlip_widgets.pages import report
    from fixlip_widgets.widget import FixlipWidget

__all__ = [
    "CancelledError",
    "Corpus",
    "EncodingError",
    "Explanation",
    "FixlipError",
    "FixlipWarning",
    "FixlipWidget",
    "Gallery",
    "IncrementalExplainer",
    "InputError",
    "Model",
    "ModelError",
    "PoolError",
    "VisionLanguageGame",
    "__version__",
    "baselines",
    "demo",
    "estimators",
    "explain",
    "explain_classes",
    "explain_corpus",
    "explain_retrieval",
    "load_model",
    "masks",
    "metrics",
    "report",
]

_MODULES = {
    "Corpus": "corpus.corpus",
    "CancelledError": "errors",
    "EncodingError": "errors",
    "Explanation": "explanation.explanation",
    "FixlipError": "errors",
    "FixlipWarning": "errors",
    "FixlipWidget": "widget",
    "Gallery": "gallery",
    "IncrementalExplainer": "explainers.fixlip",
    "InputError": "errors",
    "Model": "encoders.models",
    "ModelError": "errors",
    "PoolError": "errors",
    "VisionLanguageGame": "explainers.game",
    "explain": "explainers.explain",
    "explain_classes": "explainers.classes",
    "explain_corpus": "corpus.explain",
    "explain_retrieval": "explainers.retrieval",
    "load_model": "encoders.models",
    "report": "pages",
}
"""Module that defines each public object."""
_PACKAGES = {
    "baselines": "explainers.baselines",
    "demo": "demo",
    "estimators": "estimators",
    "masks": "estimators.masks",
    "metrics": "explainers.metrics",
}
"""Path of each public module."""


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        value = import_module(f"{__name__}.{_PACKAGES[name]}")
    elif name in _MODULES:
        value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
