"""Ways in which input goes wrong, applied to measures of real people."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Measures = dict[str, np.ndarray]
N_VOLUMES = 150
N_REGIONS = 110


@dataclass(frozen=True)
class Fault:
    """One way of going wrong.

    Parameters
    ----------
    must
        Whether it must always be flagged; else its rate is reported.
    apply
        From one person's measures, their names and a random generator to the faulty ones.
    """

    name: str
    modality: str
    must: bool
    apply: Callable[[np.ndarray, Sequence[str], np.random.Generator], np.ndarray]


def _scaled(thickness: float = 1.0, volume: float = 1.0):
    def apply(values, names, _):
        return values * np.where(_is_thickness(names), thickness, volume)

    return apply


def _without(chosen: Callable[[Sequence[str]], np.ndarray]):
    return lambda values, names, _: np.where(chosen(names), np.nan, values)


def _is_thickness(names):
    return np.array([name.endswith("_thickness") for name in names])


def _is_left(names):
    return np.array([name.startswith(("lh", "Left-")) for name in names])


def _uniform(values, names, _):
    return np.where(_is_thickness(names), 2.5, 3000.0)


def _noise(values, names, generator):
    thin = _is_thickness(names)
    n = len(names)
    return np.where(thin, generator.uniform(1, 5, n), generator.uniform(100, 2e4, n))


def _swapped(values, names, _):
    place = {name: i for i, name in enumerate(names)}
    other = {"lh": "rh", "rh": "lh", "Left-": "Right-", "Right-": "Left-"}
    order = np.arange(len(names))
    for i, name in enumerate(names):
        for start, swap in other.items():
            if name.startswith(start) and swap + name[len(start) :] in place:
                order[i] = place[swap + name[len(start) :]]
    return values[order]


def _shuffled(values, names, generator):
    mixed = values.copy()
    for group in (_is_thickness(names), ~_is_thickness(names)):
        rows = np.flatnonzero(group)
        mixed[rows] = values[generator.permutation(rows)]
    return mixed


def _white_noise(values, names, generator):
    series = generator.standard_normal((N_VOLUMES, N_REGIONS))
    return np.corrcoef(series.T)[np.triu_indices(N_REGIONS, 1)]


def _regions_shuffled(values, names, generator):
    matrix = np.zeros((N_REGIONS, N_REGIONS))
    matrix[np.triu_indices(N_REGIONS, 1)] = values
    matrix += matrix.T
    order = generator.permutation(N_REGIONS)
    return matrix[np.ix_(order, order)][np.triu_indices(N_REGIONS, 1)]


def _noisier(share: float):
    def apply(values, names, generator):
        noise = _white_noise(values, names, generator)
        return (1 - share) * values + share * noise

    return apply


def _common_signal(share: float):
    return lambda values, names, _: values + share * (1 - values)


FAULTS = (
    Fault("volumes in mL", "morphometry", True, _scaled(volume=1e-3)),
    Fault("thickness in um", "morphometry", True, _scaled(thickness=1e3)),
    Fault("thickness in cm", "morphometry", True, _scaled(thickness=0.1)),
    Fault("no measure of the left hemisphere", "morphometry", True, _without(_is_left)),
    Fault("no thickness", "morphometry", True, _without(_is_thickness)),
    Fault("no volumes", "morphometry", True, _without(lambda n: ~_is_thickness(n))),
    Fault("uniform object", "morphometry", True, _uniform),
    Fault("noise for measures", "morphometry", True, _noise),
    Fault("noise for time series", "connectivity", True, _white_noise),
    Fault("all regions alike", "connectivity", True, lambda v, n, g: np.full_like(v, 0.999)),
    Fault("columns in another order", "morphometry", False, _shuffled),
    Fault("regions in another order", "connectivity", False, _regions_shuffled),
    Fault("hemispheres swapped", "morphometry", False, _swapped),
    Fault("thickness 5 % lower (motion)", "morphometry", False, _scaled(thickness=0.95)),
    Fault("volumes 10 % larger", "morphometry", False, _scaled(volume=1.1)),
    Fault("volumes 30 % larger", "morphometry", False, _scaled(volume=1.3)),
    Fault("half noise", "connectivity", False, _noisier(0.5)),
    Fault("common signal (mild motion)", "connectivity", False, _common_signal(0.3)),
)  # fmt: skip


def corrupt(
    person: Mapping[str, np.ndarray],
    fault: Fault,
    names: Mapping[str, Sequence[str]],
    generator: np.random.Generator,
) -> Measures:
    """Return a person's measures with a fault in one modality, and without the others."""
    return {
        fault.modality: fault.apply(
            np.asarray(person[fault.modality], float), names[fault.modality], generator
        )
    }
