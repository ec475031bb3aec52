"""The site is built without a warning, and without fetching anything."""

import os
import re
import subprocess
import sys

import pytest

from tests.docs.pages import ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("mkdocs", reason="needs the extra docs")
    pytest.importorskip("material", reason="needs the extra docs")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    proxies = {name: "http://127.0.0.1:9" for name in ("HTTP_PROXY", "HTTPS_PROXY", "https_proxy")}
    home = {"PATH": os.environ["PATH"], "HOME": str(folder), "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=home | proxies, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_a_reader_fetches_nothing_from_elsewhere(site):
    for page in site.glob("*.html"):
        loaded = re.findall(
            r"<(?:script|img|iframe)[^>]*src=\"(https?:[^\"]+)|<link[^>]*href=\"(https?:[^\"]+)",
            page.read_text(encoding="utf-8"),
        )
        assert loaded == [], page.name


def test_tables_of_options_and_columns_are_in_the_site(site):
    assert "--participant-label" in (site / "usage.html").read_text(encoding="utf-8")
    assert "brain_age_gap_corrected" in (site / "outputs.html").read_text(encoding="utf-8")
    assert (site / "mavae_crossval.tsv").is_file()
    assert not (site / "hooks.py").exists()
