"""What was found for one session, what was chosen, and why."""

from dataclasses import dataclass, field
from pathlib import Path

from bids_brainage.records.raw import RawBold, RawT1w
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
class TemplateT1w:
    """A preprocessed T1w in template space.

    Parameters
    ----------
    mask
        Brain mask on its grid.
    space
        Template name, for example ``MNI152NLin6Asym``.
    """

    path: Path
    mask: Path
    space: str


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
        All raw images of the session that were found.
    t1w
        The raw T1w to be preprocessed; None where FreeSurfer and preprocessed BOLD make it
        needless, where there is none, or where raw images are not wanted.
    t1w_spare
        Others that can stand in if it turns out to be unusable, the best first.
    t1w_borrowed
        Whether it is of another session: good for registering BOLD, not for measures.
    template_t1w
        T1w in template space of a derivative, for models of images.
    raw_runs
        Raw BOLD runs to be preprocessed, all echoes; empty where there is preprocessed BOLD.
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
    t1w: RawT1w | None = None
    t1w_spare: tuple[RawT1w, ...] = ()
    t1w_borrowed: bool = False
    template_t1w: TemplateT1w | None = None
    raw_runs: tuple[RawBold, ...] = ()
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def t1w_choices(self) -> tuple[RawT1w, ...]:
        """The raw T1w to be preprocessed and its stand-ins."""
        return (self.t1w, *self.t1w_spare) if self.t1w else ()

    @property
    def usable(self) -> bool:
        """Whether any feature can be computed."""
        found = (self.freesurfer, self.t1w, self.template_t1w)
        return bool(self.runs) or any(one is not None for one in found)
