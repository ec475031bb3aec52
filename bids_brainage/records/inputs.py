"""What was found for one session, what was chosen, and why."""

from dataclasses import dataclass, field
from pathlib import Path

from bids_brainage.records.session import Demographics, SessionKey


@dataclass(frozen=True)
class BoldRun:
    """One preprocessed BOLD run in a standard space.

    Parameters
    ----------
    bold
        Preprocessed 4D image.
    mask
        Brain mask in the same space, if there is one.
    confounds
        fMRIPrep confounds table (old or new name), if there is one.
    repetition_time
        Seconds, from the sidecar, else from the image header; None if unknown.
    space
        Template name, for example ``MNI152NLin6Asym``.
    entities
        BIDS entities that name the run, in file-name order (task, acq, dir, run, echo, space …).
    """

    bold: Path
    mask: Path | None
    confounds: Path | None
    repetition_time: float | None
    space: str
    entities: tuple[tuple[str, str], ...] = ()

    @property
    def label(self) -> str:
        """File-name part that tells runs of a session apart, for example ``task-rest_run-1``."""
        return "_".join(f"{k}-{v}" for k, v in self.entities if k not in ("sub", "ses"))


@dataclass(frozen=True)
class SessionInputs:
    """Everything the participant level can use of one session.

    Parameters
    ----------
    runs
        Preprocessed BOLD runs chosen for connectivity.
    freesurfer
        FreeSurfer or FastSurfer subject folder holding ``stats``, if there is one.
    raw_t1w, raw_bold
        Raw images of the session (listed and reported; not processed by themselves).
    notes
        What was found, chosen or left out, and why; shown by ``--dry-run`` and logged.
    problems
        Modalities whose files are there but cannot be used, and why.
    """

    key: SessionKey
    demographics: Demographics = field(default_factory=Demographics)
    runs: tuple[BoldRun, ...] = ()
    freesurfer: Path | None = None
    raw_t1w: tuple[Path, ...] = ()
    raw_bold: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether any feature can be computed."""
        return bool(self.runs) or self.freesurfer is not None
