"""Explanations as ``.npz`` files: arrays, and the other fields as JSON. Nothing is unpickled."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypeVar

from fixlip_widgets.errors import PoolError
from fixlip_widgets.explanation.surrogate import Surrogate
from fixlip_widgets.explanation.triples import Triples
from fixlip_widgets.support.files import PathLike, read_npz, write_npz

Kind = TypeVar("Kind", bound=Surrogate)

FORMAT = 1
"""Version of the file format."""
_ARRAYS = ("main", "interactions", "main_se", "interactions_se", "image", "blank", "regions")
_TRIPLES = tuple(f"triples_{name}" for name in Triples.__dataclass_fields__)


def write(explanation: Surrogate, path: PathLike) -> None:
    """Write ``explanation`` to ``path``. An existing file is replaced atomically."""
    arrays = {name: getattr(explanation, name) for name in _ARRAYS if getattr(explanation, name) is not None}
    if explanation.triples is not None:
        arrays.update({name: getattr(explanation.triples, name.removeprefix("triples_")) for name in _TRIPLES})
    others = [item.name for item in fields(explanation) if item.name not in (*_ARRAYS, "triples")]
    rest = {name: getattr(explanation, name) for name in others}
    write_npz(path, arrays, {"format": FORMAT, "kind": "explanation", **rest})


def read(path: PathLike, kind: type[Kind]) -> Kind:
    """Read a file written by :func:`write` as an object of class ``kind``.

    Raises:
        PoolError: The file is missing, damaged or of another kind or version.
    """
    arrays, rest = read_npz(path)
    contents = rest.pop("kind", None)
    if contents == "pool":
        raise PoolError(f"{path} is a pool of encoded masks; load it with IncrementalExplainer.load.")
    if contents != "explanation" or rest.pop("format", None) != FORMAT:
        raise PoolError(f"{path} is not an explanation of format {FORMAT}; save it again with this version.")
    try:
        third = [arrays.pop(name) for name in _TRIPLES if name in arrays]
        values: dict[str, Any] = {**rest, **arrays, "triples": Triples(*third) if third else None}
        values.update(tokens=tuple(rest["tokens"]), grid=tuple(rest["grid"]))
        return kind(**values)
    except (KeyError, TypeError, ValueError) as error:
        raise PoolError(f"{path} is damaged: {error}") from error
