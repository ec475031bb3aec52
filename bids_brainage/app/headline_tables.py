"""Tables of one row per participant or session, made from the group table: the headline's."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from bids_brainage.bids.outputs import write_json, write_tsv
from bids_brainage.records.prediction import FUSION

Row = dict[str, Any]
MEASURE = {
    "MeasurementToolMetadata": {
        "Description": "Brain age and sex predicted by bids_brainage (first session)."
    }
}
LABELS = {
    "participant_id": ("sub-", "Participant label without prefix."),
    "session_id": ("ses-", "Session label without prefix; n/a in a dataset without sessions."),
}


def headline(rows: Iterable[Row]) -> Row:
    """Of a session's rows that of the combined model if it is ok, else the first that is."""
    found = list(rows)
    good = [row for row in found if row["status"] == "ok"]
    return next((row for row in good if row["model"] == FUSION), (good or found)[0])


def write_phenotype(
    output: Path, rows: Iterable[Row], dictionary: Mapping[str, Mapping[str, Any]]
) -> None:
    """One row per participant, the headline of the first session, as BIDS phenotype files want."""
    names = [name for name in dictionary if name != "session_id"]
    people = groupby(rows, itemgetter("participant_id"))
    first = (headline(next(groupby(p, itemgetter("session_id")))[1]) for _, p in people)
    write_tsv(output / "phenotype" / "brainage.tsv", first, names)
    described = {name: dictionary[name] for name in names}
    write_json(output / "phenotype" / "brainage.json", MEASURE | described)


def write_idp(
    output: Path, rows: Iterable[Row] | None, dictionary: Mapping[str, Mapping[str, Any]]
) -> None:
    """One row per session with labels without prefixes, as nipoppy wants phenotypes of images.

    Parameters
    ----------
    rows
        Rows of the group table; None removes an older table.
    """
    table = output / "idp" / "brainage.tsv"
    if rows is None:
        table.unlink(missing_ok=True)
        table.with_suffix(".json").unlink(missing_ok=True)
        return
    write_tsv(table, _bare(rows), list(dictionary))
    labels = {name: {"Description": text} for name, (_, text) in LABELS.items()}
    write_json(table.with_suffix(".json"), {**dictionary, **labels})


def _bare(rows: Iterable[Row]) -> Iterator[Row]:
    for _, session in groupby(rows, itemgetter("participant_id", "session_id")):
        row = headline(session)
        yield row | {name: row[name].removeprefix(prefix) for name, (prefix, _) in LABELS.items()}
