"""What the options of the group level found out, for its tables and its page."""

from dataclasses import dataclass

from bids_brainage.evaluation.bias import Refit
from bids_brainage.evaluation.contrasts import Comparison
from bids_brainage.evaluation.site_effect import SiteEffect


@dataclass(frozen=True)
class RefitOf:
    """Line of the dataset's own people for one model and its inputs, or why there is none."""

    model: str
    modalities: str
    fit: Refit | None
    problem: str = ""


@dataclass(frozen=True)
class SitesOf:
    """Differences between sites in the gap of one model, or why they were not taken out."""

    model: str
    effect: SiteEffect | None
    n_left_out: int = 0
    problem: str = ""


@dataclass(frozen=True)
class GroupAnalysis:
    """Results of the options of the group level.

    Parameters
    ----------
    condition, method
        Who was fitted for the age bias, and how; empty without.
    site_column
        Column that names the site; empty where none was used.
    sex_preserved
        Whether harmonisation preserved effects of sex, beside age.
    caveats
        What is to be read beside the comparisons, in plain words.
    """

    condition: str = ""
    method: str = ""
    refits: tuple[RefitOf, ...] = ()
    site_column: str = ""
    sex_preserved: bool = True
    sites: tuple[SitesOf, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    caveats: tuple[str, ...] = ()
