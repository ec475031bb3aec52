"""Read tables of predictions: one set of people per model, and what was left out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd

from bids_brainage.app.evaluation_columns import ROLES, find_columns, looks_corrected
from bids_brainage.app.frames import read_frame
from bids_brainage.bids.demographics import FEMALE, MALE
from bids_brainage.errors import InputError
from bids_brainage.evaluation.scores import People, decades

NUMBERS = ("age", "predicted", "lower", "upper", "probability", "head_size", "gap", "corrected")
SHOWN = 5
OLDEST = 120.0
LARGEST = 1e9  # what is beyond is no measurement
_TOLERANCE = 1e-5  # years; tables keep nine digits
NO_MODEL = "n/a"
OF_ONE_MODEL = ("probability", "lower", "upper", "gap", "corrected", "status")
_SAME = ("model", "dataset", "participant", "session")


def read_models(
    paths: Sequence[Path],
    named: Mapping[str, str],
    cluster: str,
    predictions: Sequence[tuple[str, str]] = (),
) -> tuple[dict[str, People], list[str]]:
    """Read the predictions of each model for people of known age.

    Parameters
    ----------
    paths
        Tables; a model that several of them hold is told apart by the table's name.
    named
        Columns that the user named, by role.
    predictions
        Columns of predicted ages, each a model, and of probabilities of being female, in the same
        order; by default the one column of each that has a usual name.
    cluster
        ``participant``, ``site`` or ``dataset``: what is resampled as a whole.

    Returns
    -------
        People by model in the order of the tables, and sentences on what was left out.

    Raises
    ------
    MissingInputError, InputError
        If a table is absent or broken, lacks a column, has nobody with both ages, or holds
        corrected predictions.
    """
    notes: list[str] = []
    frames = [_read(path, named, predictions, notes) for path in paths]
    holders = Counter(name for frame in frames for name in frame["model"].unique())
    for label, frame in zip(_labels(paths), frames, strict=True):
        shared = frame["model"].map(holders) > 1
        frame.loc[shared, "model"] = frame.loc[shared, "model"] + f" ({label})"
    whole = pd.concat(frames, ignore_index=True)
    if cluster != "participant" and (whole[cluster] == "").any():
        raise InputError(
            f"rows without a {cluster}, which was to be resampled",
            hint=f"give a column {ROLES[cluster][0]}" if cluster == "dataset"
            else f"name the column with --{cluster}-column",
        )  # fmt: skip
    whole = _sessions(_split(whole), notes)
    return {str(name): _people(rows, cluster) for name, rows in
            whole.groupby("model", sort=False)}, notes  # fmt: skip


def _stem(path: Path) -> str:
    return path.name.partition(".")[0]


def _labels(paths: Sequence[Path]) -> list[str]:
    """Names that tell the tables apart: as short as they can be."""
    short = [_stem(path) for path in paths]
    if len(set(short)) < len(short):
        short = [
            f"{path.resolve().parent.name}/{stem}" for path, stem in zip(paths, short, strict=True)
        ]
    if len(set(short)) < len(short):
        short = [f"{i}: {label}" for i, label in enumerate(short, start=1)]
    return short


def _read(
    path: Path,
    named: Mapping[str, str],
    predictions: Sequence[tuple[str, str]],
    notes: list[str],
) -> pd.DataFrame:
    """Rows of a table with both ages, under the names of the roles; missing text is empty."""
    raw = read_frame(path, text=True)
    frames = []
    for predicted, probability in predictions or [("", "")]:
        pair = {"predicted": predicted, "probability": probability}
        told = {role: name for role, name in pair.items() if name}
        columns = find_columns(raw, {**named, **told}, path)
        if len(predictions) < 2:
            return _rows(raw, columns, path, path.name, notes)
        # Whatever has a usual name belongs to one of the models at most.
        shared = {role: name for role, name in columns.items() if role not in OF_ONE_MODEL}
        frame = _rows(raw, shared | told, path, f"{path.name}, {predicted}", notes)
        frame["model"] = frame["model"] + f":{predicted}" if "model" in columns else predicted
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def _rows(
    raw: pd.DataFrame, columns: Mapping[str, str], path: Path, label: str, notes: list[str]
) -> pd.DataFrame:
    frame = pd.DataFrame(
        {role: raw[columns[role]] if role in columns else "" for role in ROLES}, index=raw.index
    )
    for role in NUMBERS:
        values = pd.to_numeric(frame[role], errors="coerce").astype(float)
        frame[role] = values.where(values.abs() < LARGEST)
    frame = frame.fillna({role: "" for role in ROLES if role not in NUMBERS})
    nameless = NO_MODEL if "model" in columns else _stem(path)
    frame["model"] = frame["model"].replace("", nameless)
    frame["row"] = [f"{path}:{i}" for i in range(len(frame))]
    frame["named_sessions"] = "session" in columns
    frame["age"] = frame["age"].where(frame["age"] >= 0)
    said = _left_out(frame, label), _ages(frame, path), _sexes(frame, path), _odd(frame, path)
    for note in chain.from_iterable(said):
        if note not in notes:
            notes.append(note)
    if looks_corrected(columns["predicted"]):
        notes.append(
            f"{path.name}: column {columns['predicted']} was corrected, by its name; corrected "
            "predictions use the ages of these people, and their scores are no accuracy"
        )
    known = frame.dropna(subset=["age", "predicted"]).copy()
    if known.empty:
        raise InputError(
            f"nobody has both {columns['age']} and {columns['predicted']}",
            place=path,
            hint="ages come from participants.tsv",
        )
    _refuse_corrected(known, path)
    return known


def _left_out(frame: pd.DataFrame, label: str) -> list[str]:
    no_age, no_prediction = frame["age"].isna(), frame["predicted"].isna()
    failed = no_prediction & ~frame["status"].isin(["", "ok"])
    counts = {
        "failed or without input": failed,
        "without a prediction": no_prediction & ~failed,
        "without an age": no_age & ~no_prediction,
    }
    said = [f"{int(rows.sum())} {words}" for words, rows in counts.items() if rows.any()]
    return [f"{label}: of {len(frame)} rows left out: {', '.join(said)}"] if said else []


def _ages(frame: pd.DataFrame, path: Path) -> list[str]:
    """Take impossible ages out, and tell how many there were."""
    old = frame["age"] > OLDEST
    if not old.any():
        return []
    if old.sum() == frame["age"].notna().sum():
        raise InputError(f"all ages are above {OLDEST:g}", place=path,
                         hint="ages must be in years; are these days or months?")  # fmt: skip
    frame.loc[old, "age"] = np.nan
    return [f"{path.name}: left out for an age above {OLDEST:g} years: {int(old.sum())}"]


def _sexes(frame: pd.DataFrame, path: Path) -> list[str]:
    """Bring sexes to F and M; whatever else stands there counts as unknown and is told."""
    words = frame["sex"].str.strip().str.lower()
    other = frame["sex"][(words != "") & ~words.isin(FEMALE) & ~words.isin(MALE)]
    frame["sex"] = np.where(words.isin(FEMALE), "F", np.where(words.isin(MALE), "M", ""))
    if other.empty:
        return []
    values = ", ".join(sorted(other.unique())[:SHOWN])
    return [f"{path.name}: {len(other)} sexes are neither F nor M ({values}) and count as unknown"]


def _odd(frame: pd.DataFrame, path: Path) -> list[str]:
    """Take impossible probabilities and intervals out, and tell how many there were."""
    notes = []
    outside = frame["probability"].notna() & ~frame["probability"].between(0, 1)
    if outside.any():
        frame.loc[outside, "probability"] = np.nan
        notes.append(f"{path.name}: {int(outside.sum())} probabilities are not between 0 and 1")
    turned = frame["lower"] > frame["upper"]
    if turned.any():
        frame.loc[turned, ["lower", "upper"]] = np.nan
        notes.append(f"{path.name}: {int(turned.sum())} intervals end before they begin")
    return notes


def _refuse_corrected(frame: pd.DataFrame, path: Path) -> None:
    gap = frame["predicted"] - frame["age"]
    told = frame["corrected"].notna()
    if not told.any() or not np.allclose(gap[told], frame["corrected"][told], atol=_TOLERANCE):
        return
    plain = frame["gap"][told]
    if plain.isna().any() or not np.allclose(gap[told], plain, atol=_TOLERANCE):
        raise InputError(
            "predicted ages are ages plus brain_age_gap_corrected",
            place=path,
            hint="accuracy is never computed from corrected values; give the predicted ages",
        )


def _split(frame: pd.DataFrame) -> pd.DataFrame:
    """Tell models apart by their inputs where a session has a row for each of them."""
    kinds = frame[frame["participant"] != ""].drop_duplicates([*_SAME, "modalities"])
    several = set(kinds.loc[kinds.duplicated(list(_SAME)), "model"])
    chosen = frame["model"].isin(several)
    frame.loc[chosen, "model"] += ":" + frame.loc[chosen, "modalities"].replace("", "n/a")
    return frame


def _sessions(frame: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Leave out repeated rows; number the rows of participants where sessions have no names."""
    named = frame["participant"] != ""
    twice = named & frame.duplicated([*_SAME, "age", "predicted"])
    if twice.any():
        notes.append(f"{int(twice.sum())} rows stand there twice and count once")
        frame, named = frame[~twice].copy(), named[~twice]
    again = frame.duplicated(list(_SAME)) & named & frame["named_sessions"]
    if again.any():
        notes.append(
            f"{int(again.sum())} rows are of a session that has another prediction of the same "
            "model; the first counts"
        )
        frame, named = frame[~again].copy(), named[~again]
    frame["number"] = frame.groupby(list(_SAME), sort=False).cumcount()
    return frame


def _people(rows: pd.DataFrame, cluster: str) -> People:
    named = rows["participant"] != ""
    person = (rows["dataset"] + "/" + rows["participant"]).where(named, rows["row"])
    session = rows["session"] + "/" + rows["number"].astype(str)
    groups = {"decade": decades(rows["age"].to_numpy())}
    for name in ("sex", "dataset", "site"):
        levels = rows[name].to_numpy(str)
        if len(set(levels) - {""}) > (name != "sex"):
            groups[name] = levels
    order = rows.reset_index(drop=True).sort_values(["age", "session", "number"], kind="stable")
    return People(
        age=rows["age"].to_numpy(),
        predicted=rows["predicted"].to_numpy(),
        person=person.to_numpy(str),
        key=(person + "/" + session).to_numpy(str),
        order=order.index.to_numpy(),
        cluster=person.to_numpy(str) if cluster == "participant" else rows[cluster].to_numpy(str),
        lower=rows["lower"].to_numpy(),
        upper=rows["upper"].to_numpy(),
        female=rows["sex"].map({"F": 1.0, "M": 0.0}).to_numpy(float),
        probability=rows["probability"].to_numpy(),
        head=rows["head_size"].to_numpy(),
        groups=groups,
    )
