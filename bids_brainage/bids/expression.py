"""Conditions on columns, such as ``group == 'control' and age > 18``: read, never executed."""

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bids_brainage.errors import UsageError

MISSING = frozenset({"", "n/a", "na", "nan", "null", "none"})
HINT = (
    "write column names, quoted texts, numbers, ==, !=, <, <=, >, >=, in, not in, and, or, not; "
    "names with spaces or signs stand in `backticks`"
)
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: lambda a, b: a == b,
    ast.NotEq: lambda a, b: a != b,
    ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b,
    ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b,
}
LARGEST = 2**63
_QUOTED = re.compile(r"""'[^']*'|"[^"]*"|`([^`]+)`""")
Value = str | float


@dataclass(frozen=True)
class Condition:
    """A condition on the columns of a row.

    Parameters
    ----------
    text
        As it was written.
    names
        Columns that it names, in order.
    """

    text: str
    names: tuple[str, ...]
    _tree: ast.expr
    _quoted: Mapping[str, str]

    def holds(self, cells: Mapping[str, str]) -> bool:
        """Tell whether it holds for a row; what is missing makes a comparison neither true nor
        false, and a row counts only where the whole is true.

        Parameters
        ----------
        cells
            Column to text. Texts are compared with texts, and as numbers with numbers.
        """
        return self._truth(self._tree, cells) is True

    def _truth(self, node: ast.expr, cells: Mapping[str, str]) -> bool | None:
        if isinstance(node, ast.BoolOp):
            found = [self._truth(value, cells) for value in node.values]
            decisive = isinstance(node.op, ast.Or)
            if decisive in found:
                return decisive
            return None if None in found else not decisive
        if isinstance(node, ast.UnaryOp):
            inner = self._truth(node.operand, cells)
            return None if inner is None else not inner
        assert isinstance(node, ast.Compare)
        sides = [node.left, *node.comparators]
        found = [
            self._compare(op, first, second, cells)
            for op, first, second in zip(node.ops, sides[:-1], sides[1:], strict=True)
        ]
        if False in found:
            return False
        return None if None in found else True

    def _compare(
        self, op: ast.cmpop, first: ast.expr, second: ast.expr, cells: Mapping[str, str]
    ) -> bool | None:
        if isinstance(op, ast.In | ast.NotIn):
            assert isinstance(second, ast.List | ast.Tuple | ast.Set)
            told = [self._compare(ast.Eq(), first, item, cells) for item in second.elts]
            inside = True if True in told else None if None in told else False
            return inside if inside is None or isinstance(op, ast.In) else not inside
        a, b = self._value(first, cells), self._value(second, cells)
        if a is None or b is None:
            return None
        numbers = _number(a), _number(b)
        named = isinstance(first, ast.Name), isinstance(second, ast.Name)
        # A text in quotes is meant as text; two columns are numbers where both can be.
        textual = [isinstance(v, str) and not n for v, n in zip((a, b), named, strict=True)]
        if None in numbers or any(textual):
            if not isinstance(a, str) or not isinstance(b, str):
                # A number beside a text that is none: unequal, and in no order.
                return isinstance(op, ast.NotEq)
            return _COMPARE[type(op)](a, b)
        return _COMPARE[type(op)](*numbers)

    def _value(self, node: ast.expr, cells: Mapping[str, str]) -> Value | None:
        if isinstance(node, ast.Name):
            text = cells.get(self._quoted.get(node.id, node.id), "").strip()
            return None if text.lower() in MISSING else text
        if isinstance(node, ast.UnaryOp):
            assert isinstance(node.operand, ast.Constant)
            return -float(node.operand.value)  # type: ignore[arg-type]
        assert isinstance(node, ast.Constant)
        return node.value if isinstance(node.value, str) else float(node.value)  # type: ignore[arg-type]


def read_condition(text: str, place: str = "") -> Condition:
    """Read a condition.

    Parameters
    ----------
    place
        Option, for messages.

    Raises
    ------
    UsageError
        If it holds anything but comparisons of columns and constants.
    """
    quoted: dict[str, str] = {}

    def name(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0]
        quoted[f"_column_{len(quoted)}"] = match[1]
        return f"_column_{len(quoted) - 1}"

    try:
        tree = ast.parse(_QUOTED.sub(name, text).strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise UsageError(f"not a condition: {text}", place=place, hint=HINT) from error
    _check(tree, text, place)
    names = [quoted.get(n.id, n.id) for n in ast.walk(tree) if isinstance(n, ast.Name)]
    if not names:
        raise UsageError(f"the condition names no column: {text}", place=place, hint=HINT)
    return Condition(text, tuple(dict.fromkeys(names)), tree, quoted)


def _check(node: ast.expr, text: str, place: str) -> None:
    """Refuse everything but and, or, not and comparisons."""
    if isinstance(node, ast.BoolOp):
        for value in node.values:
            _check(value, text, place)
        return
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        _check(node.operand, text, place)
        return
    if isinstance(node, ast.Compare):
        pairs = zip(node.ops, node.comparators, strict=True)
        if _plain(node.left) and all(_right(op, side) for op, side in pairs):
            return
    raise UsageError(f"not a condition: {text}", place=place, hint=HINT)


def _right(op: ast.cmpop, side: ast.expr) -> bool:
    if isinstance(op, ast.In | ast.NotIn):
        return isinstance(side, ast.List | ast.Tuple | ast.Set) and all(map(_plain, side.elts))
    return type(op) in _COMPARE and _plain(side)


def _plain(node: ast.expr) -> bool:
    """A column, a text or a number."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = node.operand
        return isinstance(inner, ast.Constant) and type(inner.value) in (int, float)
    if isinstance(node, ast.Constant):
        value = node.value
        return type(value) in (str, float) or (type(value) is int and value < LARGEST)
    return isinstance(node, ast.Name)


def _number(value: Value) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None
