"""From parsed options of ``bids_brainage`` to the settings of a run."""

import argparse
import os
from typing import Any

from bids_brainage.cli.app_parser import LEVELS
from bids_brainage.cli.arguments import available_cpus, slurm_batch
from bids_brainage.cli.group_options import group_options
from bids_brainage.config import SFCN, RunConfig
from bids_brainage.errors import UsageError


def to_config(options: argparse.Namespace) -> RunConfig:
    """Turn parsed options, and the variables of a Slurm array, into the run's settings.

    Raises
    ------
    UsageError
        If level, stage, batch and options do not go together, or the array's batch is not clear.
    """

    def many(name: str) -> tuple[Any, ...]:
        return tuple(getattr(options, name) or ())

    levels = tuple(level for level in LEVELS if level in options.analysis_level)
    share = _batch(options, levels)
    if "group" in levels and options.stage == "extract":
        raise UsageError(
            "--stage extract and the group level in one run: there is no prediction to gather",
            hint="run participant --stage predict, then group",
        )
    weights = many("weights")
    hint = "model sfcn takes weights that the user brings, see docs/sfcn.md"
    if weights and SFCN not in options.models:
        raise UsageError("--weights without --models sfcn", hint=hint)
    if SFCN in options.models and not weights:
        raise UsageError("--models sfcn without --weights", hint=hint)
    return RunConfig(
        bids_dir=options.bids_dir,
        output_dir=options.output_dir,
        levels=levels,
        participant_labels=many("participant_labels"),
        session_labels=many("session_labels"),
        task_ids=many("task_ids"),
        bids_filter_file=options.bids_filter_file,
        derivatives=many("derivatives"),
        fs_subjects_dir=options.fs_subjects_dir,
        models=tuple(dict.fromkeys(options.models)),
        weights=weights,
        stage=options.stage,
        batch=share,
        device=options.device,
        batch_size=options.batch_size,
        nprocs=options.nprocs or available_cpus(),
        threads=options.omp_nthreads,
        work_dir=options.work_dir,
        atlas=options.atlas,
        denoising=options.denoising,
        fd_threshold=options.fd_threshold,
        raw=not options.no_raw,
        dummy_scans=options.dummy_scans,
        slice_timing="slicetiming" not in options.ignore,
        search_derivatives="derivatives" not in options.ignore,
        validate=options.validate,
        dry_run=options.dry_run,
        force=options.force,
        verbose=options.verbose,
        group=group_options(options, levels),
    )


def _batch(options: argparse.Namespace, levels: tuple[str, ...]) -> tuple[int, int] | None:
    if "participant" not in levels:
        return None
    share = options.batch
    if share is None and not options.participant_labels:
        share = slurm_batch(os.environ)
    if share and "group" in levels:
        raise UsageError(
            f"batch {share[0]}/{share[1]} and the group level in one run: it gathers everyone",
            hint="run group once, after all batches",
        )
    return share
