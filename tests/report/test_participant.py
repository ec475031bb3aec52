import re
from urllib.parse import unquote

import numpy as np
import pytest

from bids_brainage.bids import outputs
from bids_brainage.errors import OutputError
from bids_brainage.records.session import SessionKey
from bids_brainage.report.participant import write_participant_report
from tests.report.page import Page

SECTIONS = ["answer", "motion", "connectome", "morphometry", "quality", "inputs", "methods"]
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)> $\\frac{1}{0}$ {{ 7*7 }} =1+1"


@pytest.fixture
def report(tree, key):
    tree.full(key)
    return write_participant_report(tree.root, "01")


def test_sections_stand_in_their_order(report):
    assert report.name == "sub-01.html"
    assert Page(report).all("section", "id") == SECTIONS


def test_answer_holds_ages_gap_sex_and_inputs(report):
    text = " ".join(Page(report).text.split())
    for fact in (
        "31.5 years",
        "34.2 years",
        "+2.8 years",
        "+1.1 years",
        "probability 83 %",
        "functional connectivity (BOLD)",
        "not for clinical use",
    ):
        assert fact in text
    assert "interval" not in text


def test_every_link_leads_to_a_file_and_none_to_the_network(report):
    page = Page(report)
    targets = page.all("img", "src") + page.all("a", "href")
    local = [t for t in targets if not t.startswith(("#", "https://"))]
    assert len(page.all("img", "src")) == 3
    assert all((report.parent / unquote(target)).is_file() for target in local)
    assert not [s for s in page.all("img", "src") if "//" in s or s.startswith("/")]
    assert all(
        t.startswith(("https://doi.org/", "https://arxiv.org/"))
        for t in targets
        if t.startswith("http")
    )
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in page.tags}
    assert "url(" not in report.read_text(encoding="utf-8")
    anchors = {i for _, attrs in page.tags if (i := attrs.get("id"))}
    assert {t[1:] for t in targets if t.startswith("#")} <= anchors


def test_figures_have_alternative_texts_and_tables_have_scopes(report):
    page = Page(report)
    assert all(len(attrs.get("alt", "")) > 20 for tag, attrs in page.tags if tag == "img")
    assert all("scope" in attrs for tag, attrs in page.tags if tag == "th")


def test_page_and_figures_are_the_same_bytes_when_made_again(report):
    figures = sorted((report.parent / "sub-01" / "figures").iterdir())
    before = [path.read_bytes() for path in (report, *figures)]
    write_participant_report(report.parent, "sub-01")
    assert [path.read_bytes() for path in (report, *figures)] == before


def test_page_and_figures_stay_small(report):
    figures = list((report.parent / "sub-01" / "figures").iterdir())
    assert report.stat().st_size < 60_000
    assert max(path.stat().st_size for path in figures) < 400_000


def test_missing_parts_say_so(tree, key):
    tree.predictions(key)
    text = Page(write_participant_report(tree.root, "01")).text
    for part in ("no connectivity matrix", "no cleaned time series", "no morphometry"):
        assert f"Missing: there {'are' if 'series' in part else 'is'} {part}" in text


def test_failed_session_gets_a_page_with_its_reason(tree, prediction):
    key = SessionKey("02", "1")
    row = prediction(
        key, model=None, status="failed", status_reason="aseg.stats is empty", predicted_age=None
    )
    tree.predictions(key, row)
    text = Page(write_participant_report(tree.root, "02")).text
    assert "The session failed: aseg.stats is empty" in text
    assert "Predicted brain age" not in text


def test_session_without_input_gets_a_page_with_its_reason(tree, key):
    tree.log(key, status="no_input", reason="No FreeSurfer and no BOLD.", sources={})
    text = Page(write_participant_report(tree.root, "01")).text
    assert "No usable input was found. No FreeSurfer and no BOLD." in text


def test_killed_session_is_shown_as_stopped(tree):
    key = SessionKey("01", "a")
    outputs.write_json(outputs.start_marker(tree.root, key), {})
    assert "never finished" in Page(write_participant_report(tree.root, "01")).text


def test_old_predictions_of_a_killed_rerun_are_not_shown(tree, key):
    tree.full(key)
    outputs.write_json(outputs.start_marker(tree.root, key), {})
    text = Page(write_participant_report(tree.root, "01")).text
    assert "never finished" in text
    assert "34.2" not in text


