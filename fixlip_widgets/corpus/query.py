"""Queries of a corpus: a subset of Python expressions on the columns of its table, which are parsed and never executed.

The gallery of a saved page has the same grammar (docs/howto/corpus.md)::

    similarity > 25 and r2 < 0.8
    failed or not "dog" in caption
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from fixlip_widgets.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]

_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def matches(table: pd.DataFrame, query: str) -> Bools:
    """Return which rows (n,) of ``table`` fulfil ``query``; all for an empty one. Missing values fulfil no comparison.

    Raises:
        InputError: The query is not of the grammar, or names a column that does not exist.
    """
    if not query.strip():
        return np.ones(len(table), dtype=bool)
    try:
        tree = ast.parse(query.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(f"The query {query!r} cannot be read ({error}). {_help(table)}") from error
    return _Query(table, query).condition(tree.body)


def _help(table: pd.DataFrame) -> str:
    return (
        'Write comparisons such as similarity > 25 and r2 < 0.8, "dog" in caption, or failed, joined by and, or, not '
        f"and parentheses. The columns are {', '.join(map(str, table.columns))}."
    )


class _Query:
    """Evaluates the parts of a query on a table."""

    def __init__(self, table: pd.DataFrame, text: str) -> None:
        self._table, self._text = table, text

    def condition(self, node: ast.expr) -> Bools:
        match node:
            case ast.BoolOp():
                parts = [self.condition(each) for each in node.values]
                joined = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
                return joined.reduce(parts)
            case ast.UnaryOp(op=ast.Not()):
                return ~self.condition(node.operand)
            case ast.Compare():
                operands = [node.left, *node.comparators]
                pairs = zip(node.ops, operands, operands[1:], strict=False)
                return np.logical_and.reduce([self._compared(*each) for each in pairs])
            case ast.Name():
                values = self._column(node.id)
                if values.dtype == bool:
                    return values.to_numpy()
                raise self._error(f"{node.id} is no condition by itself; compare it with a value.")
            case _:
                raise self._error("It has a part that is no comparison.")

    def _compared(self, how: ast.cmpop, left: ast.expr, right: ast.expr) -> Bools:
        if isinstance(how, (ast.In, ast.NotIn)):
            found = self._contained(left, right)
            return found if isinstance(how, ast.In) else ~found
        if type(how) not in _COMPARISONS:
            raise self._error("It has a comparison other than <, <=, >, >=, ==, !=, in and not in.")
        a, b = self._operand(left), self._operand(right)
        if _is_text(a) != _is_text(b):
            raise self._error("It compares text with numbers.")
        known = _known(a) & _known(b)
        values = np.broadcast_to(np.asarray(_COMPARISONS[type(how)](a, b), dtype=bool), (len(self._table),))
        return values & known

    def _contained(self, part: ast.expr, whole: ast.expr) -> Bools:
        if not (isinstance(part, ast.Constant) and isinstance(part.value, str) and isinstance(whole, ast.Name)):
            raise self._error('in needs a text on its left and a column on its right, such as "dog" in caption.')
        text, values = part.value.lower(), self._column(whole.id)
        if whole.id == "tokens":
            return np.array([text in (token.lower() for token in tokens) for tokens in values], dtype=bool)
        if not _is_text(values):
            raise self._error(f"{whole.id} has no text.")
        return np.array([text in str(value).lower() for value in values], dtype=bool)

    def _operand(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=str() | int() | float() as value) if not isinstance(value, bool):
                return value
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                return -value
            case ast.Name():
                values = self._column(node.id)
                if values.dtype == object and not _is_text(values):
                    raise self._error(f"{node.id} has a list in each row and cannot be compared.")
                return values
            case _:
                raise self._error("It compares something other than columns, numbers and texts.")

    def _column(self, name: str) -> Any:
        if name not in self._table.columns:
            raise self._error(f"There is no column {name}.")
        return self._table[name]

    def _error(self, reason: str) -> InputError:
        return InputError(f"The query {self._text!r} cannot be used. {reason} {_help(self._table)}")


def _is_text(values: Any) -> bool:
    if isinstance(values, (str, int, float)):
        return isinstance(values, str)
    return values.dtype.kind in "OTU" and all(isinstance(value, str) for value in values)


def _known(values: Any) -> Any:
    return True if isinstance(values, (str, int, float)) else values.notna().to_numpy()
