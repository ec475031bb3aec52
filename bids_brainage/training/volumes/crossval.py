"""Cross-validation of the volume regressions: the tables behind the choice of what ships."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bids_brainage.bids.outputs import write_json, write_text, write_tsv
from bids_brainage.training.volumes import agreement
from bids_brainage.training.volumes.candidates import Candidate, usable
from bids_brainage.training.volumes.decision import Decision, decide
from bids_brainage.training.volumes.evaluate import REPEATS, Result, Scheme, evaluate, schemes
from bids_brainage.training.volumes.images import find_datasets
from bids_brainage.training.volumes.scores import COLUMNS, score
from bids_brainage.training.volumes.sources import left_out_measures, load_volumes
from bids_brainage.training.volumes.table import IMAGES, MUSE, VolumeTable, join
from bids_brainage.training.volumes.tables_text import markdown

logger = logging.getLogger(__name__)
MEASURED = "measured"
Row = dict[str, Any]


@dataclass(frozen=True)
class CrossvalOptions:
    """Options of a cross-validation.

    Parameters
    ----------
    data
        See `load_volumes`.
    output
        Folder for tables, predictions and the measures of images.
    segmentation
        Model that cuts images.
    device
        Where it runs.
    repeats
        How often the people with images are dealt to folds anew.
    threads
        CPUs for measuring images.
    left_out
        Output of ``brainage crossval resunet``, whose networks measure the heads that they have
        not seen, for the agreement; the model above does if not given.
    """

    data: Path
    output: Path
    segmentation: str = "resunet"
    device: str = "cpu"
    repeats: int = REPEATS
    threads: int = 1
    left_out: Path | None = None


def run_crossval(options: CrossvalOptions) -> Path:
    """Run the cross-validation and write its tables.

    Returns
    -------
    Path
        The folder with ``crossval.md``, ``crossval.tsv``, ``agreement.tsv``, ``crossval.json``
        and ``predictions.tsv``.
    """
    table = load_volumes(
        options.data, options.output / MEASURED, segmentation=options.segmentation,
        device=options.device, threads=options.threads,
    )  # fmt: skip
    twins = _twins(table, options.data)
    ratios = _agreement(table, twins, options) if twins else []
    rows: list[Row] = []
    results: list[Result] = []
    decision: Decision | None = None
    for scheme in schemes(table, options.repeats):
        candidates = tested(scheme, table)
        result = evaluate(table, scheme, candidates)
        results.append(result)
        rows += lines(table, result, candidates)
        if scheme.slug == f"{IMAGES}-people":
            decision = decide(table, scheme, candidates, result)
            rows += decision_lines(decision, scheme)
            rows += dataset_lines(table, result, decision)
        if ratios and scheme.method == IMAGES:
            rows += _aligned_lines(table, scheme, ratios)
    if MUSE in table.methods and IMAGES in table.methods:
        rows += level_lines(table, results)
    _write(options.output, table, rows, ratios, results, decision)
    return options.output


def tested(scheme: Scheme, table: VolumeTable) -> list[Candidate]:
    """List the candidates that a scheme tests.

    All for people with images, so that what was learnt elsewhere shows; else those that are
    trained on people measured alike.
    """
    found = usable(table.methods)
    return [c for c in found if scheme.method == IMAGES or scheme.method in c.methods]


def lines(table: VolumeTable, result: Result, candidates: Sequence[Candidate]) -> list[Row]:
    """Score every candidate of a scheme."""
    median = result.predicted["median"]
    head = {"tested": result.scheme.label}
    return [
        head | {"model": "guess the median", "trained_on": result.scheme.method}
        | score(table, median, median),
        *(
            head | {"model": c.label, "trained_on": c.trained_on}
            | score(table, result.predicted[c.slug], median)
            for c in candidates
        ),
    ]  # fmt: skip


def decision_lines(decision: Decision, scheme: Scheme) -> list[Row]:
    """Score the choice: made inside each fold."""
    return [{"tested": scheme.label, "model": "chosen inside each fold", "trained_on": "",
             **decision.honest}]  # fmt: skip


def dataset_lines(table: VolumeTable, result: Result, decision: Decision) -> list[Row]:
    """Score each dataset of images by itself, so that knowing the dataset counts for nothing."""
    slug = decision.candidate.slug
    median, predicted = result.predicted["median"], result.predicted[slug]
    datasets = np.unique(table.datasets[table.methods == result.scheme.method])
    return [
        {
            "tested": f"{result.scheme.label}: {name}",
            "model": decision.candidate.label,
            "trained_on": decision.candidate.trained_on,
            **score(table, predicted, median, table.datasets == name),
        }
        for name in datasets
        if len(datasets) > 1
    ]


def _aligned_lines(table: VolumeTable, scheme: Scheme, ratios: list[dict[str, Any]]) -> list[Row]:
    moved = agreement.aligned(table, ratios)
    candidates = [c for c in usable(table.methods) if c.methods == (MUSE,)]
    rows = lines(moved, evaluate(moved, scheme, candidates), candidates)[1:]
    return [row | {"trained_on": f"{row['trained_on']} (brought to our level)"} for row in rows]


def level_lines(table: VolumeTable, results: Sequence[Result]) -> list[Row]:
    """Score people of ixi_muse at the level of our images: whether ages above theirs come out."""
    scheme = next((r.scheme for r in results if r.scheme.slug == f"{MUSE}-people"), None)
    if scheme is None:
        return []
    apart = [c for c in usable(table.methods) if c.apart and MUSE in c.methods]
    at_images = Scheme(scheme.slug, f"{scheme.label}, level of our images", IMAGES, scheme.folds)
    return lines(table, evaluate(table, at_images, apart), apart)[1:]


def _twins(table: VolumeTable, data: Path) -> VolumeTable | None:
    found = [agreement.labelled_twins(table, root) for root in find_datasets(data)]
    known = [twins for twins in found if twins is not None]
    return join(known, data) if known else None


def _agreement(
    table: VolumeTable, twins: VolumeTable, options: CrossvalOptions
) -> list[dict[str, Any]]:
    unseen: dict[str, dict[str, float]] = {}
    if options.left_out is not None:
        unseen = left_out_measures(
            options.data, options.left_out, options.device, options.threads
        )  # fmt: skip
    seen = sorted(set(twins.participants.tolist()) - set(unseen))
    if seen:
        logger.warning("%s: the network has seen the labels of these heads", ", ".join(seen))
    rows = agreement.agreement(table, twins, unseen)
    return [row | {"n_unseen": len(twins) - len(seen)} for row in rows]


def _write(
    folder: Path,
    table: VolumeTable,
    rows: Sequence[Row],
    ratios: Sequence[Mapping[str, Any]],
    results: Sequence[Result],
    decision: Decision | None,
) -> None:
    write_tsv(folder / "crossval.tsv", rows, COLUMNS)
    write_tsv(folder / "agreement.tsv", ratios, agreement.COLUMNS)
    content: Row = {"rows": rows, "agreement": ratios}
    if decision is not None:
        content["decision"] = {
            "candidate": decision.candidate.slug, "default": decision.beats_median,
            "words": decision.words, "scores": decision.scores, "nested": decision.honest,
            "chosen": decision.chosen,
        }  # fmt: skip
    write_json(folder / "crossval.json", content)
    write_text(folder / "crossval.md", markdown(table, rows, ratios, decision))
    _write_predictions(folder, table, results)


def _write_predictions(folder: Path, table: VolumeTable, results: Sequence[Result]) -> None:
    columns = ["participant_id", "site", "age"]
    people: list[Row] = [
        {"participant_id": p, "site": s, "age": float(a)}
        for p, s, a in zip(table.participants, table.sites, table.age, strict=True)
    ]
    for result in results:
        for slug, predicted in result.predicted.items():
            column = f"{result.scheme.slug}_{slug}"
            columns.append(column)
            for row, years in zip(people, predicted.mean(axis=0), strict=True):
                row[column] = float(years)
    write_tsv(folder / "predictions.tsv", people, columns)
