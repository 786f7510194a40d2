"""What has been measured: one small file a pair, written whole or not at all, so that a killed run goes on."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any

from fixlip_widgets.errors import InputError, PoolError
from fixlip_widgets.support.files import replacing

FORMAT = 1
"""Version of the records."""


@dataclass(frozen=True)
class Settings:
    """What decides a record: pairs measured under other settings are never mixed.

    Attributes:
        data: The set, as it was named.
        model: Name and pretrained tag.
        weights: Hash of the weights.
        seed: Of scenes, masks and random explanations.
        budget: Evaluations of methods on products of image masks and text masks.
        joint_budget: Evaluations of methods on joint masks.
        probabilities: p of FIxLIP and of p-faithfulness.
        n_masks: Fresh masks for p-faithfulness, at each p.
        steps: Points of exCLIP's path.
        precision: What the model computes in.
    """

    data: str
    model: str
    weights: str
    seed: int = 0
    budget: int = 2**15
    joint_budget: int = 2**14
    probabilities: tuple[float, ...] = (0.3, 0.5, 0.7)
    n_masks: int = 1000
    steps: int = 10
    precision: str = "float32"


_BY_DEFAULT = {each.name: each.default for each in fields(Settings) if each.default is not MISSING}
"""What settings mean that were written before there was a choice."""


class Records:
    """The records of one run in a folder.

    Args:
        folder: Made if it is not there.
        settings: Of this run.

    Raises:
        InputError: The folder holds records made under other settings; the message names them.
        PoolError: A record, or the settings, cannot be read.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._folder = folder / "records"
        self._folder.mkdir(parents=True, exist_ok=True)
        path = folder / "settings.json"
        now = json.loads(json.dumps({"format": FORMAT, **asdict(settings)}))
        if path.exists():
            before = _BY_DEFAULT | _read(path)
            changed = [name for name in now if before.get(name) != now[name]]
            if changed:
                told = ", ".join(f"{name} was {before.get(name)!r} and is {now[name]!r}" for name in changed)
                raise InputError(f"{folder} holds records made under other settings ({told}); write elsewhere.")
        else:
            _write(path, now)

    def of(self, name: str) -> dict[str, Any]:
        """What is recorded of the pair ``name``: ``{}``, or what :meth:`save` was given."""
        path = self._path(name)
        return _read(path) if path.exists() else {}

    def save(self, name: str, record: dict[str, Any]) -> None:
        """Record ``record`` of the pair ``name``, in place of what was there."""
        _write(self._path(name), {**record, "name": name})

    def all(self, names: Iterable[str]) -> list[dict[str, Any]]:
        """The records that are there of these pairs, in their order."""
        return [record for record in map(self.of, names) if record]

    def _path(self, name: str) -> Path:
        return self._folder / f"{hashlib.sha256(name.encode()).hexdigest()[:24]}.json"


def _write(path: Path, content: dict[str, Any]) -> None:
    with replacing(path) as stream:
        stream.write(json.dumps(_without_nan(content), allow_nan=False, ensure_ascii=False).encode())


def _read(path: Path) -> dict[str, Any]:
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise PoolError(f"The record {path} cannot be read: {error}. Delete it to measure that pair again.") from error
    if not isinstance(content, dict):
        raise PoolError(f"The record {path} is not one of this package's. Delete it to measure that pair again.")
    return content  # pyright: ignore[reportUnknownVariableType]


def _without_nan(value: Any) -> Any:
    """JSON has no NaN: what is not known is null."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, (list, tuple)):
        return [_without_nan(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    return None if isinstance(value, float) and not math.isfinite(value) else value
