"""The Neurodesk recipe keeps the rules of neurocontainers recipes."""

import base64
import re
import shlex
from pathlib import Path

import pytest
import yaml

from bids_brainage import __version__
from bids_brainage.cli.descriptor import IMAGE
from tests.integrations.arguments import accepted

FOLDER = Path(__file__).resolve().parents[2] / "integrations" / "neurodesk"
RECIPE = yaml.safe_load((FOLDER / "build.yaml").read_text(encoding="utf-8"))
TESTS = yaml.safe_load((FOLDER / "fulltest.yaml").read_text(encoding="utf-8"))
FIELDS = {
    "name",
    "version",
    "copyright",
    "architectures",
    "build",
    "structured_readme",
    "categories",
    "icon",
}
CATEGORIES = {"bids apps", "structural imaging", "functional imaging", "machine learning"}


def test_recipe_has_the_fields_of_a_published_container():
    assert set(RECIPE) == FIELDS
    assert "_" not in RECIPE["name"]
    assert set(RECIPE["architectures"]) <= {"x86_64", "aarch64"}
    assert set(RECIPE["categories"]) <= CATEGORIES
    assert set(RECIPE["structured_readme"]) == {
        "description",
        "example",
        "documentation",
        "citation",
    }
    assert all({"license"} <= set(c) or {"name"} <= set(c) for c in RECIPE["copyright"])


def test_icon_is_a_png_in_the_recipe():
    found = re.fullmatch(r"data:image/png;base64,(.+)", RECIPE["icon"])
    assert base64.b64decode(found[1], validate=True).startswith(b"\x89PNG")


def test_recipe_takes_the_image_of_this_version_and_its_commands():
    build = RECIPE["build"]
    assert set(build) == {
        "kind",
        "base-image",
        "pkg-manager",
        "add-default-template",
        "add-tzdata",
        "directives",
    }
    assert (build["kind"], build["pkg-manager"]) == ("neurodocker", "apt")
    assert RECIPE["version"] == TESTS["version"] == __version__
    assert build["base-image"].replace("{{ context.version }}", RECIPE["version"]) == IMAGE
    deploy = next(d["deploy"] for d in build["directives"] if "deploy" in d)
    assert deploy["bins"] == ["bids_brainage", "brainage"]


def test_commands_of_readme_and_tests_are_read_by_our_parser():
    lines = RECIPE["structured_readme"]["example"].splitlines()
    lines += [
        test["command"]
        for test in TESTS["tests"]
        if test["command"].startswith("bids_brainage ")
        and "--version" not in test["command"]
        and test.get("expected_exit_code") != 2
    ]
    assert len(lines) >= 5
    for line in lines:
        name, *words = shlex.split(line)
        assert name == "bids_brainage"
        accepted(words)


def test_the_wrong_option_of_the_tests_is_refused_with_its_exit_code(capsys):
    wrong = next(test for test in TESTS["tests"] if test.get("expected_exit_code") == 2)
    with pytest.raises(SystemExit) as stop:
        accepted(shlex.split(wrong["command"])[1:])
    assert stop.value.code == 2
    assert "3/2" in capsys.readouterr().err
