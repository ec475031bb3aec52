"""Pages as a reader gets them, with the parts that are made when the site is built."""

import importlib.util
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
PARSER = MarkdownIt("commonmark").enable("table")


@cache
def hooks() -> ModuleType:
    """What mkdocs runs on every page."""
    spec = importlib.util.spec_from_file_location("docs_hooks", DOCS / "hooks.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def text(path: Path) -> str:
    """The page with what is made."""
    return hooks().on_page_markdown(path.read_text(encoding="utf-8"))


@cache
def tokens(path: Path) -> list[Token]:
    """Blocks of the page."""
    return PARSER.parse(text(path))


def inlines(path: Path) -> Iterator[Token]:
    """Words, links and code within the blocks."""
    for block in tokens(path):
        yield from block.children or ()


def blocks_of_code(path: Path) -> Iterator[str]:
    """Fenced and indented code."""
    for block in tokens(path):
        if block.type in ("fence", "code_block"):
            yield block.content


def spans_of_code(path: Path) -> Iterator[str]:
    """Code within sentences and tables."""
    yield from (token.content for token in inlines(path) if token.type == "code_inline")


def rows(path: Path, *header: str) -> Iterator[list[Token]]:
    """Cells of the tables with a header of these words, row by row."""
    cells: list[Token] = []
    wanted = False
    for block, before in zip(tokens(path), [None, *tokens(path)], strict=False):
        if block.type == "inline" and before and before.type in ("th_open", "td_open"):
            cells.append(block)
        elif block.type == "tr_open":
            cells = []
        elif block.type == "tr_close":
            if cells and tuple(c.content for c in cells) == header:
                wanted = True
            elif wanted:
                yield cells
        elif block.type == "table_close":
            wanted = False


def anchors(path: Path) -> set[str]:
    """Names of the headings as mkdocs gives them."""
    found: set[str] = set()
    for block, after in zip(tokens(path), tokens(path)[1:], strict=False):
        if block.type == "heading_open":
            words = "".join(t.content for t in after.children or ())
            name = re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", words.lower()).strip())
            while name in found:
                stem, _, number = name.rpartition("_")
                known = number.isdigit()
                name = f"{stem}_{int(number) + 1}" if known else f"{name}_1"
            found.add(name)
    return found
