"""The answer for one session and model: numbers, what they rest on, and warnings in plain words."""

import math
from dataclasses import dataclass, replace

from bids_brainage.records.prediction import FUSION
from bids_brainage.report.reading import SessionDerivatives, number

NOT_CLINICAL = (
    "Research use only: a brain age is a statistical estimate with an error of several years. "
    "It is no diagnosis and must not guide care."
)
EXPERIMENTAL = "experimental"
_SEX = {"F": "female", "M": "male"}
_INPUTS = {
    "morphometry": "brain morphometry (FreeSurfer thickness and volumes)",
    "connectivity": "functional connectivity (BOLD)",
    "volumes": "volumes of tissues and regions (raw T1w)",
}


@dataclass(frozen=True)
class AgeAxis:
    """Places on a drawn age axis, in percent of its width; NaN where unknown."""

    ticks: tuple[tuple[float, int], ...]
    age: float
    predicted: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Answer:
    """What one model says of one session.

    Parameters
    ----------
    status
        ``ok``, ``failed`` or ``no_input``.
    age, predicted, lower, upper, gap, corrected
        Years; NaN where missing.
    older
        Probability that the brain looks older than the person is; NaN where missing.
    contributions
        What each input or model added, in words.
    headline
        Whether it is the session's combined answer.
    female
        Probability that the sex is female; NaN where missing.
    rests_on
        Inputs in words.
    warnings
        What a reader must know before using the numbers.
    notes
        Remarks of less weight.
    experimental
        Whether the model's card calls it so.
    """

    session: str
    model: str
    status: str
    age: float = math.nan
    sex: str = ""
    predicted: float = math.nan
    lower: float = math.nan
    upper: float = math.nan
    gap: float = math.nan
    corrected: float = math.nan
    female: float = math.nan
    predicted_sex: str = ""
    rests_on: str = ""
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    axis: AgeAxis | None = None
    experimental: bool = False
    older: float = math.nan
    contributions: str = ""
    headline: bool = False

    @property
    def has_age(self) -> bool:
        """Whether there is an age to show."""
        return self.status == "ok" and not math.isnan(self.predicted)

    @property
    def sex_probability(self) -> float:
        """Probability of the predicted sex."""
        return 1 - self.female if self.predicted_sex == "male" else self.female


def session_answers(session: SessionDerivatives) -> list[Answer]:
    """Answers of a session; one that says why where there is no prediction."""
    label, log = session.key.session_id, session.log
    if session.interrupted:
        reason = (
            "The session was started and never finished: its process was stopped, or ran out of "
            "memory. Run it again."
        )
        return [Answer(label, "", "failed", warnings=(reason,))]
    if session.predictions:
        return _answers(session)
    if log is None:
        reason = "No extraction log and no predictions were found for this session."
        return [Answer(label, "", "no_input", warnings=(reason,))]
    age = number(log.age)
    sex = _SEX.get(log.sex or "", "")
    if log.status == "ok":
        reason = "Features were extracted, but no predictions have been written yet."
        return [Answer(label, "", "no_prediction", age=age, sex=sex, warnings=(reason,))]
    reason = _failure(log.status, log.reason)
    return [Answer(label, "", log.status, age=age, sex=sex, warnings=(reason,))]


def _answers(session: SessionDerivatives) -> list[Answer]:
    """Of a headline that repeats what one model says, and that model's answer, only one stands."""
    answers = [_answer(session, row) for row in session.predictions]
    headline, models = answers[0], answers[1:]
    told = [model for model in models if model.has_age] or models[:1]
    if not headline.headline or len(told) != 1 or told[0].status != headline.status:
        return answers
    alone = replace(told[0], headline=True, warnings=headline.warnings)
    return [alone, *(model for model in models if model is not told[0])]


def yes(cell: str | None) -> bool | None:
    """Read a true/false cell; None where it holds neither."""
    text = (cell or "").strip().lower()
    if text in ("true", "1", "yes"):
        return True
    return False if text in ("false", "0", "no") else None


def known(cell: str | None) -> str:
    """Text of a cell, empty where it is missing."""
    text = (cell or "").strip()
    return "" if text == "n/a" else text


def rests_on(cell: str | None, origins: dict[str, str] | None = None) -> str:
    """Name the inputs of a ``modalities`` cell in words.

    Parameters
    ----------
    origins
        Input to where it was made, written behind it.
    """
    names = [part for part in known(cell).replace(",", "+").replace(";", "+").split("+") if part]
    words = []
    for name in (part.strip() for part in names):
        origin = (origins or {}).get(name)
        words.append(_INPUTS.get(name, name) + (f", {origin}" if origin else ""))
    return " and ".join(words)


