"""Measure the demo model: `python -m fixlip_widgets.demo.training.evaluate` writes a table, JSON and the model card.

Every scene is new: its objects, places, sizes, angles and colours come from a generator that training never uses, and
it is drawn at 224 pixels by `compose`, as a user's scene is. The pictures of three sets were trained on (Noto's are
the packaged ones); the fourth set's pictures were never seen and are reported apart.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
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
"""Training draws from streams 0 and 1 of its seed, a composed scene from stream 2; evaluation has one of its own."""

Pictures = dict[str, Image.Image]


@dataclass(frozen=True)
class Figures:
    """What one picture set gives, all as shares between 0 and 1.

    Attributes:
        naming: scenes of one object whose highest caption among "a NAME" for all concepts is the right one.
        retrieval_two, retrieval_four: scenes of two (four) objects whose highest caption of 256 is their own.
        swap: scenes where turning the relation around ("above" to "below") lowers the similarity.
        background: scenes of two objects whose highest background among all in the caption is the right one.
        count: scenes of one to four equal objects whose highest count among the four is the right one.
        binding: nouns in scenes of two to four objects whose own object is the one whose removal (all its patches)
            lowers the similarity to "a NOUN" most.
    """

    naming: float
    retrieval_two: float
    retrieval_four: float
    swap: float
    background: float
    count: float
    binding: float


class Encoder:
    """A model in open_clip's format, as the evaluation needs it."""

    def __init__(self, folder: Path) -> None:
        config = json.loads((folder / "open_clip_config.json").read_text())
        self.model = open_clip.CLIP(**config).eval()
        self.model.load_state_dict(load_file(folder / "open_clip.safetensors"))
        self.side = int(config["vision_cfg"]["image_size"])

    @torch.no_grad()
    def images(self, scenes: Sequence[Scene], kept: NDArray[np.bool_] | None = None) -> Tensor:
        """(n, d) unit embeddings; `kept` (n, 64) bool removes patches."""
        small = [scene.image.resize((self.side, self.side), Image.Resampling.BICUBIC) for scene in scenes]
        pixels = torch.from_numpy(np.stack([np.asarray(image) for image in small]))
        seen = normalise(pixels, None if kept is None else torch.from_numpy(kept))
        return torch.cat([self.model.encode_image(part, normalize=True) for part in seen.split(64)])

    @torch.no_grad()
    def texts(self, captions: Sequence[str]) -> Tensor:
        """(n, d) unit embeddings."""
        parts = tokenize(list(captions)).split(256)
        return torch.cat([self.model.encode_text(part, normalize=True) for part in parts])


class Examiner:
    """Draws the scenes of one picture set and asks the model about them."""

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
        """Share of single objects named right, each concept `rounds` times."""
        right = _best(
            self.encoder.images([self._scene([name]) for name in CONCEPTS for _ in range(rounds)]),
            self.encoder.texts([f"{article(name)} {name}" for name in CONCEPTS]),
        )
        return _share(right == np.repeat(np.arange(len(CONCEPTS)), rounds))

    def retrieval(self, objects: int, rounds: int, among: int = 256) -> float:
        """Share of scenes whose own caption is the highest of `among` captions of distinct scenes."""
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
        """Share of cases where the opposite relation has a lower similarity."""
        words = [list(DIRECTED)[case % len(DIRECTED)] for case in range(cases)]
        scenes = [self._scene(self._names(2), relation=word) for word in words]
        captions = [scene.caption for scene in scenes]
        turned = [caption.replace(word, DIRECTED[word]) for caption, word in zip(captions, words, strict=True)]
        images = self.encoder.images(scenes)
        true, false = ((images * self.encoder.texts(texts)).sum(dim=1) for texts in (captions, turned))
        return _share((true > false).numpy())

    def background(self, cases: int) -> float:
        """Share of two-object scenes whose background is named right."""
        colours = list(BACKGROUNDS)
        scenes = [self._scene(self._names(2), background=colours[case % len(colours)]) for case in range(cases)]
        options = [f"{scene.caption} on a {colour} background" for scene in scenes for colour in colours]
        right = self._choose(scenes, options, len(colours))
        return _share(right == np.arange(cases) % len(colours))

    def count(self, cases: int) -> float:
        """Share of scenes of one to four equal objects that are counted right."""
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
        """Share of nouns that lose most similarity when their own object's patches are removed."""
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
        """All figures; `rounds` multiplies the number of scenes."""
        return Figures(
            naming=self.naming(2 * rounds),
            retrieval_two=self.retrieval(2, rounds),
            retrieval_four=self.retrieval(4, rounds),
            swap=self.swap(256 * rounds),
            background=self.background(140 * rounds),
            count=self.count(128 * rounds),
            binding=self.binding(48 * rounds),
        )


def _best(images: Tensor, texts: Tensor) -> NDArray[np.int64]:
    return (images @ texts.T).argmax(dim=1).numpy()


def _share(right: NDArray[np.bool_]) -> float:
    return round(float(np.mean(right)), 4)


def evaluate(folder: Path, sets: dict[str, Pictures], seed: int = 0, rounds: int = 1) -> dict[str, Figures]:
    """Figures of the model in `folder` for each picture set."""
    encoder = Encoder(folder)
    return {name: Examiner(encoder, pictures, seed).figures(rounds) for name, pictures in sets.items()}


def table(figures: dict[str, Figures]) -> str:
    """The figures as text, one row per figure and one column per picture set."""
    rows = [f"{'':16}" + "".join(f"{name:>12}" for name in figures)]
    rows += [
        f"{key:16}" + "".join(f"{100 * getattr(one, key):11.1f}%" for one in figures.values())
        for key in Figures.__dataclass_fields__
    ]
    return "\n".join(rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    from fixlip_widgets.demo.training.card import write_card
    from fixlip_widgets.demo.training.train import PACKAGED

    parser = argparse.ArgumentParser(prog="python -m fixlip_widgets.demo.training.evaluate", description=__doc__)
    parser.add_argument("--model", type=Path, default=PACKAGED, help="folder with the model's config and weights")
    parser.add_argument("--data", type=Path, default=fetch.default_cache(), help="folder for the downloaded pictures")
    parser.add_argument("--packaged", action="store_true", help="the packaged pictures only; needs no network")
    parser.add_argument("--rounds", type=int, default=1, help="multiplies the number of scenes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="JSON file (default: evaluation.json beside the model, with its card)")
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
        "figures": {name: asdict(one) for name, one in figures.items()},
    }
    out = options.out or options.model / "evaluation.json"
    out.write_text(json.dumps(content, indent=1) + "\n")
    if options.out is None and not options.packaged:
        write_card(options.model)


if __name__ == "__main__":
    main()
