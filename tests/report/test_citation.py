import re

import pytest

from bids_brainage.errors import OutputError
from bids_brainage.records.session import SessionKey
from bids_brainage.report import citation
from bids_brainage.report.citation import write_citation
from bids_brainage.report.references import PAPERS, Reference
from tests.report.raw_outputs import write_anatomy, write_run


def entries(text):
    return re.findall(r"^@\w+\{([^,]+),$", text, flags=re.MULTILINE)


def test_union_of_everyone_is_described_once(tree):
    tree.full(SessionKey("01"))
    write_anatomy(tree.root, SessionKey("02", "a"))
    write_run(tree.root, SessionKey("02", "a"))
    tree.full(SessionKey("02", "b"))
    text, bibtex = (path.read_text(encoding="utf-8") for path in write_citation(tree.root))
    for words in ("Raw T1w", "Raw BOLD", "Morphometry", "Functional connectivity", "Prediction"):
        assert text.count(f"\n{words}. ") == 1
    assert "14 regions of HarvardOxford" in text
    assert "- nilearn 0.14.1" in text
    for key in ("n4", "greedy", "bbr", "freesurfer", "mavae"):
        assert PAPERS[key].link in text and PAPERS[key].title in bibtex
    assert len(set(entries(bibtex))) == len(entries(bibtex)) == text.count("\n- ") - 1
    assert (tree.root / "logs" / "CITATION.md").is_file()
    assert (tree.root / "logs" / "CITATION.bib").is_file()


def test_sessions_alike_are_kept_in_memory_once(tree, monkeypatch):
    for number in range(20):
        tree.full(SessionKey(f"{number:02d}"))
    tree.log(SessionKey("19"), versions={"nilearn": "0.9"})
    kept = []
    describe = citation.methods
    monkeypatch.setattr(citation, "methods", lambda some: kept.append(len(some)) or describe(some))
    text = write_citation(tree.root)[0].read_text(encoding="utf-8")
    assert kept == [1] * 20 + [2]
    assert "- nilearn 0.14.1, 0.9" in text


def test_empty_output_says_so(tmp_path):
    text, bibtex = (path.read_text(encoding="utf-8") for path in write_citation(tmp_path))
    assert "Nothing was computed yet" in text
    assert bibtex == ""


def test_text_of_derivatives_is_no_markdown(tree, key):
    tree.log(key, versions={"[x](http://e)": "<b>*1*</b>"})
    tree.connectivity(key, sidecar={"Atlas": {"Name": "<img src=x> `a`"}})
    text = write_citation(tree.root)[0].read_text(encoding="utf-8")
    assert "<img" not in text and "<b>" not in text
    assert "\\[x\\](http://e)" in text and "\\`a\\`" in text


def test_bibtex_has_the_fields_of_a_paper():
    text = PAPERS["greedy"].bibtex()
    assert text.startswith("@article{yushkevich2016_")
    for line in (
        "author = {Yushkevich, Paul A. and Pluta, John and others}",
        "year = {2016}",
        "journal = {Alzheimer's and Dementia}",
        "volume = {12}",
        "pages = {P126}",
        "doi = {10.1016/j.jalz.2016.06.205}",
    ):
        assert line in text
    assert "eprint = {2411.10100}" in PAPERS["mavae"].bibtex()


def test_paper_of_a_preset_cannot_break_the_file():
    text = Reference("A } @b{c & d_e 2001", "https://doi.org/10.1/x").bibtex()
    assert text.count("{") == text.count("}")
    assert "\\&" in text and "\\_" in text


@pytest.mark.parametrize("paper", PAPERS.values(), ids=PAPERS)
def test_papers_have_title_authors_year_and_a_link(paper):
    assert paper.title and paper.authors
    assert re.search(r" \d{4}$", paper.short)
    assert paper.link.startswith(("https://doi.org/10.", "https://arxiv.org/abs/"))
    assert re.match(r"[a-z]+\d{4}_\w+$", paper.key)


def test_folder_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "logs").write_text("", encoding="utf-8")
    with pytest.raises(OutputError):
        write_citation(tmp_path)
