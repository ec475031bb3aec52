"""Settings of a run, and the part of them that shapes the features."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEFAULT_ATLAS = "HarvardOxford"
DEFAULT_MODELS = ("mavae",)


@dataclass(frozen=True)
class RunConfig:
    """Everything a run was asked to do.

    Parameters
    ----------
    participant_labels, session_labels, task_ids
        Empty means all (for tasks: the rest-like ones).
    bids_filter_file
        JSON of pybids filters per kind of input, as in fMRIPrep.
    derivatives
        Preprocessed datasets, ``PATH`` or ``NAME=PATH``.
    fd_threshold
        Framewise displacement in mm above which volumes are censored; None keeps all.
    models
        Names of shipped models or folders of own ones.
    nprocs
        Worker processes for feature extraction.
    """

    bids_dir: Path
    output_dir: Path
    levels: tuple[str, ...] = ("participant",)
    participant_labels: tuple[str, ...] = ()
    session_labels: tuple[str, ...] = ()
    task_ids: tuple[str, ...] = ()
    bids_filter_file: Path | None = None
    derivatives: tuple[str, ...] = ()
    fs_subjects_dir: Path | None = None
    models: tuple[str, ...] = DEFAULT_MODELS
    device: str = "auto"
    batch_size: int = 64
    nprocs: int = 1
    work_dir: Path | None = None
    atlas: str = DEFAULT_ATLAS
    denoising: str = "default"
    fd_threshold: float | None = None
    validate: bool = False
    dry_run: bool = False
    force: bool = False
    verbose: int = 0

    def feature_settings(self) -> dict[str, Any]:
        """Options that change the features; derivatives made with others are not reused."""
        filters = self.bids_filter_file
        return {
            "atlas": self.atlas,
            "denoising": self.denoising,
            "fd_threshold": self.fd_threshold,
            "task_ids": list(self.task_ids),
            "bids_filters": filters.read_text(encoding="utf-8") if filters else None,
        }
