"""Every link of the README and the pages leads somewhere."""

import re

import pytest

from tests.docs.pages import DOCS, PAGES, ROOT, anchors, inlines, text

LOCAL = re.compile(r"(?<![\w.])(/home/\w|/root/|/Users/\w|file://)")


def links(path):
    return [
        token.attrs["href"] if token.type == "link_open" else token.attrs["src"]
        for token in inlines(path)
        if token.type in ("link_open", "image")
    ]


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.name)
def test_relative_links_and_anchors_resolve(path):
    for link in links(path):
        if re.match(r"(https?|mailto):", link):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.is_file(), link
        assert target.is_relative_to(ROOT if path.parent == ROOT else DOCS), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.name)
def test_no_page_names_a_place_on_one_machine(path):
    assert not LOCAL.findall(text(path))


def test_the_menu_and_the_pages_agree():
    menu = re.findall(r"[\w/]+\.md", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    assert sorted(menu) == sorted(p.name for p in DOCS.glob("*.md"))


def test_the_readme_is_one_screen_and_leads_to_the_pages():
    readme = ROOT / "README.md"
    assert len(readme.read_text(encoding="utf-8").splitlines()) <= 80
    assert {"docs/index.md", "docs/usage.md", "docs/outputs.md", "CHANGES.md"} <= set(links(readme))


def test_nothing_is_loaded_from_elsewhere():
    settings = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert "font: false" in settings and "http" not in settings
    assert "http" not in (DOCS / "style.css").read_text(encoding="utf-8")
