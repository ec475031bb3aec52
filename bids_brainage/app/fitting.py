"""Which shipped models a session gets where none is named."""

from bids_brainage.records.extraction import Extraction

# The first is the headline.
SHIPPED = ("mavae", "volumes")


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
