"""Measures of people at other ages, from an OUTPUT_DIR or a table: ``brainage traverse``."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bids_brainage.app.trajectories import cautions, digits, own_rows, summary
from bids_brainage.app.traverse_inputs import Person, read_people
from bids_brainage.bids.outputs import write_json, write_text, write_tsv
from bids_brainage.errors import OutputError, UsageError
from bids_brainage.models.attribution import Attribution
from bids_brainage.predict.traverser import MODALITY, Trajectory, Traverser, load_traverser
from bids_brainage.records.trajectory import CONTRIBUTION, LONG, OWN
from bids_brainage.report.measures import measure_of
from bids_brainage.report.trajectory_figure import Curve, Likelihood, by_age

logger = logging.getLogger(__name__)
DRAWN = 11
COLUMNS = ("participant_id", "session_id", "age", "sex", "inverted_age",
           "measures_beyond_2_sd", "largest_deviation", "folder", "remarks")  # fmt: skip
Row = dict[str, Any]


@dataclass(frozen=True)
class TraverseOptions:
    """What ``brainage traverse`` was asked to do.

    Parameters
    ----------
    source
        An OUTPUT_DIR of the participant level, or a TSV or CSV with a column per measure.
    output
        Folder to write.
    model
        Shipped model, or a folder.
    participants, sessions
        Labels; empty for all.
    ages
        Ages of the tables; empty for those of the model.
    age, sex
        Of one person, in place of what the input tells.
    """

    source: Path
    output: Path
    model: str = "cvae"
    participants: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()
    ages: tuple[float, ...] = ()
    age: float | None = None
    sex: str | None = None


def traverse_people(
    options: TraverseOptions, progress: Callable[[str], None] = logger.info
) -> list[Row]:
    """Write tables and a figure of each person, and one table of all.

    Returns
    -------
    list
        One row per person, see `COLUMNS`; a person without usable measures has no folder.

    Raises
    ------
    MissingInputError, InputError, ModelError, SelectionError, UsageError, OutputError
        If the input or the model does not exist or is no such thing, nobody is chosen, an age is
        none that the model knows, or the output cannot be written.
    """
    traverser = load_traverser(options.model)
    ages = _checked_ages(options.ages, traverser)
    _check_output(options)
    people = read_people(options.source, traverser, options.participants, options.sessions)
    if options.age is not None or options.sex:
        if len(people) != 1:
            raise UsageError(
                f"--age or --sex for {len(people)} people", hint="choose one with "
                "--participant-label and --session-label, or put ages and sexes into the table",
            )  # fmt: skip
        age = people[0].age if options.age is None else options.age
        people = [replace(people[0], age=age, sex=options.sex or people[0].sex)]
    rows = []
    for number, person in enumerate(people, start=1):
        rows.append(_one(person, traverser, ages, options.output))
        progress(f"[{number}/{len(people)}] {person.name}")
    write_tsv(options.output / "traverse.tsv", rows, COLUMNS)
    return rows


def _one(person: Person, traverser: Traverser, ages: Sequence[float], output: Path) -> Row:
    row: Row = {"participant_id": person.participant_id, "session_id": person.session_id,
                "age": person.age, "sex": person.sex}  # fmt: skip
    if person.vector is None:
        return row | {"remarks": person.problem}
    found = traverser.traverse(person.vector, person.age, person.sex, ages)
    curve = traverser.traverse(person.vector, person.age, person.sex, traverser.grid())
    added = traverser.attribute(person.vector)
    told = [*person.remarks, *cautions(traverser, found)]
    for text in told:
        logger.warning("%s: %s", person.name, text)
    folder = output / person.name
    write_tsv(folder / "trajectory.tsv", _long_rows(traverser.names, found), list(LONG))
    write_json(folder / "trajectory.json", LONG)
    write_tsv(folder / "deviations.tsv", own_rows(traverser.names, found, added),
              [*OWN, "contribution"])  # fmt: skip
    about = {**summary(traverser, found, added), **OWN, "contribution": CONTRIBUTION}
    write_json(folder / "deviations.json", about)
    write_text(folder / "figures" / "trajectory.svg", draw(traverser.names, curve, added))
    size = np.abs(found.deviation)
    return row | {
        "inverted_age": round(found.inverted_age, 1),
        "measures_beyond_2_sd": int((size > 2).sum()),
        "largest_deviation": traverser.names[int(np.nanargmax(size))],
        "folder": person.name,
        "remarks": "; ".join(told),
    }


def draw(names: Sequence[str], found: Trajectory, added: Attribution) -> str:
    """Draw how well each age fits, and the measures that add or take most years.

    Returns
    -------
    str
        SVG text.
    """
    years = added.years[MODALITY].cpu().numpy()
    order = [i for i in np.argsort(-np.abs(years)).tolist() if np.isfinite(found.value[i])]
    curves = []
    for i in order[:DRAWN]:
        measure = measure_of(names[i])
        curves.append(
            Curve(
                measure.words, measure.unit, found.ages, measure.factor * found.expected[:, i],
                measure.factor * found.spread[:, i], found.own_age,
                measure.factor * float(found.value[i]), measure.factor * found.most_likely[:, i],
                measure.factor * found.keeping_residual[:, i], measure.volume,
            )
        )  # fmt: skip
    own = found.own_age if found.age_known else float("nan")
    return by_age(curves, Likelihood(found.ages, found.likelihood, found.inverted_age, own))


def _long_rows(names: Sequence[str], found: Trajectory) -> list[Row]:
    parts = {
        name: [digits(line) for line in getattr(found, name)]
        for name in ("most_likely", "keeping_residual", "expected", "spread")
    }
    return [
        {"measure": measure, "age": age, **{name: lines[j][i] for name, lines in parts.items()}}
        for i, measure in enumerate(names)
        for j, age in enumerate(found.ages.tolist())
    ]


def _checked_ages(ages: Sequence[float], traverser: Traverser) -> tuple[float, ...]:
    low, high = traverser.age_range
    for age in ages:
        if not low <= age <= high:
            raise UsageError(
                f"--ages {age:g}: model {traverser.card.name} knows ages from {low:g} to {high:g}",
                hint="what lies beyond would be a guess",
            )
    return tuple(sorted(set(ages))) or traverser.grid()


def _check_output(options: TraverseOptions) -> None:
    source, output = options.source.resolve(), options.output.resolve()
    if options.source.is_dir() and output.is_relative_to(source):
        raise OutputError("the output is inside the input", place=options.output,
                          hint="choose another with --output")  # fmt: skip
