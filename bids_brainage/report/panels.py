"""Draw one session's figures into ``sub-X/figures`` and say what each shows."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bids_brainage.errors import BrainAgeError, OutputError
from bids_brainage.report.carpet_panel import carpet_panel
from bids_brainage.report.connectome_panel import connectome_panels
from bids_brainage.report.explanation_panel import explanation_panels
from bids_brainage.report.image_panels import (
    coregistration_panels,
    standard_panels,
    tissue_panels,
)
from bids_brainage.report.morphometry_panel import MorphometryPanel, morphometry_panel
from bids_brainage.report.motion_panel import motion_panels
from bids_brainage.report.panel import Panel
from bids_brainage.report.reading import SessionDerivatives
from bids_brainage.report.trajectory_panel import trajectory_panels
from bids_brainage.report.volumes_panel import VolumesPanel, volumes_panel

logger = logging.getLogger(__name__)

KINDS = (
    "explanation",
    "trajectory",
    "tissues",
    "registration",
    "coregistration",
    "motion",
    "connectome",
    "glassbrain",
    "carpet",
    "morphometry",
    "volumes",
)


@dataclass
class SessionPanels:
    """Figures and tables of one session; empty where there is nothing to show.

    Parameters
    ----------
    problems
        What could not be drawn, in plain words.
    """

    explanation: list[Panel] = field(default_factory=list)
    trajectory: list[Panel] = field(default_factory=list)
    tissues: list[Panel] = field(default_factory=list)
    standard: list[Panel] = field(default_factory=list)
    coregistration: list[Panel] = field(default_factory=list)
    motion: list[Panel] = field(default_factory=list)
    connectivity: list[Panel] = field(default_factory=list)
    carpets: list[Panel] = field(default_factory=list)
    morphometry: MorphometryPanel | None = None
    volumes: VolumesPanel | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def all(self) -> list[Panel]:
        """Every figure."""
        tables = [part.panel for part in (self.morphometry, self.volumes) if part]
        return [
            *self.explanation,
            *self.trajectory,
            *self.tissues,
            *self.standard,
            *self.coregistration,
            *self.motion,
            *self.connectivity,
            *self.carpets,
            *tables,
        ]


def draw_session(output_dir: Path, session: SessionDerivatives) -> SessionPanels:
    """Draw everything a session has; a damaged image costs its figure, not the page.

    Raises
    ------
    OutputError
        If a figure cannot be written.
    """
    folder = output_dir / session.key.participant_id / "figures"
    stem, anatomy = session.key.stem, session.anatomy
    panels = SessionPanels()

    def attempt(what: str, draw: Callable[..., list[Panel]], *given: object) -> list[Panel]:
        try:
            return draw(output_dir, folder, stem, *given)
        except OutputError:
            raise
        except (BrainAgeError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            logger.warning("%s: no figure of %s: %s", stem, what, error)
            panels.problems.append(f"No figure of {what}: {_reason(error)}")
            return []

    panels.explanation = attempt("the explanation", explanation_panels, session)
    panels.trajectory = attempt("measures at other ages", trajectory_panels, session)
    if anatomy:
        panels.tissues = attempt("the tissues", tissue_panels, anatomy)
        panels.standard = attempt("the registration", standard_panels, anatomy)
    for run in session.raw_runs:
        what = f"the registration of {run.label}"
        panels.coregistration += attempt(what, coregistration_panels, run, anatomy)
        panels.motion += attempt(f"the motion of {run.label}", motion_panels, run, anatomy)
    for table in session.connectivity:
        panels.connectivity += connectome_panels(output_dir, folder, table, session)
    for table in (t for t in session.timeseries if len(t.values)):
        panels.carpets.append(carpet_panel(output_dir, folder, table, session))
    if session.morphometry:
        panels.morphometry = morphometry_panel(output_dir, folder, session)
    if session.volumes:
        panels.volumes = volumes_panel(output_dir, folder, stem, session.volumes)
    return panels


def remove_stale(output_dir: Path, participant_id: str, kept: set[str]) -> None:
    """Remove figures of earlier reports whose source is gone."""
    folder = output_dir / participant_id / "figures"
    for kind in KINDS:
        for path in folder.glob(f"{participant_id}*_desc-{kind}_*.*"):
            known = path.suffix in (".svg", ".png")
            if known and path.relative_to(output_dir).as_posix() not in kept:
                path.unlink(missing_ok=True)


def _reason(error: Exception) -> str:
    """Name a damaged file without its folder; other errors by their kind."""
    if isinstance(error, BrainAgeError):
        place = Path(error.place)
        text = error.message.replace(f"{place.parent}/", "")
        return text if not place.name or place.name in text else f"{text} ({place.name})"
    return f"{type(error).__name__}: {error}"
