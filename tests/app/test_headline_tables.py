import json

from bids_brainage.app.headline_tables import write_idp, write_phenotype
from bids_brainage.bids.outputs import read_tsv

NAMES = {name: {"Description": name} for name in ("participant_id", "session_id", "model", "status",
                                                  "predicted_age")}  # fmt: skip


def row(participant, session, model, status, age="n/a"):
    return dict(zip(NAMES, (participant, session, model, status, age), strict=True))


ROWS = [
    row("sub-01", "ses-a", "mavae", "ok", "30"),
    row("sub-01", "ses-a", "fusion", "ok", "31"),
    row("sub-01", "ses-b", "fusion", "ok", "32"),
    row("sub-02", "n/a", "mavae", "failed"),
    row("sub-02", "n/a", "volumes", "ok", "40"),
    row("sub-02", "n/a", "fusion", "failed"),
    row("sub-03", "n/a", "n/a", "failed"),
]


def test_a_participant_has_the_headline_of_the_first_session(tmp_path):
    write_phenotype(tmp_path, iter(ROWS), NAMES)
    found = read_tsv(tmp_path / "phenotype" / "brainage.tsv")
    assert [(r["participant_id"], r["model"], r["predicted_age"]) for r in found] == [
        ("sub-01", "fusion", "31"), ("sub-02", "volumes", "40"), ("sub-03", "n/a", "n/a"),
    ]  # fmt: skip
    assert "session_id" not in found[0]


def test_phenotypes_of_images_have_labels_without_prefixes(tmp_path):
    write_idp(tmp_path, iter(ROWS), NAMES)
    found = read_tsv(tmp_path / "idp" / "brainage.tsv")
    assert [(r["participant_id"], r["session_id"]) for r in found] == [
        ("01", "a"), ("01", "b"), ("02", "n/a"), ("03", "n/a"),
    ]  # fmt: skip
    assert set(json.loads((tmp_path / "idp" / "brainage.json").read_text())) == set(NAMES)
    write_idp(tmp_path, None, NAMES)
    assert not list((tmp_path / "idp").iterdir())
