"""Records of measured pairs: one small file per pair, written atomically so that a killed run can be resumed."""

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
"""Version of the record format."""


@dataclass(frozen=True)
class Settings:
    """Settings that determine a record; records made under different settings are never mixed.

    Attributes:
        data: The set, as named on the command line.
        model: Name and pretrained tag.
        weights: Hash of the weights.
        seed: Seed of scenes, masks and random explanations.
        budget: Game evaluations of methods that combine image masks and text masks.
        joint_budget: Game evaluations of methods that use joint masks.
        probabilities: Values of p for FIxLIP and p-faithfulness.
        n_masks: Number of new masks for p-faithfulness at each p.
        steps: Number of points on exCLIP's path.
        precision: Data type of the model.
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


_DEFAULTS = {each.name: each.default for each in fields(Settings) if each.default is not MISSING}
"""Values of settings that are missing from files of earlier versions."""


class Records:
    """The records of one run in a folder.

    Args:
        folder: Created if missing.
        settings: Settings of this run.

    Raises:
        InputError: The folder contains records made under other settings; the message lists the differences.
        PoolError: A record, or the settings, cannot be read.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._folder = folder / "records"
        self._folder.mkdir(parents=True, exist_ok=True)
        path = folder / "settings.json"
        now = json.loads(json.dumps({"format": FORMAT, **asdict(settings)}))
        if path.exists():
            before = _DEFAULTS | _read(path)
            changed = [name for name in now if before.get(name) != now[name]]
            if changed:
                changes = ", ".join(f"{name} was {before.get(name)!r} and is {now[name]!r}" for name in changed)
                raise InputError(
                    f"{folder} contains records made under other settings ({changes}); use another folder."
                )
        else:
            _write(path, now)

    def of(self, name: str) -> dict[str, Any]:
        """Return the record of the pair ``name``, or ``{}`` if there is none."""
        path = self._path(name)
        return _read(path) if path.exists() else {}

    def save(self, name: str, record: dict[str, Any]) -> None:
        """Save the record of the pair ``name``, replacing an existing one."""
        _write(self._path(name), {**record, "name": name})

    def all(self, names: Iterable[str]) -> list[dict[str, Any]]:
        """Return the existing records of the pairs ``names``, in order."""
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
        raise PoolError(f"The record {path} has an unknown format. Delete it to measure that pair again.")
    return content  # pyright: ignore[reportUnknownVariableType]


def _without_nan(value: Any) -> Any:
    """Replace NaN by None, because JSON has no NaN."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, (list, tuple)):
        return [_without_nan(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    return None if isinstance(value, float) and not math.isfinite(value) else value
