"""Settings of a run, and the part of them that shapes the features."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEFAULT_ATLAS = "HarvardOxford"
# Model that is shipped without weights.
SFCN = "sfcn"


@dataclass(frozen=True)
class GroupOptions:
    """What the group level does beside gathering.

    Parameters
    ----------
    bias_fit
        Condition on the people whose line corrects the gaps, ``everyone``, or None for no line.
    bias_method
        ``beheshti``, ``cole`` or ``quadratic``.
    harmonise
        ``combat`` or empty.
    site_column
        Column that names the site; empty for ``site`` where there is one.
    group_by
        Columns whose groups or numbers are compared.
    covariates
        Covariates beside age; empty for those by default.
    nipoppy_table
        Whether a table of imaging-derived phenotypes is written as nipoppy wants it.
    """

    bias_fit: str | None = None
    bias_method: str = "beheshti"
    harmonise: str = ""
    site_column: str = ""
    group_by: tuple[str, ...] = ()
    covariates: tuple[str, ...] = ()
    nipoppy_table: bool = False


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
        Names of shipped models or folders of own ones; empty for the shipped models that fit each
        session.
    weights
        The user's files for a model that is shipped without weights.
    raw
        Whether raw images are preprocessed where there are no derivatives.
    search_derivatives
        Whether derivatives that are not named are searched in BIDS_DIR.
    dummy_scans
        Volumes before steady state in raw BOLD; None to find them.
    slice_timing
        Whether raw BOLD is corrected for slice timing where the sidecar allows.
    stage
        ``extract`` for features alone, ``predict`` for predictions of what was extracted, ``all``.
    batch
        Number (from 1) and count: this run's share of the participants; None for all.
    nprocs
        CPUs to use: worker processes times threads of each.
    threads
        Threads of each worker for raw images; None to choose.
    work_dir
        Where the results of slow steps are kept; None for ``work`` in OUTPUT_DIR.
    group
        What the group level does beside gathering.
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
    models: tuple[str, ...] = ()
    weights: tuple[Path, ...] = ()
    stage: str = "all"
    batch: tuple[int, int] | None = None
    device: str = "auto"
    batch_size: int = 64
    nprocs: int = 1
    threads: int | None = None
    work_dir: Path | None = None
    atlas: str = DEFAULT_ATLAS
    denoising: str = "default"
    fd_threshold: float | None = None
    raw: bool = True
    search_derivatives: bool = True
    dummy_scans: int | None = None
    slice_timing: bool = True
    validate: bool = False
    dry_run: bool = False
    force: bool = False
    verbose: int = 0
    group: GroupOptions = GroupOptions()

    @property
    def everyone(self) -> bool:
        """Whether the run is about every session."""
        return not (self.participant_labels or self.session_labels or self.batch)

    def feature_settings(self) -> dict[str, Any]:
        """Options that change the features; derivatives made with others are not reused."""
        path = self.bids_filter_file
        filters = path.read_text(encoding="utf-8", errors="replace") if path else None
        return {
            "atlas": self.atlas,
            "denoising": self.denoising,
            "fd_threshold": self.fd_threshold,
            "raw": self.raw,
            "dummy_scans": self.dummy_scans,
            "slice_timing": self.slice_timing,
            "task_ids": list(self.task_ids),
            "bids_filters": filters,
        }
