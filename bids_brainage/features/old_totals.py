"""Totals that FreeSurfer 5 counts differently from later versions."""

from collections.abc import Mapping

TOTAL = "SubCortGrayVol"
PARTS = tuple(
    f"{side}-{name}"
    for side in ("Left", "Right")
    for name in ("Thalamus-Proper", "Caudate", "Putamen", "Pallidum", "Hippocampus", "Amygdala",
                 "Accumbens-area", "VentralDC")
)  # fmt: skip
# The total over the sum of its parts is 1.00 to 1.05 in FreeSurfer 6 and later, and 1.9 to 4.6
# where the cerebellum counts.
LIMIT = 1.5


def old_totals(values: Mapping[str, float]) -> str:
    """Say in words that totals are those of FreeSurfer 5; empty where they are not, or unknown.

    Parameters
    ----------
    values
        Measure name to mm3.
    """
    parts = [values.get(name, float("nan")) for name in PARTS]
    total, whole = values.get(TOTAL, float("nan")), sum(parts)
    if not total > LIMIT * whole > 0:
        return ""
    return (
        f"FreeSurfer 5-style totals: {TOTAL} is {total / whole:.1f} times the sum of its parts. "
        "Shipped models do not use such totals; do not compare them with those of version 6 and "
        "later"
    )
