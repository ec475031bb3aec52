"""Messages of the source, with … for what varies."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "bids_brainage"


def spoken(node: ast.AST) -> str | None:
    """Text of a string or f-string, … in place of each value; None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.sub(r"%[ds]", "…", node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(spoken(part) or "…" for part in node.values)
    return None


def texts() -> list[str]:
    """Every text in the package and in the tools that run it."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")]
    return [text for tree in trees for node in ast.walk(tree) if (text := spoken(node))]


def raised(*rooms: str) -> Iterator[tuple[str, str]]:
    """Name of the error and message of everything that is raised in some rooms."""
    for room in rooms:
        for path in sorted((PACKAGE / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)):
                    continue
                call = node.exc
                if isinstance(call.func, ast.Name) and call.args and (text := spoken(call.args[0])):
                    yield call.func.id, text
