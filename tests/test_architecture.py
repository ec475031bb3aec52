"""The rooms import strictly downward, libraries stay in their homes, modules stay small."""

import ast
from pathlib import Path

import pytest

import bids_brainage

PACKAGE = Path(bids_brainage.__file__).parent
FLOORS = {
    "__main__": 7,
    "cli": 6,
    "app": 5,
    "training": 4, "report": 4,
    "features": 3, "predict": 3, "evaluation": 3,
    "preprocessing": 2,
    "bids": 1, "models": 1,
    "records": 0, "config": 0, "errors": 0,
}  # fmt: skip
HOMES = {
    "torch": {"models", "preprocessing", "predict", "training"},
    "nilearn": {"preprocessing", "features", "report"},
    "matplotlib": {"report"},
    "argparse": {"cli"},
    "bids": {"bids"},
    "jinja2": {"report"},
    "safetensors": {"models", "training"},
    "ants": {"preprocessing", "training"},
    "picsl_greedy": {"preprocessing", "training"},
    "SimpleITK": {"preprocessing", "training"},
    "rich": {"cli"},
}
BANNED = {"pickle", "joblib", "dill", "requests", "urllib.request"}
# For builds of images; nothing is fetched at run time.
ALLOWED = {("bids_brainage.app.fetch", "urllib.request")}
LIGHT = ("cli", "records", "config", "errors", "__init__", "__main__")
HEAVY = {"torch", "nilearn", "nibabel", "numpy", "pandas", "sklearn", "bids", "matplotlib"}
MAX_LINES = 300
MODULES = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    return ".".join(("bids_brainage", *path.relative_to(PACKAGE).with_suffix("").parts))


def room_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def imports(path: Path, *, top_level: bool = False) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if top_level else ast.walk(tree)
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def internal(path: Path) -> set[str]:
    names = {name_of(p) for p in MODULES}
    return {m for m in imports(path) if m in names}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_between_rooms_go_strictly_down(path):
    room = room_of(name_of(path))
    if room == "__init__":
        assert not internal(path)
        return
    for module in internal(path):
        target = room_of(module)
        if target not in (room, "__init__"):
            assert FLOORS[target] < FLOORS[room], f"{name_of(path)} imports {module}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_libraries_stay_in_their_homes(path):
    room = room_of(name_of(path))
    for module in imports(path):
        library = module.split(".")[0]
        assert room in HOMES.get(library, {room}), f"{name_of(path)} imports {library}"
        allowed = (name_of(path), module.removesuffix(".urlopen")) in ALLOWED
        assert allowed or (library not in BANNED and module not in BANNED)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_stay_small(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


@pytest.mark.parametrize("path", [p for p in MODULES if room_of(name_of(p)) in LIGHT], ids=name_of)
def test_start_up_imports_nothing_heavy(path):
    assert not HEAVY & {m.split(".")[0] for m in imports(path, top_level=True)}


def test_every_room_has_a_floor():
    rooms = {room_of(name_of(path)) for path in MODULES} - {"__init__"}
    assert rooms <= set(FLOORS)


def test_there_are_no_import_cycles():
    graph = {name_of(path): internal(path) - {name_of(path)} for path in MODULES}
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " -> ".join((*trail, module))
        if module not in done:
            for target in graph[module]:
                visit(target, (*trail, module))
            done.add(module)

    for module in graph:
        visit(module, ())
