"""Evaluate the demo model: `python -m fixlip_widgets.demo.training.evaluate` writes a table, JSON and the model card.

All scenes are new: their objects, places, sizes, angles and colours come from a random stream that training does not
use. `compose` draws them at 224 pixels, like a user's scenes. The pictures of all sets but one were used in training
(Noto's are the packaged ones); those of the last set are held out and reported separately.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

from fixlip_widgets.demo.captions import DIRECTED
from fixlip_widgets.demo.composer import Scene, compose
from fixlip_widgets.demo.concepts import BACKGROUNDS, CONCEPTS, article
from fixlip_widgets.demo.drawing import GRID
from fixlip_widgets.demo.pictures import packaged_pictures
from fixlip_widgets.demo.training import fetch
from fixlip_widgets.demo.training.model import normalise, tokenize
from fixlip_widgets.support.open_clip import open_clip

_STREAM = 7919
"""Random stream of the evaluation; training uses streams 0 and 1, and `compose` uses stream 2."""

Pictures = dict[str, Image.Image]
Figures = dict[str, float]
"""Results for one picture set: figure name, such as "naming", -> share between 0 and 1."""


class Encoder:
    """Encoders of a model in open_clip's format."""

    def __init__(self, folder: Path) -> None:
        config = json.loads((folder / "open_clip_config.json").read_text())
        self.model = open_clip.CLIP(**config).eval()
        self.model.load_state_dict(load_file(folder / "open_clip.safetensors"))
        self.side = int(config["vision_cfg"]["image_size"])

    @torch.no_grad()
    def images(self, scenes: Sequence[Scene], kept: NDArray[np.bool_] | None = None) -> Tensor:
        """Return (n, d) unit embeddings of scenes, without the patches that are False in `kept` (n, 64)."""
        small = [scene.image.resize((self.side, self.side), Image.Resampling.BICUBIC) for scene in scenes]
        pixels = torch.from_numpy(np.stack([np.asarray(image) for image in small]))
        seen = normalise(pixels, None if kept is None else torch.from_numpy(kept))
        return torch.cat([self.model.encode_image(part, normalize=True) for part in seen.split(64)])

    @torch.no_grad()
    def texts(self, captions: Sequence[str]) -> Tensor:
        """Return (n, d) unit embeddings of captions."""
        parts = tokenize(list(captions)).split(256)
        return torch.cat([self.model.encode_text(part, normalize=True) for part in parts])


class Examiner:
    """Evaluation of a model on random scenes of one picture set."""

    def __init__(self, encoder: Encoder, pictures: Pictures, seed: int) -> None:
        self.encoder = encoder
        self.pictures = pictures
        self.rng = np.random.default_rng([seed, _STREAM])

    def _scene(self, names: Sequence[str], background: str | None = None, relation: str | None = None) -> Scene:
        background = background or list(BACKGROUNDS)[int(self.rng.integers(len(BACKGROUNDS)))]
        seed = int(self.rng.integers(2**31))
        return compose(names, background, seed, relation, pictures=self.pictures)

    def _names(self, count: int) -> list[str]:
        return [str(name) for name in self.rng.choice(list(CONCEPTS), count, replace=False)]

    def naming(self, rounds: int) -> float:
        """Return the share of single objects for which the correct "a NAME" is the most similar caption.

        `rounds` is the number of scenes per concept.
        """
        right = _best(
            self.encoder.images([self._scene([name]) for name in CONCEPTS for _ in range(rounds)]),
            self.encoder.texts([f"{article(name)} {name}" for name in CONCEPTS]),
        )
        return _share(right == np.repeat(np.arange(len(CONCEPTS)), rounds))

    def retrieval(self, objects: int, rounds: int, among: int = 256) -> float:
        """Return the share of scenes whose own caption is the most similar of `among` captions."""
        hits: list[NDArray[np.bool_]] = []
        for _ in range(rounds):
            chosen: dict[frozenset[str], list[str]] = {}
            while len(chosen) < among:
                names = self._names(objects)
                chosen[frozenset(names)] = names
            scenes = [self._scene(names) for names in chosen.values()]
            best = _best(self.encoder.images(scenes), self.encoder.texts([scene.caption for scene in scenes]))
            hits.append(best == np.arange(among))
        return _share(np.concatenate(hits))

    def swap(self, cases: int) -> float:
        """Return the share of cases in which reversing the relation ("above" to "below") lowers the similarity."""
        words = [list(DIRECTED)[case % len(DIRECTED)] for case in range(cases)]
        scenes = [self._scene(self._names(2), relation=word) for word in words]
        captions = [scene.caption for scene in scenes]
        turned = [caption.replace(word, DIRECTED[word]) for caption, word in zip(captions, words, strict=True)]
        images = self.encoder.images(scenes)
        true, false = ((images * self.encoder.texts(texts)).sum(dim=1) for texts in (captions, turned))
        return _share((true > false).numpy())

    def background(self, cases: int) -> float:
        """Return the share of two-object scenes for which the caption with the correct background is most similar."""
        colours = list(BACKGROUNDS)
        scenes = [self._scene(self._names(2), background=colours[case % len(colours)]) for case in range(cases)]
        options = [f"{scene.caption} on a {colour} background" for scene in scenes for colour in colours]
        right = self._choose(scenes, options, len(colours))
        return _share(right == np.arange(cases) % len(colours))

    def count(self, cases: int) -> float:
        """Return the share of scenes of one to four equal objects whose correct count is the most similar caption."""
        scenes: list[Scene] = []
        options: list[str] = []
        for case in range(cases):
            name = self._names(1)[0]
            scenes.append(self._scene([name] * (1 + case % 4)))
            options += [compose([name] * number, pictures=self.pictures).caption for number in (1, 2, 3, 4)]
        return _share(self._choose(scenes, options, 4) == np.arange(cases) % 4)

    def _choose(self, scenes: Sequence[Scene], options: Sequence[str], each: int) -> NDArray[np.int64]:
        images = self.encoder.images(scenes)
        texts = self.encoder.texts(options).view(len(scenes), each, -1)
        return (texts @ images[:, :, None])[..., 0].argmax(dim=1).numpy()

    def binding(self, cases: int) -> float:
        """Return the share of nouns for which removing the noun's own object lowers the similarity to "a NOUN" most.

        The scenes have two to four objects; all patches of an object are removed.
        """
        right: list[bool] = []
        for case in range(cases):
            scene = self._scene(self._names(2 + case % 3))
            kept = np.stack([~scene.regions[name].reshape(GRID**2) for name in scene.names])
            images = self.encoder.images([scene] * len(scene.names), kept)
            texts = self.encoder.texts([f"{article(name)} {name}" for name in scene.names])
            lowest = (texts @ images.T).argmin(dim=1)
            right += (lowest == torch.arange(len(scene.names))).tolist()
        return _share(np.asarray(right))

    def figures(self, rounds: int) -> Figures:
        """Return all figures; `rounds` multiplies the number of scenes."""
        return {
            "naming": self.naming(2 * rounds),
            "retrieval_two": self.retrieval(2, rounds),
            "retrieval_four": self.retrieval(4, rounds),
            "swap": self.swap(256 * rounds),
            "background": self.background(140 * rounds),
            "count": self.count(128 * rounds),
            "binding": self.binding(48 * rounds),
        }


