"""What a run will do: the dataset, the sessions, and how inputs are chosen."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bids_brainage.bids.dataset import Dataset, open_dataset
from bids_brainage.bids.filters import read_filters
from bids_brainage.bids.preferences import InputSelection
from bids_brainage.bids.selection import select_sessions
from bids_brainage.config import RunConfig
from bids_brainage.records.inputs import SessionInputs
from bids_brainage.records.session import SessionKey


@dataclass(frozen=True)
class Plan:
    """The sessions of a run and how their inputs are looked for."""

    dataset: Dataset
    keys: tuple[SessionKey, ...]
    selection: InputSelection


def make_plan(config: RunConfig) -> Plan:
    """List the sessions by scanning folder names; no image or sidecar is opened.

    Raises
    ------
    MissingInputError, DatasetError, SelectionError, UsageError
        As the dataset, the labels or the filter file require.
    """
    dataset = open_dataset(
        config.bids_dir,
        config.derivatives,
        config.fs_subjects_dir,
        search=config.search_derivatives,
    )
    keys = select_sessions(dataset, config.participant_labels, config.session_labels)
    keys = deal(keys, config.batch)
    filters = read_filters(config.bids_filter_file) if config.bids_filter_file else {}
    selection = InputSelection(task_ids=config.task_ids, filters=filters, raw=config.raw)
    return Plan(dataset, tuple(keys), selection)


def deal(keys: Sequence[SessionKey], batch: tuple[int, int] | None) -> list[SessionKey]:
    """Sessions of one batch: participants are dealt out in turn, with all their sessions."""
    if batch is None:
        return list(keys)
    number, count = batch
    mine = set(list(dict.fromkeys(key.participant for key in keys))[number - 1 :: count])
    return [key for key in keys if key.participant in mine]


def describe(plan: Plan) -> Iterator[str]:
    """Lines that say what was found and would be used for each session, and why."""
    # pybids is only needed here and in the workers.
    from bids_brainage.bids.inputs import find_inputs

    for note in plan.dataset.notes:
        yield f"dataset: {note}"
    usable = 0
    for key in plan.keys:
        inputs = find_inputs(plan.dataset, key, plan.selection)
        usable += inputs.usable
        yield from _describe_session(inputs)
    yield f"{len(plan.keys)} sessions, {usable} with usable input"


def _describe_session(inputs: SessionInputs) -> Iterator[str]:
    person = inputs.demographics
    age = "n/a" if person.age is None else f"{person.age:g} years"
    yield f"{inputs.key.stem}: age {age}, sex {person.sex or 'n/a'}"
    if inputs.freesurfer:
        yield f"    morphometry: {inputs.freesurfer}"
    for run in inputs.runs:
        yield f"    connectivity: {run.bold}"
        yield f"        mask {run.mask or 'n/a'}, confounds {run.confounds or 'n/a'}"
    if inputs.t1w:
        borrowed = " (of another session, for BOLD only)" if inputs.t1w_borrowed else ""
        yield f"    volumes: {inputs.t1w.path}, raw{borrowed}"
    if inputs.template_t1w:
        yield f"    image: {inputs.template_t1w.path}"
    for raw in inputs.raw_runs:
        seconds = "unknown" if raw.repetition_time is None else f"{raw.repetition_time:g} s"
        yield f"    connectivity: {raw.path}, raw, repetition time {seconds}"
    if not inputs.usable:
        yield "    no usable input"
    for note in (*person.notes, *inputs.notes):
        yield f"    note: {note}"
