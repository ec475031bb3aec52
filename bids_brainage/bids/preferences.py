"""Which task, space and resolution of a run is wanted, and why others are not."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bids_brainage.bids.filters import Query

# The Harvard-Oxford maps are in FSL's MNI152, which is MNI152NLin6Asym.
PREFERRED_SPACES = ("MNI152NLin6Asym", "MNI152NLin2009cAsym", "MNI152Lin")
ATLAS_SPACE = "MNI152NLin6Asym"
RESOLUTIONS = ("2", "02", None)
# rest, rest1, restAP, restEyesOpen, resting, restingstate, rsfMRI, RS, RSN, eyesopen, eyesclosed …;
# not restaurant, arrest, fixation, movie.
REST = re.compile(
    r"(task)?(rest(ing)?(state)?|rs(n|fmri|fc|fcmri|mri|bold)?|eyes?(open|closed)|fmrirest)"
    r"(state|fmri|bold|rest|scan|run|ap|pa|lr|rl|eo|ec|eyes?|open|closed?|pre|post|baseline|mb|tr"
    r"|s?ms|\d+)*"
)


@dataclass(frozen=True)
class InputSelection:
    """Which of a session's images are wanted.

    Parameters
    ----------
    task_ids
        Task labels; empty for rest-like tasks.
    filters
        BIDS filters by query name (``bold``, ``t1w``), see :mod:`bids_brainage.bids.filters`.
    spaces
        Template names, best first; any other adult MNI152 template comes after them.
    raw
        Whether raw images are preprocessed where there are no derivatives.
    """

    task_ids: tuple[str, ...] = ()
    filters: Mapping[str, Query] = field(default_factory=dict)
    spaces: tuple[str, ...] = PREFERRED_SPACES
    raw: bool = True


def is_rest_like(task: str) -> bool:
    """Whether a task label names resting state, by common labels in any case."""
    return REST.fullmatch(re.sub(r"[^0-9a-z]", "", task.lower())) is not None


def task_wanted(task: str | None, task_ids: Sequence[str]) -> bool:
    """Whether a run's task is one that was asked for, or rest-like if none was."""
    if task_ids:
        return task in {t.removeprefix("task-") for t in task_ids}
    return task is not None and is_rest_like(task)


def space_rank(space: str | None, cohort: str | None, preferred: Sequence[str]) -> int | None:
    """Place of a space in the order of preference; None where atlas regions do not fit.

    Parameters
    ----------
    preferred
        Template names, best first; any other adult MNI152 template comes after them.
    """
    if space is None or cohort is not None:
        return None
    if space in preferred:
        return list(preferred).index(space)
    if space.startswith("MNI152"):
        return len(preferred)
    return len(preferred) + 1 if space in ("MNI", "MNI6", "MNIColin27", "ICBM152") else None


def space_problem(space: str | None, cohort: str | None) -> str:
    """Why images in a space are not used, in plain words."""
    if cohort is not None:
        return f"space-{space} of cohort {cohort} is an age-specific template"
    if space is None:
        return "no space entity, so it is in the run's own space"
    if space.startswith("fs"):
        return f"space-{space} is a surface"
    return f"space-{space} is not an MNI152 template"


def resolution_rank(resolution: str | None) -> tuple[int, str]:
    """Place of a resolution: 2 mm, then the only one written without label, then by name."""
    known = RESOLUTIONS.index(resolution) if resolution in RESOLUTIONS else len(RESOLUTIONS)
    return known, resolution or ""
