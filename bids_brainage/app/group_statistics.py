"""The options of the group level, one after the other, on the table it has gathered."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bids_brainage.app.group_analysis import caveats, compare, write_effects
from bids_brainage.app.group_columns import condition_of, described, harmonise, refit
from bids_brainage.app.group_people import SITE, GroupPeople, read_people, site_column
from bids_brainage.app.known import dataset_names
from bids_brainage.app.overlap import trained_on
from bids_brainage.bids.dataset import Dataset, open_dataset
from bids_brainage.bids.outputs import iterate_tsv, write_tsv
from bids_brainage.config import RunConfig
from bids_brainage.errors import ModelError
from bids_brainage.evaluation.group_analysis import GroupAnalysis
from bids_brainage.models.cards import TrainingSample, read_card
from bids_brainage.models.find import CARD_NAME, find_model
from bids_brainage.records.group_columns import HARMONISED, REFIT
from bids_brainage.records.prediction import columns

Entries = dict[str, dict[str, Any]]


def analyse(config: RunConfig, table: Path) -> tuple[GroupAnalysis, Entries]:
    """Do what the options of the group level ask and add its columns to the table.

    Returns
    -------
    tuple[GroupAnalysis, Entries]
        Results, and the entries of the new columns for the data dictionary.

    Raises
    ------
    UsageError
        If a column does not exist, or nothing can be fitted.
    MissingInputError, DatasetError
        If BIDS_DIR is needed and cannot be read.
    """
    options = config.group
    asked = options.bias_fit is not None or options.harmonise or options.group_by
    if not asked:
        write_effects(table.parent, [])
        return GroupAnalysis(), {}
    condition = condition_of(options)
    wanted = [*options.group_by, *options.covariates, *(condition.names if condition else ()),
              *((options.site_column or SITE, "age", "sex", "mean_fd"))]  # fmt: skip
    reads = options.group_by or options.harmonise or (
        condition is not None and not set(condition.names) <= set(columns())
    )  # fmt: skip
    dataset = _open(config) if reads else None
    people = read_people(table, dataset, wanted)
    site = site_column(people, options.site_column) if reads else ""
    added: dict[str, np.ndarray] = {}
    entries: Entries = {}
    found: dict[str, Any] = {}
    if options.bias_fit is not None:
        added[REFIT], fits = refit(people, condition, options.bias_method)
        entries[REFIT] = described(REFIT, options, fits)
        found |= {"condition": options.bias_fit, "method": options.bias_method,
                  "refits": tuple(fits)}  # fmt: skip
    if options.harmonise:
        added[HARMONISED], sites, with_sex = harmonise(people, site)
        entries[HARMONISED] = described(HARMONISED, options, sites)
        found |= {"site_column": site, "sites": tuple(sites), "sex_preserved": with_sex}
    comparisons = compare(people, options, site) if options.group_by else []
    if comparisons:
        told = caveats(people, comparisons, _overlap(config, dataset, people))
        found |= {"comparisons": tuple(comparisons), "caveats": told}
    write_effects(table.parent, comparisons)
    if added:
        names = [*columns(), *added]
        write_tsv(table, _with(iterate_tsv(table), added), names)
    return GroupAnalysis(**found), entries


def _open(config: RunConfig) -> Dataset:
    return open_dataset(
        config.bids_dir,
        config.derivatives,
        config.fs_subjects_dir,
        search=config.search_derivatives,
    )


def _with(
    rows: Iterator[dict[str, str]], added: Mapping[str, np.ndarray]
) -> Iterator[dict[str, Any]]:
    """Rows with the new columns; one row is held at a time."""
    for i, row in enumerate(rows):
        yield row | {name: round(float(values[i]), 4) for name, values in added.items()}


def _overlap(config: RunConfig, dataset: Dataset | None, people: GroupPeople) -> list[str]:
    texts = dataset_names(config.output_dir)
    if dataset is not None:
        texts += [dataset.name, config.bids_dir.resolve().name]
    return sorted(set(trained_on(texts, _training(people.models))))


def _training(models: Sequence[str]) -> Iterator[TrainingSample]:
    """Training samples of the models that are shipped."""
    for name in models:
        try:
            yield from read_card(find_model(name) / CARD_NAME).training
        except ModelError:
            continue