def _best(images: Tensor, texts: Tensor) -> NDArray[np.int64]:
    return (images @ texts.T).argmax(dim=1).numpy()


def _share(right: NDArray[np.bool_]) -> float:
    return round(float(np.mean(right)), 4)


def evaluate(folder: Path, sets: dict[str, Pictures], seed: int = 0, rounds: int = 1) -> dict[str, Figures]:
    """Return the figures of the model in `folder` for each picture set."""
    encoder = Encoder(folder)
    return {name: Examiner(encoder, pictures, seed).figures(rounds) for name, pictures in sets.items()}


def table(figures: dict[str, Figures]) -> str:
    """Format the figures with one row per figure and one column per picture set."""
    rows = [f"{'':16}" + "".join(f"{name:>12}" for name in figures)]
    keys = next(iter(figures.values()))
    rows += [f"{key:16}" + "".join(f"{100 * one[key]:11.1f}%" for one in figures.values()) for key in keys]
    return "\n".join(rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    from fixlip_widgets.demo.training.card import write_card
    from fixlip_widgets.demo.training.train import PACKAGED

    parser = argparse.ArgumentParser(prog="python -m fixlip_widgets.demo.training.evaluate", description=__doc__)
    parser.add_argument("--model", type=Path, default=PACKAGED, help="folder with the model's config and weights")
    parser.add_argument("--data", type=Path, default=fetch.default_cache(), help="folder for the downloaded pictures")
    parser.add_argument("--packaged", action="store_true", help="use only the packaged pictures; needs no network")
    parser.add_argument("--rounds", type=int, default=1, help="factor of the number of scenes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="JSON file (default: evaluation.json and card beside the model)")
    options = parser.parse_args(arguments)
    sets: dict[str, Pictures] = {"packaged": packaged_pictures()}
    if not options.packaged:
        others = {name: one for name, one in fetch.TRAINED.items() if name != "noto"}
        sets |= fetch.pictures({**others, **fetch.HELD_OUT}, options.data)
    figures = evaluate(options.model, sets, options.seed, options.rounds)
    print(table(figures))
    content: dict[str, Any] = {
        "seed": options.seed,
        "rounds": options.rounds,
        "held_out": [name for name in figures if name in fetch.HELD_OUT],
        "figures": figures,
    }
    out = options.out or options.model / "evaluation.json"
    out.write_text(json.dumps(content, indent=1) + "\n")
    if options.out is None and not options.packaged:
        write_card(options.model)


if __name__ == "__main__":
    main()