def _answer(session: SessionDerivatives, row: dict[str, str]) -> Answer:
    age, predicted = number(row.get("age")), number(row.get("predicted_age"))
    lower, upper = number(row.get("predicted_age_lower")), number(row.get("predicted_age_upper"))
    others = any(known(other.get("status")) == "ok" for other in session.predictions)
    warnings, notes = _warnings(row, age, predicted, others)
    return Answer(
        session=session.key.session_id,
        model=known(row.get("model")),
        status=known(row.get("status")) or "failed",
        age=age,
        sex=_SEX.get(row.get("sex", ""), known(row.get("sex"))),
        predicted=predicted,
        lower=lower,
        upper=upper,
        gap=number(row.get("brain_age_gap")),
        corrected=number(row.get("brain_age_gap_corrected")),
        female=number(row.get("probability_female")),
        predicted_sex=_SEX.get(row.get("predicted_sex", ""), known(row.get("predicted_sex"))),
        rests_on=rests_on(row.get("modalities"), _origins(session)),
        warnings=tuple(warnings),
        notes=tuple(notes),
        axis=age_axis(age, predicted, lower, upper),
        experimental=_experimental(session, known(row.get("model"))),
        older=number(row.get("probability_older")),
        contributions=known(row.get("contributions")),
        headline=known(row.get("model")) == FUSION,
    )


def _experimental(session: SessionDerivatives, model: str) -> bool:
    models = session.dictionary.get("Models")
    entry = models.get(model) if isinstance(models, dict) else None
    status = str(entry.get("Status", "")) if isinstance(entry, dict) else ""
    return status.lower() == EXPERIMENTAL


def _origins(session: SessionDerivatives) -> dict[str, str]:
    """Say of each input where it was made, as far as the derivatives tell."""
    software = session.morphometry_sidecar.get("Software")
    version = session.morphometry_sidecar.get("SoftwareVersion")
    named = [str(part) for part in (software, version) if part and part != "unknown"]
    origins = {"morphometry": " ".join(named)} if named else {}
    if session.connectivity or session.timeseries:
        made = "preprocessed here" if session.raw_runs else "preprocessed before"
        count = len(session.timeseries)
        origins["connectivity"] = f"{count} run{'s' * (count != 1)} {made}" if count else made
    return origins


def _failure(status: str, reason: str, others: bool = False) -> str:
    """Say why there is no prediction; ``others``: another model made one of this session."""
    if others:
        return f"This model made no prediction: {reason or 'no reason was recorded'}"
    if status == "no_input":
        return f"No usable input was found. {reason}".strip()
    return f"The session failed: {reason or 'no reason was recorded'}"


def _warnings(
    row: dict[str, str], age: float, predicted: float, others: bool
) -> tuple[list[str], list[str]]:
    status, reason = known(row.get("status")), known(row.get("status_reason"))
    if status != "ok":
        return [_failure(status, reason, others)], []
    warnings: list[str] = []
    notes: list[str] = []
    if math.isnan(predicted):
        why = f": {reason}" if reason else "."
        warnings.append(f"The model gave no age for this session{why}")
    elif reason:
        warnings.append(reason)
    if yes(row.get("out_of_distribution")):
        warnings.append(
            "The measures of this brain differ from those of the people the model was trained on "
            "(out of distribution): do not rely on the prediction."
        )
    told = [text for text in known(row.get("warnings")).split("; ") if text]
    warnings += [f"{text[0].upper()}{text[1:]}." for text in told]
    if yes(row.get("within_age_range")) is False and not told:
        warnings.append(
            "Outside the age range of the people the model was trained on: the prediction is an "
            "extrapolation and can be far off."
        )
    if known(row.get("quality")) == "check":
        why = known(row.get("quality_reasons"))
        warnings.append("Look at the input quality" + (f": {why}" if why else "."))
    sex, predicted_sex = known(row.get("sex")), known(row.get("predicted_sex"))
    if sex and predicted_sex and sex != predicted_sex:
        warnings.append(
            "The predicted sex differs from the recorded one. Most often the model errs; files "
            "of two participants may also have been mixed up."
        )
    if math.isnan(age):
        notes.append("The chronological age is unknown, so there is no brain age gap.")
    return warnings, notes


def age_axis(age: float, predicted: float, lower: float, upper: float) -> AgeAxis | None:
    """Lay out an age axis that holds all known ages; None without a prediction."""
    if math.isnan(predicted):
        return None
    values = [v for v in (age, predicted, lower, upper) if not math.isnan(v)]
    start = max(0.0, math.floor((min(values) - 12) / 10) * 10.0)
    start = min(start, math.floor(min(values) / 10) * 10.0)
    stop = math.ceil((max(values) + 12) / 10) * 10.0
    step = 10 * math.ceil((stop - start) / 100)

    def place(value: float) -> float:
        return round(100 * (value - start) / (stop - start), 2)

    ticks = tuple((place(t), t) for t in range(int(start), int(stop) + 1, step))
    return AgeAxis(ticks, place(age), place(predicted), place(lower), place(upper))
