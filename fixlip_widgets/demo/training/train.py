"""Train the demo model: `python -m fixlip_widgets.demo.training.train` downloads pictures, trains and packages it.

The objective is CLIP's symmetric contrastive loss. Three additions make training on two CPU cores feasible. Each
caption has a similar but false caption ("above" for "below", another count, another background) as an extra negative.
Captions that happen to be true of another scene in the batch are not used as its negatives. Linear heads, discarded
after training, predict the content of each patch and cell and the objects at the left, right, above and below. A share
of the scenes loses random patches, and a share of the captions loses random tokens, as in an explanation, so that
similarities under masks are meaningful. Muon optimises the weights of hidden layers, because it learns in fewer steps
than AdamW.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from fixlip_widgets.demo.captions import ROLES
from fixlip_widgets.demo.drawing import CELLS
from fixlip_widgets.demo.training import fetch
from fixlip_widgets.demo.training.bank import NO_ROLE, Batch, TileBank
from fixlip_widgets.demo.training.model import (
    SIZES,
    build,
    embed_images,
    embed_texts,
    export,
    normalise,
    vision_states,
)
from fixlip_widgets.demo.training.muon import Muon
from fixlip_widgets.support.files import replacing
from fixlip_widgets.support.open_clip import open_clip

_COMMAND = "python -m fixlip_widgets.demo.training.train"
PACKAGED = Path(__file__).parents[1] / "model"
_MAX_SCALE = math.log(50.0)


@dataclass(frozen=True)
class Settings:
    """Settings of a training run.

    `removal` is the share of scenes, and of captions, that lose random parts at the end. It grows from 0 in proportion
    to the steps, because relations are learned from complete pairs.
    """

    size: str = "demo"
    seed: int = 0
    batch: int = 64
    steps: int = 5000
    rate: float = 1.2e-3
    warmup: int = 200
    variants: int = 20
    removal: float = 0.6


class Trainer:
    """A training run: model, averaged weights, optimisers and progress."""

    def __init__(self, settings: Settings, sets: dict[str, dict[str, Image.Image]]) -> None:
        torch.manual_seed(settings.seed)
        self.settings = settings
        config = SIZES[settings.size]
        tile = int(config["vision_cfg"]["image_size"]) // CELLS
        self.bank = TileBank(sets, tile, settings.variants, settings.seed)
        kinds = len(self.bank.names) + 1
        self.model: open_clip.CLIP = build(settings.size)
        width = int(config["vision_cfg"]["width"])
        self.heads = nn.ModuleDict(
            {
                "patches": nn.Linear(width, kinds),
                "cells": nn.Linear(width, CELLS**2 * kinds),
                "roles": nn.Linear(int(config["embed_dim"]), len(ROLES) * (kinds - 1)),
            }
        )
        self.average = {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}
        hidden = [p for name, p in self.model.named_parameters() if "resblocks" in name and p.dim() == 2]
        hidden_ids = {id(p) for p in hidden}
        others = [p for p in [*self.model.parameters(), *self.heads.parameters()] if id(p) not in hidden_ids]
        adam = torch.optim.AdamW(
            [
                {"params": [p for p in others if p.dim() >= 2], "weight_decay": 0.05},
                {"params": [p for p in others if p.dim() < 2], "weight_decay": 0.0},
            ],
            lr=settings.rate,
            betas=(0.9, 0.98),
        )
        self.optimisers: tuple[torch.optim.Optimizer, ...] = (Muon(hidden, settings.rate), adam)
        self.step = 0
        self.elapsed = 0.0

    @property
    def progress(self) -> float:
        """Completed share of the run, 0 to 1."""
        return min(1.0, self.step / self.settings.steps)

    def advance(self) -> dict[str, float]:
        """Take one step and return the parts of the loss."""
        started = time.perf_counter()
        settings, progress = self.settings, self.progress
        batch = self.bank.batch(settings.batch, settings.seed, self.step, settings.removal * progress)
        parts = self._losses(batch)
        support = max(0.1, 1.0 - progress)
        loss = parts["contrast"] + support * (parts["patches"] + 0.5 * parts["cells"] + 0.5 * parts["roles"])
        for optimiser in self.optimisers:
            optimiser.zero_grad(set_to_none=True)
        loss.backward()  # pyright: ignore[reportUnknownMemberType]
        nn.utils.clip_grad_norm_([*self.model.parameters(), *self.heads.parameters()], 1.0)
        warm = min(1.0, (self.step + 1) / settings.warmup)
        rate = settings.rate * warm * (0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * progress)))
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = rate
            optimiser.step()
        with torch.no_grad():
            self.model.logit_scale.clamp_(0.0, _MAX_SCALE)
            decay = min(0.998, (1 + self.step) / (10 + self.step))
            for name, tensor in self.model.state_dict().items():
                self.average[name].lerp_(tensor, 1.0 - decay)
        self.step += 1
        self.elapsed += time.perf_counter() - started
        return {name: float(part.detach()) for name, part in parts.items()} | {"rate": rate}

    def _losses(self, batch: Batch) -> dict[str, Tensor]:
        n = len(batch.pixels)
        states = vision_states(self.model, normalise(batch.pixels, batch.kept))
        images = embed_images(self.model, states)
        texts = embed_texts(self.model, batch.tokens, batch.kept_tokens)
        logits = self.model.logit_scale.exp() * images @ texts.T
        logits = logits.masked_fill(batch.false_negative, -1e4)
        own = torch.arange(n)
        contrast = (functional.cross_entropy(logits, own) + functional.cross_entropy(logits[:, :n].T, own)) / 2
        kinds = len(self.bank.names) + 1
        weight = torch.ones(kinds)
        weight[-1] = 0.2
        named = self.heads["patches"](states[:, 1:])[batch.kept]
        patches = functional.cross_entropy(named, batch.patches[batch.kept], weight=weight)
        located = self.heads["cells"](states[:, 0]).view(-1, kinds)
        cells = functional.cross_entropy(located, batch.cells.flatten(), weight=weight)
        # Both encoders share one head, so that "dog at the left" is the same direction in both.
        related = torch.zeros(())
        for embedded, roles in ((images, batch.image_roles), (texts, batch.text_roles)):
            answers = self.heads["roles"](16.0 * embedded).view(-1, kinds - 1)
            wrong = functional.cross_entropy(answers, roles.flatten(), reduction="sum")
            related = related + wrong / (roles != NO_ROLE).sum().clamp_min(1) / 2
        return {"contrast": contrast, "patches": patches, "cells": cells, "roles": related}

    def save(self, path: Path) -> None:
        """Write the complete state of the run, atomically."""
        content = {
            "settings": json.dumps(asdict(self.settings)),
            "model": self.model.state_dict(),
            "heads": self.heads.state_dict(),
            "average": self.average,
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "step": self.step,
            "elapsed": self.elapsed,
        }
        with replacing(path) as stream:
            torch.save(content, stream)

    def restore(self, path: Path) -> None:
        """Resume from a file that `save` wrote with the same settings."""
        content: dict[str, Any] = torch.load(path, weights_only=True)
        before, now = json.loads(content["settings"]), asdict(self.settings)
        changed = [name for name in now if before.get(name) != now[name]]
        if changed:
            raise SystemExit(f"{path} was trained with another {', '.join(changed)}; choose another --run folder.")
        self.model.load_state_dict(content["model"])
        self.heads.load_state_dict(content["heads"])
        for optimiser, state in zip(self.optimisers, content["optimisers"], strict=True):
            optimiser.load_state_dict(state)
        self.average = content["average"]
        self.step, self.elapsed = content["step"], content["elapsed"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m fixlip_widgets.demo.training.train", description=__doc__)
    defaults = Settings()
    for name, default in asdict(defaults).items():
        choices = list(SIZES) if name == "size" else None
        parser.add_argument(f"--{name}", type=type(default), default=default, choices=choices)
    parser.add_argument("--data", type=Path, default=fetch.default_cache(), help="folder for the downloaded pictures")
    parser.add_argument("--run", type=Path, default=Path("demo-run"), help="folder for the checkpoint; resumes from it")
    parser.add_argument("--out", type=Path, default=PACKAGED, help="output folder of the model")
    parser.add_argument("--save-every", type=float, default=3.0, help="minutes between checkpoints")
    options = parser.parse_args(arguments)
    settings = Settings(**{name: getattr(options, name) for name in asdict(defaults)})
    trainer = Trainer(settings, fetch.pictures(fetch.TRAINED, options.data))
    train(trainer, options.run, options.out, options.save_every)


def train(trainer: Trainer, run: Path, out: Path, save_every: float = 3.0) -> None:
    """Train to the end, resuming from and saving to `run/checkpoint.pt`, then export to `out`."""
    run.mkdir(parents=True, exist_ok=True)
    checkpoint = run / "checkpoint.pt"
    if checkpoint.exists():
        trainer.restore(checkpoint)
        print(f"resumed at step {trainer.step}")
    saved = time.monotonic()
    while trainer.progress < 1.0:
        parts = trainer.advance()
        if trainer.step % 50 == 0 or trainer.step == 1:
            words = " ".join(f"{name} {value:.4f}" for name, value in parts.items())
            scale = float(trainer.model.logit_scale.detach().exp())
            print(f"step {trainer.step} minutes {trainer.elapsed / 60:.1f} {words} scale {scale:.1f}")
        if time.monotonic() - saved > 60.0 * save_every:
            trainer.save(checkpoint)
            saved = time.monotonic()
    trainer.save(checkpoint)
    export(trainer.average, trainer.settings.size, out)
    _record(trainer, out)
    print(f"exported to {out} after {trainer.step} steps and {trainer.elapsed / 60:.1f} minutes")


def _record(trainer: Trainer, out: Path) -> None:
    """Write `training.json`, the record of the run for the model card."""
    settings = trainer.settings
    content = {
        "command": f"{_COMMAND} --size {settings.size} --seed {settings.seed} --steps {settings.steps}",
        "machine": f"{os.cpu_count()} CPU cores",
        "steps": trainer.step,
        "minutes": round(trainer.elapsed / 60.0, 1),
        "scenes": trainer.step * settings.batch,
        "seed": settings.seed,
        "sets": list(fetch.TRAINED),
        "optimiser": "Muon for the weight matrices of hidden layers, and AdamW",
        "removal": settings.removal,
        "history": "",
    }
    (out / "training.json").write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
