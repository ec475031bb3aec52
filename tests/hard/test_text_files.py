"""Sidecars, descriptions and FreeSurfer tables as editors, transfers and versions leave them."""

import json

import pytest

from bids_brainage.app.demo_stats import write_stats
from tests.hard.app import app, rows
from tests.hard.images import broken_link, copy_run, pointer
from tests.people import Person, describe, network_series, write_dataset

DESCRIPTION = {"Name": "Größe, naïve", "BIDSVersion": "1.10.0"}
READABLE = {
    "bom": json.dumps(DESCRIPTION).encode("utf-8-sig"),
    "latin1": json.dumps(DESCRIPTION, ensure_ascii=False).encode("latin-1"),
    "utf16": json.dumps(DESCRIPTION).encode("utf-16"),
    "crlf": json.dumps(DESCRIPTION, indent=1).replace("\n", "\r\n").encode(),
}
UNREADABLE = {
    "empty": b"",
    "broken": b'{"Name": "x", "BIDSVersion": }',
    "cut": b'{"Name": "x", "BIDS',
    "list": b'["Name"]',
    "text": b"not JSON",
    "binary": bytes(range(256)),
    "nested": b"[" * 100_000,
    "number": b"1e999999",
    "null": b"null",
}


@pytest.mark.parametrize("name", READABLE)
def test_descriptions_in_any_encoding_are_read(trio, tmp_path, without_pages, name):
    (trio / "dataset_description.json").write_bytes(READABLE[name])
    assert app(trio, tmp_path / "out", "participant", "--participant-label", "01").code == 0
    made = json.loads((tmp_path / "out" / "dataset_description.json").read_text())
    assert made["Name"].endswith("Größe, naïve")


@pytest.mark.parametrize("name", UNREADABLE)
def test_broken_descriptions_exit_with_16_and_are_named(trio, tmp_path, name):
    (trio / "dataset_description.json").write_bytes(UNREADABLE[name])
    done = app(trio, tmp_path / "out", "participant")
    assert done.code == 16 and "dataset_description.json" in done.err
    assert not (tmp_path / "out").exists()


def test_a_description_whose_content_was_not_fetched_says_what_to_do(trio, tmp_path):
    pointer(trio / "dataset_description.json")
    done = app(trio, tmp_path / "out", "participant")
    assert done.code == 16 and "datalad get" in done.err


def test_broken_sidecars_are_passed_over_and_noted(tmp_path, without_pages):
    good = Person("plain", series=network_series(1, 60))
    labels = ["bom", "latin1", "link", *UNREADABLE]
    bids = write_dataset(tmp_path / "bids", [good, *map(Person, labels)])
    prep = bids / "derivatives" / "fmriprep"
    for label in labels:
        copy_run(prep, "plain", label)
        sidecar = next((prep / f"sub-{label}" / "func").glob("*_bold.json"))
        if label == "link":
            broken_link(sidecar)
        else:
            sidecar.write_bytes((READABLE | UNREADABLE)[label])
    assert app(bids, tmp_path / "out", "participant").code == 0
    found = rows(tmp_path / "out")
    ages = {row["predicted_age"] for row in found.values()}
    assert len(found) == 1 + len(labels) and len(ages) == 1  # the header has the same time
    for name in (*UNREADABLE, "link"):
        log = json.loads(
            (tmp_path / "out" / f"sub-{name}" / f"sub-{name}_desc-extraction_log.json").read_text()
        )
        assert any("passed over" in note for note in log["notes"]), name


VERSIONS = ("5.3.0", "6.0.0", "7.1.1", "7.4.1", "8.0.0")


def test_statistics_of_every_version_and_state_give_a_number_or_a_reason(
    tmp_path, typical, without_pages
):
    states = {
        "empty": lambda content: b"",
        "cut": lambda content: content[: len(content) // 2],
        "headeronly": lambda content: b"\n".join(
            line for line in content.splitlines() if line.startswith(b"#")
        ),
        "binary": lambda content: bytes(range(256)) * 40,
        "html": lambda content: b"<html><body>404 Not Found</body></html>",
        "nan": lambda content: content.replace(b"0.500", b"nan"),
        "utf16": lambda content: content.decode().encode("utf-16"),
        "crlf": lambda content: content.replace(b"\n", b"\r\n"),
        "commas": lambda content: content.replace(b".", b","),
        "annex": lambda content: b"/annex/objects/MD5E-s9--0.stats\n",
    }
    people = [Person(name, measures=typical) for name in states]
    people += [Person("v" + version.replace(".", "")) for version in VERSIONS]
    bids = write_dataset(tmp_path / "bids", people)
    home = bids / "derivatives" / "fmriprep" / "sourcedata" / "freesurfer"
    for version in VERSIONS:
        write_stats(home / ("sub-v" + version.replace(".", "")), typical, version)
    for name, change in states.items():
        for path in (home / f"sub-{name}" / "stats").iterdir():
            path.write_bytes(change(path.read_bytes()))
    done = app(bids, tmp_path / "out", "participant")
    found = rows(tmp_path / "out")
    ages = {float(found["sub-v" + v.replace(".", "")]["predicted_age"]) for v in VERSIONS}
    assert max(ages) - min(ages) < 0.01
    assert found["sub-crlf"]["predicted_age"] == found["sub-v741"]["predicted_age"]
    for name in ("empty", "binary", "html", "utf16", "annex"):
        row = found[f"sub-{name}"]
        assert row["status"] in ("failed", "no_input") and row["predicted_age"] == "n/a", name
        assert row["status_reason"] != "n/a"
    assert "datalad get" in found["sub-annex"]["status_reason"]
    for name in ("cut", "headeronly"):
        row = found[f"sub-{name}"]
        assert row["status"] == "failed" or float(row["missing_measures"]) > 0.1, name
    assert done.code == 1


def test_a_recon_of_another_kind_is_no_crash(tmp_path, typical, without_pages):
    bids = write_dataset(tmp_path / "bids", [Person("01", measures=typical), Person("02")])
    stats = bids / "derivatives" / "fmriprep" / "sourcedata" / "freesurfer" / "sub-02" / "stats"
    stats.mkdir(parents=True)
    (stats / "aseg.stats").mkdir()
    (stats / "lh.aparc.a2009s.stats").symlink_to(stats)
    describe(bids, "raw")
    assert app(bids, tmp_path / "out", "participant").code == 1
    found = rows(tmp_path / "out")
    assert [found[f"sub-0{n}"]["status"] == "ok" for n in (1, 2)] == [True, False]
