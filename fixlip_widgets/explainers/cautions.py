"""Warnings about explanations that should not be interpreted as they are."""

from __future__ import annotations

from torch import Tensor

from fixlip_widgets.encoders.models import Model
from fixlip_widgets.explanation.surrogate import Surrogate
from fixlip_widgets.support.formatting import joined, plain
from fixlip_widgets.support.notices import warn

_DEMO = ("demo", "packaged")
_LEAST_FLAT = 0.4
"""Share of equal neighbours below which an image is taken for a photograph; ``tests/explainers/test_cautions.py``
prints those of composed scenes and of a photograph."""
_TERMS = {"cross": "image–text", "text_text": "text–text", "image_image": "image–image"}


def warn_of_fit(explanation: Surrogate) -> None:
    """Warn of each of :func:`cautions_of_fit`."""
    for caution in cautions_of_fit(explanation):
        warn(caution)


def cautions_of_fit(explanation: Surrogate) -> list[str]:
    """Return a sentence if the fit is no better than a constant, and one if the budget leaves terms undetermined.

    Image–image interactions with too few masks are shrunk towards 0 by default, which is no reason for a warning.
    """
    advice = "Pass a larger budget, or fewer players: a coarser grid, regions= or words=True."
    cautions = list[str]()
    if explanation.r2 is not None and explanation.r2 <= 0:
        cautions.append(
            "Do not interpret these values: the surrogate predicts held-out masks no better than their mean "
            f"(held-out R² {plain(explanation.r2)}). {advice}"
        )
    if undetermined := _undetermined(explanation):
        cautions.append(
            f"The budget of {explanation.budget:,} evaluations has fewer masks than unknowns, so that the "
            f"{undetermined} are not determined by the model. {advice}"
        )
    return cautions


def _undetermined(explanation: Surrogate) -> str:
    """Return the name of the terms that the masks do not determine, or an empty string."""
    unknown = [block for block, known in explanation.identified.items() if not known]
    if not explanation.has_interactions:
        return "values" if unknown else ""
    if explanation.scope == "cross":
        unknown = [block for block in unknown if block == "cross"]
    if explanation.ridge > 0:
        unknown = [block for block in unknown if block != "image_image"]
    if len(unknown) == len(_TERMS):
        return "interactions"
    return f"{joined([_TERMS[block] for block in unknown])} interactions" if unknown else ""


def warn_of_photograph(model: Model, pixels: Tensor) -> None:
    """Warn if the packaged demo model is given a photograph: it has only seen drawn scenes.

    In photographs, hardly any horizontal neighbours of the (3, H, W) prepared ``pixels`` are equal, because of noise.
    """
    if (model.name, model.pretrained) != _DEMO:
        return
    if flatness(pixels) < _LEAST_FLAT:
        warn(
            "The packaged demo model knows only drawn emoji scenes, and this image is probably a photograph. Load a "
            "model for photographs: model=fx.load_model('ViT-B-32', pretrained='openai')."
        )


def flatness(pixels: Tensor) -> float:
    """Return the share of horizontal neighbours of (3, H, W) ``pixels`` that are equal."""
    return float((pixels[:, :, 1:] == pixels[:, :, :-1]).all(dim=0).float().mean())