def test_sessions_are_in_natural_order(tree):
    for label in ("10", "2", "1"):
        tree.log(SessionKey("01", label))
    text = Page(write_participant_report(tree.root, "01")).text
    assert text.index("ses-1 ") < text.index("ses-2 ") < text.index("ses-10 ")


def test_participant_without_anything_gets_a_page(tree):
    assert "No extraction log" in Page(write_participant_report(tree.root, "09")).text


def test_extracted_session_without_predictions_says_so(tree, key):
    tree.log(key)
    assert (
        "no predictions have been written" in Page(write_participant_report(tree.root, "01")).text
    )


def test_warnings_are_in_plain_words(tree, key, prediction):
    row = prediction(
        key,
        within_age_range=False,
        out_of_distribution=True,
        quality="check",
        quality_reasons="mean framewise displacement 0.8 mm",
        predicted_sex="M",
        probability_female=0.3,
        status_reason="connectivity left out: 3 volumes",
    )
    tree.predictions(key, row)
    text = Page(write_participant_report(tree.root, "01")).text
    for words in (
        "Outside the age range",
        "out of distribution",
        "mean framewise displacement 0.8 mm",
        "predicted sex differs",
        "connectivity left out: 3 volumes",
        "probability 70 %",
    ):
        assert words in text


def test_unknown_age_gives_no_gap(tree, key, prediction):
    row = prediction(key, age=None, brain_age_gap=None, brain_age_gap_corrected=None)
    tree.predictions(key, row)
    assert "chronological age is unknown" in Page(write_participant_report(tree.root, "01")).text


def test_interval_is_shown_where_there_is_one(tree, key, prediction):
    tree.predictions(key, prediction(key, predicted_age_lower=25.0, predicted_age_upper=43.0))
    assert "interval 25.0 to 43.0" in Page(write_participant_report(tree.root, "01")).text


def test_sessions_stand_side_by_side_in_the_quality_table(tree):
    for label in ("b", "a"):
        tree.full(SessionKey("01", label))
    page = Page(write_participant_report(tree.root, "01"))
    assert page.text.index("ses-a") < page.text.index("ses-b")
    assert len(page.all("img", "src")) == 6
    assert "ses-a ses-b Unit Meaning" in " ".join(page.text.split())


def test_hostile_text_cannot_inject(tree, key, prediction):
    tree.log(
        key,
        notes=[HOSTILE],
        reason=HOSTILE,
        settings={HOSTILE: HOSTILE},
        sources={HOSTILE: [HOSTILE]},
        versions={HOSTILE: HOSTILE},
        sex=HOSTILE,
        derivatives={"x": [HOSTILE + ".tsv", "../../etc/passwd.tsv"]},
    )
    tree.predictions(key, prediction(key, model=HOSTILE, status_reason=HOSTILE, sex=HOSTILE))
    regions = (HOSTILE, "$x^{$", "日本", "Left_Thalamus")
    tree.connectivity(key, np.full((4, 4), np.nan), regions, {HOSTILE: [HOSTILE]})
    report = write_participant_report(tree.root, "01")
    page = Page(report)
    assert not {"script"} & {tag for tag, _ in page.tags}
    assert not [1 for _, attrs in page.tags if any(name.startswith("on") for name in attrs)]
    assert "49" not in re.sub(r"\S*\d\.\d\S*", "", page.text)
    assert "<script>alert(1)</script>" in page.text
    assert not [t for t in page.all("a", "href") if "passwd" in t]


def test_hostile_participant_label_stays_a_label(tree):
    key = SessionKey("x&<b>")
    tree.full(key)
    page = Page(write_participant_report(tree.root, key.participant))
    assert "sub-x&<b>" in page.text
    assert all((tree.root / unquote(source)).is_file() for source in page.all("img", "src"))


def test_damaged_files_are_named_and_the_rest_is_shown(tree, key):
    tree.full(key)
    folder = tree.root / "sub-01" / "func"
    next(folder.glob("*relmat.tsv")).write_text("a\tb\n1\n", encoding="utf-8")
    next(folder.glob("*timeseries.json")).write_text("{", encoding="utf-8")
    outputs.extraction_log(tree.root, key).write_text("[]", encoding="utf-8")
    page = Page(write_participant_report(tree.root, "01"))
    assert page.text.count("is damaged and was left out") == 3
    assert len(page.all("img", "src")) == 2


