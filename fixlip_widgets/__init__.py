"""Why does a vision–language encoder find this image and this caption similar?

FIxLIP (Baniecki et al., NeurIPS 2025) explains it with faithful second-order interactions of patches and tokens::

    import fixlip_widgets as fx

    scene = fx.demo.scene("dog_and_banana")
    fx.FixlipWidget(scene.image, scene.caption)

Names are loaded when first used, so that ``fixlip-widgets doctor`` also runs where a dependency is missing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fixlip_widgets._version import __version__

if TYPE_CHECKING:
    from fixlip_widgets import baselines, demo, estimators, masks, metrics
    from fixlip_widgets.api import explain
    from fixlip_widgets.errors import EncodingError, FixlipError, InputError, ModelError, PoolError
    from fixlip_widgets.explanation import Explanation
    from fixlip_widgets.export import report
    from fixlip_widgets.game import VisionLanguageGame
    from fixlip_widgets.incremental import IncrementalExplainer
    from fixlip_widgets.models import Model, load_model
    from fixlip_widgets.widget import FixlipWidget

__all__ = [
    "EncodingError",
    "Explanation",
    "FixlipError",
    "FixlipWidget",
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
    "load_model",
    "masks",
    "metrics",
    "report",
]

_HOME = {
    "EncodingError": "errors",
    "Explanation": "explanation",
    "FixlipError": "errors",
    "FixlipWidget": "widget",
    "IncrementalExplainer": "incremental",
    "InputError": "errors",
    "Model": "models",
    "ModelError": "errors",
    "PoolError": "errors",
    "VisionLanguageGame": "game",
    "explain": "api",
    "report": "export",
    "load_model": "models",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOME.get(name)
    module = import_module(f"{__name__}.{home or name}")
    value = getattr(module, name) if home else module
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
