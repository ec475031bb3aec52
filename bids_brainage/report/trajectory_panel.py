"""Measures that make a brain look older or younger, beside those of others of every age."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bids_brainage.records.trajectory import SEX_WORDS
from bids_brainage.report.measures import measure_of
from bids_brainage.report.pages import decimals, years
from bids_brainage.report.panel import Panel, save_figure
from bids_brainage.report.reading import SessionDerivatives, number
from bids_brainage.report.trajectory_figure import Curve, older_or_younger

TITLE = "Measures that make this brain look older or younger"
MOST = 7
CURVES = 6
# Smaller numbers of years are no more than noise in a figure.
LEAST = 0.005
# Share of the measures beyond two standard deviations from which on age is an unlikely reason.
MANY = 0.2
Row = dict[str, str]


def trajectory_panels(
    output_dir: Path, folder: Path, stem: str, session: SessionDerivatives
) -> list[Panel]:
    """Draw the measures that add and take most years, and how six of them go with age.

    Raises
    ------
    OutputError
        If the figure cannot be written.
    """
    rows = [row for row in session.trajectory if np.isfinite(number(row["value"]))]
    ages = known_ages(rows)
    chosen = strongest(rows)
    if not chosen or len(ages) < 2:
        return []
    about = session.trajectory_sidecar
    added = [(measure_of(r["measure"]).words, number(r["contribution"])) for r in chosen]
    largest = sorted(chosen, key=lambda row: -abs(number(row["contribution"])))[:CURVES]
    figure = older_or_younger(added, [curve_of(row, ages, number(about.get("Age")))
                                      for row in largest])  # fmt: skip
    source = save_figure(output_dir, folder, f"{stem}_desc-trajectory_morph.svg", figure)
    return [Panel(source, TITLE, _alt(added), _caption(about, rows))]


def known_ages(rows: Sequence[Row]) -> list[float]:
    """Ages that a table has columns of, in order."""
    names = rows[0] if rows else {}
    found = (number(name.removeprefix("expected_")) for name in names
             if name.startswith("expected_"))  # fmt: skip
    return sorted(age for age in found if np.isfinite(age))


def strongest(rows: Sequence[Row], most: int = MOST) -> list[Row]:
    """List rows that add most, largest first, and then those that take most, largest last."""
    order = sorted(
        (row for row in rows if abs(number(row["contribution"])) >= LEAST),
        key=lambda row: -number(row["contribution"]),
    )
    up = [row for row in order if number(row["contribution"]) > 0][:most]
    down = [row for row in order if number(row["contribution"]) < 0][-most:]
    return up + down


def curve_of(row: Row, ages: Sequence[float], age: float) -> Curve:
    """One row of the table as a curve in the unit of the page."""
    measure = measure_of(row["measure"])

    def line(what: str) -> np.ndarray:
        return measure.factor * np.array([number(row.get(f"{what}_{a:g}")) for a in ages])

    return Curve(
        name=measure.words, unit=measure.unit, ages=np.array(ages), expected=line("expected"),
        spread=line("spread"), age=age, value=measure.factor * number(row["value"]),
        own=line("at"), keeping=np.array([]), logarithmic=measure.volume,
    )  # fmt: skip


def _alt(added: Sequence[tuple[str, float]]) -> str:
    order = sorted(added, key=lambda item: -abs(item[1]))[:3]
    listed = ", ".join(f"{name} {years(value, True)} years" for name, value in order)
    return f"Bars of the measures that add or take most years, and curves by age: {listed}."


def _caption(about: dict[str, Any], rows: Sequence[Row]) -> str:
    """Say in plain words what is seen, and what it is not."""
    others = SEX_WORDS.get(str(about.get("Sex")), "people")
    age, best = number(about.get("Age")), number(about.get("InvertedAge"))
    known = about.get("AgeKnown") is not False
    text = (
        "Left: what a measure adds (orange) to the age that fits the measures of this scan, or "
        f"takes from it (blue); that age is {years(best)} years. Cortical regions stand for their "
        "thickness, other structures for their volume. Right: the six largest. Grey is what the "
        f"model expects of {others} at each age, with bands of one and two standard deviations; "
        f"the dot is this scan at {'the' if known else 'the fitting'} age of {years(age)} years; "
        "the blue line is what the model takes for most likely at other ages for a brain like "
        "this one. "
    )
    deviations = np.abs([number(row["deviation"]) for row in rows])
    beyond, count = int((deviations > 2).sum()), int(np.isfinite(deviations).sum())
    if count:
        text += (
            f"{beyond} of {count} measures ({decimals(100 * beyond / count, 0)} %) lie beyond two "
            "standard deviations; about 5 % do in anyone. "
        )
    if count and beyond > MANY * count:
        text += (
            "So many at once rather tell of the scanner, the FreeSurfer version, motion or the "
            "size of the head. "
        )
    text += (
        "The lines compare different people of different ages: they are no forecast for this "
        "person, and no measure shown is a cause or a finding. For research only."
    )
    told = about.get("Warnings")
    for caution in told if isinstance(told, list) else []:
        text += f" Mind: {caution}."
    return text