def test_matrix_of_an_earlier_atlas_is_not_shown(tree, key):
    tree.full(key)
    folder = tree.root / "sub-01" / "func"
    relmat = next(folder.glob("*relmat.tsv"))
    old = relmat.name.replace("HarvardOxford", "Old")
    (folder / old).write_bytes(relmat.read_bytes())
    page = Page(write_participant_report(tree.root, "01"))
    assert not [s for s in page.all("img", "src") if "Old" in s]


def test_figure_without_its_source_is_removed(tree, key):
    tree.full(key)
    write_participant_report(tree.root, "01")
    figure = next((tree.root / "sub-01" / "figures").glob("*_desc-carpet_*"))
    other = figure.with_name("sub-01_desc-other_T1w.svg")
    other.write_text("<svg/>", encoding="utf-8")
    next((tree.root / "sub-01" / "func").glob("*timeseries.tsv")).unlink()
    write_participant_report(tree.root, "01")
    assert not figure.exists()
    assert other.exists()


def test_glass_brain_is_drawn_where_centres_are_known(tree, key):
    generator = np.random.default_rng(0)
    regions = tuple(f"Left_Thalamus_{i}" for i in range(14))
    centres = {name: generator.uniform(-40, 40, 3).tolist() for name in regions[:-1]}
    matrix = np.corrcoef(generator.normal(size=(14, 50)))
    matrix[2] = matrix[:, 2] = np.nan
    tree.connectivity(key, matrix, regions, {"RegionCentroids": centres})
    page = Page(write_participant_report(tree.root, "01"))
    assert any("glassbrain" in source for source in page.all("img", "src"))


@pytest.mark.parametrize(
    ("sidecar", "words"),
    [
        (None, "36 volumes kept of 40; the 4 left out are marked red"),
        ({"FramewiseDisplacement": [0.1] * 36}, "Mean framewise displacement (FD) 0.10 mm"),
        ({"FramewiseDisplacement": [0.1] * 40}, "Which volumes were left out is not recorded"),
        ({"KeptVolumes": list(range(2, 38))}, "36 volumes kept of 38"),
        (
            {"KeptVolumes": list(range(2, 38)), "Volumes": 40, "CensoredVolumes": 4},
            "36 volumes kept of 40; the 4 left out",
        ),
        ({"MeanFramewiseDisplacement": 0.123}, "Mean framewise displacement (FD) 0.12 mm"),
        ({"KeptVolumes": [10**12] * 36}, "36 volumes kept."),
        ({"KeptVolumes": "all", "RepetitionTime": -1}, "36 volumes kept"),
    ],
)
def test_carpet_says_which_volumes_it_shows(tree, key, sidecar, words):
    tree.timeseries(key, sidecar)
    assert words in Page(write_participant_report(tree.root, "01")).text


def test_methods_name_the_preset_and_its_papers(tree, key):
    preset = {
        "name": "compcor",
        "description": "24 motion parameters and five components.",
        "references": ["Behzadi et al. 2007, doi:10.1016/j.neuroimage.2007.04.042"],
        "fd_threshold": 0.3,
    }
    tree.connectivity(key, sidecar={"Denoising": preset, "Atlas": {"Name": "HarvardOxford"}})
    tree.predictions(key)
    sidecar = outputs.predictions_file(tree.root, key).with_suffix(".json")
    outputs.write_json(sidecar, {"Models": {"mavae": {"Version": "1.2", "SHA256": "ab" * 32}}})
    page = Page(write_participant_report(tree.root, "01"))
    assert "'compcor': 24 motion parameters and five components." in page.text
    assert "14 regions of HarvardOxford" in page.text
    assert "displacement above 0.3 mm" in page.text
    assert "model mavae 1.2, sha256 abababababababab" in " ".join(page.text.split())
    assert "https://doi.org/10.1016/j.neuroimage.2007.04.042" in page.all("a", "href")


def test_output_that_cannot_be_written_is_an_error(tree):
    (tree.root / "sub-01.html").mkdir()
    with pytest.raises(OutputError, match=r"sub-01\.html"):
        write_participant_report(tree.root, "01")
