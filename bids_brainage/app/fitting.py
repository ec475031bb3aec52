"""Which shipped models a session gets where none is named."""

from bids_brainage.config import RunConfig
from bids_brainage.records.extraction import Extraction
from bids_brainage.records.prediction import FUSION

SHIPPED = ("mavae", "volumes")


def named_models(config: RunConfig) -> tuple[str, ...]:
    """Models that a run loads: those named, or the shipped ones."""
    return tuple(name for name in config.models if name != FUSION) or SHIPPED


def only_fitting(config: RunConfig) -> bool:
    """Tell whether each session gets the shipped models for its kind of input only."""
    return set(config.models) <= {FUSION}


def fuses(config: RunConfig) -> bool:
    """Tell whether a run writes the headline of each session: by default, or where it is named."""
    return not config.models or FUSION in config.models


def fitting_models(extraction: Extraction) -> tuple[str, ...]:
    """Shipped models for what a session has.

    The multimodal model for FreeSurfer morphometry and connectivity; the one for volumes of a raw
    T1w where there is no FreeSurfer morphometry.
    """
    has = extraction.derivatives
    fits = {
        "mavae": "morphometry" in has or "connectivity" in has,
        "volumes": "volumes" in has and "morphometry" not in has,
    }
    return tuple(name for name in SHIPPED if fits[name]) or SHIPPED[:1]
