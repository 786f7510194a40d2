"""Model card, written from the training record and the evaluation results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fixlip_widgets.demo.concepts import BACKGROUNDS, CONCEPTS
from fixlip_widgets.demo.training import fetch

_ROWS = {
    "naming": f'names a single object, best of {len(CONCEPTS)} captions "a NAME"',
    "retrieval_two": "retrieves the caption of two objects among 256",
    "retrieval_four": "retrieves the caption of four objects among 256",
    "swap": 'gives a reversed relation ("below" for "above") a lower similarity',
    "background": f"names the background of two objects, best of {len(BACKGROUNDS)}",
    "count": "counts one to four equal objects",
    "binding": "loses the most similarity to a noun if its own object is removed, among 2-4 objects",
}


def write_card(folder: Path) -> Path:
    """Write `MODEL_CARD.md` into the model's folder.

    Args:
        folder: contains `training.json` and `evaluation.json`, written by training and evaluation.
    """
    training: dict[str, Any] = json.loads((folder / "training.json").read_text())
    evaluation: dict[str, Any] = json.loads((folder / "evaluation.json").read_text())
    path = folder / "MODEL_CARD.md"
    parts = [_about(), _data(training, evaluation), _training(training), _figures(evaluation), _limits()]
    path.write_text("\n\n".join(parts))
    return path


def _about() -> str:
    return (
        "# The demo model\n\n"
        "A small CLIP, trained for this package so that explanations can be tried, taught and tested without a "
        "network. It covers only scenes of one to four emoji on a coloured background and captions such as "
        '"a dog left of a banana on a green background".\n\n'
        "Format: open_clip (`open_clip_config.json`, `open_clip.safetensors` in float16). Image: 128 x 128 pixels, "
        "8 x 8 patches. Text: open_clip's own tokenizer, at most 30 tokens between start and end; words "
        "outside the training captions have a zero embedding."
    )


def _data(training: dict[str, Any], evaluation: dict[str, Any]) -> str:
    lines = [
        f"## Data\n\n{len(CONCEPTS)} concepts, {len(BACKGROUNDS)} backgrounds; scenes are composed, and captions are "
        "generated and true by construction. The pictures come from npm:\n",
        "| pictures | package | licence | used for |",
        "|---|---|---|---|",
    ]
    for name in (*training["sets"], *evaluation["held_out"]):
        one = {**fetch.TRAINED, **fetch.HELD_OUT}[name]
        use = "evaluation only" if name in evaluation["held_out"] else "training and evaluation"
        lines.append(f"| {one.artist} | `{one.package}` | {one.licence} | {use} |")
    lines.append("\nNames and code points: `emoji-datasource` (MIT).")
    return "\n".join(lines)


def _training(training: dict[str, Any]) -> str:
    removed = ""
    if training["removal"]:
        removed = (
            f" Up to {100 * training['removal']:.0f} % of the scenes and of the captions lose random parts, as in an "
            "explanation: patches are set to zero after normalisation, and attention does not see tokens. The share "
            "grows in proportion to the steps. Scenes and captions that lost parts keep all others as negatives, so "
            "that the less is left of them, the closer to neutral their similarities become."
        )
    history = f" {training['history']}" if training["history"] else ""
    return (
        f"## Training\n\n`{training['command']}`\n\n"
        f"{training['steps']:,} steps, {training['scenes']:,} scenes, {training['minutes']:.0f} minutes on "
        f"{training['machine']}, seed {training['seed']}. Optimiser: {training['optimiser']}.{history}\n\n"
        "The loss is CLIP's symmetric contrastive loss with three additions. Each caption has a similar but false "
        "caption as an extra negative (the opposite relation, another count, background or object). Captions that are "
        "true of another scene in the batch are not used as its negatives. Linear heads, used only during training "
        "and with decreasing weight, predict the concept in each patch and cell and, from either embedding, the "
        f"objects at the left, right, above and below.{removed} The packaged weights are an exponential average over "
        "training."
    )


def _figures(evaluation: dict[str, Any]) -> str:
    figures: dict[str, dict[str, float]] = evaluation["figures"]
    held_out: list[str] = evaluation["held_out"]
    heads = [f"{name} (held out)" if name in held_out else name for name in figures]
    heads[0] = "noto (packaged)"
    lines = [
        "## Figures\n\nShare of cases, on new scenes; the pictures of a held-out set were not used in training. "
        "Measured by `python -m fixlip_widgets.demo.training.evaluate`"
        f" (seed {evaluation['seed']}, rounds {evaluation['rounds']}).\n",
        "| the model … | " + " | ".join(heads) + " |",
        "|---|" + "---:|" * len(heads),
    ]
    for key, words in _ROWS.items():
        lines.append(f"| {words} | " + " | ".join(f"{100 * figures[name][key]:.1f} %" for name in figures) + " |")
    return "\n".join(lines)


def _limits() -> str:
    return (
        "## Limits\n\nPhotographs, other objects, other wordings and more than four objects are outside the "
        "training data, and similarities there are meaningless. The model serves to demonstrate explanations, not for "
        "other use.\n"
    )
