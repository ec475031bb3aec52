"""Regressions of age on relative volumes: the system's own, and ridge on regions."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bids_brainage.models.volumes import VolumesConfig
from bids_brainage.preprocessing.regions import region_table
from bids_brainage.training.volumes.table import FREESURFER, IMAGES, MUSE

BOTH, ALL = (IMAGES, MUSE), (IMAGES, MUSE, FREESURFER)
TISSUES = ("CSF", "GM", "WM")
# Cut away with the skull of stripped images.
OUTSIDE = ("ExternalCSF",)
# Not a region of FreeSurfer's, or cut differently.
FOREIGN = ("Frontal", "Parietal", "Temporal", "Occipital", "Cingulate", "MedialTemporal", "Insula",
           "DeepWM", "CorpusCallosum", "CerebellarVermis", "BasalForebrain")  # fmt: skip


@dataclass(frozen=True)
class Candidate:
    """One regression.

    Parameters
    ----------
    slug
        Short name.
    features
        ``fractions`` (CSF, GM and WM of their sum), ``tissue`` (the ratio of GM to WM),
        ``regions`` (of the head, both sides together), ``brain`` (regions without the CSF around
        the brain, of GM and WM), or ``common`` (GM, WM and the regions that FreeSurfer has, too).
    estimator
        ``least squares``, ``bayesian`` or ``ridge``.
    degree
        Of the polynomial.
    logarithm, log_age
        See `VolumesConfig`.
    methods
        Who it is trained on, see `VolumeTable`.
    apart
        Each method has a level of its own, so that only differences between people measured
        alike tell of age.
    balanced
        Each method weighs as much as the others, whatever its number of people.
    """

    slug: str
    features: str
    estimator: str = "ridge"
    degree: int = 1
    logarithm: bool = True
    log_age: bool = False
    methods: tuple[str, ...] = (IMAGES,)
    apart: bool = False
    balanced: bool = False

    @property
    def label(self) -> str:
        """Name in tables."""
        shape = f"polynomial of degree {self.degree}" if self.degree > 1 else self.estimator
        return f"{self.features}, {shape}" + (", log age" if self.log_age else "")

    @property
    def trained_on(self) -> str:
        """Samples in tables."""
        joined = " + ".join(self.methods)
        notes = [word for word, on in (("levels apart", self.apart), ("balanced", self.balanced))
                 if on]  # fmt: skip
        return joined + (f" ({', '.join(notes)})" if notes else "")

    def config(self, names: tuple[str, ...]) -> VolumesConfig:
        """Return the shape of the regression for a table's measures."""
        reference = {"fractions": TISSUES, "regions": ("ICV",), "tissue": ("WM",)}
        head = reference.get(self.features, ("GM", "WM"))
        return VolumesConfig(
            n_measures=len(names),
            reference=tuple(names.index(name) for name in head),
            features=tuple(
                tuple(names.index(name) for name in group)
                for group in feature_groups(self.features)
            ),
            logarithm=self.logarithm,
            degree=self.degree,
            log_age=self.log_age,
        )


def feature_groups(features: str) -> list[tuple[str, ...]]:
    """List the measures that each feature of a set sums up; see `Candidate`."""
    if features == "fractions":
        return [(name,) for name in TISSUES]
    if features == "tissue":
        return [("GM",)]
    sides: dict[str, list[str]] = {}
    for region in region_table():
        sides.setdefault(region.name.rpartition("-")[2], []).append(region.name)
    left_out: tuple[str, ...] = {"regions": (), "common": OUTSIDE + FOREIGN}.get(features, OUTSIDE)
    groups = [tuple(both) for name, both in sides.items() if not name.startswith(left_out)]
    return [("GM",), ("WM",), *groups] if features == "common" else groups


def _own(slug: str, methods: tuple[str, ...]) -> list[Candidate]:
    """List the system's own three models of tissue fractions."""
    return [
        Candidate(f"linear-{slug}", "fractions", "least squares", 1, False, methods=methods),
        Candidate(f"bayesian-{slug}", "fractions", "bayesian", 1, False, methods=methods),
        Candidate(f"polynomial-{slug}", "fractions", "least squares", 3, False, methods=methods),
    ]


def _ridges(slug: str, features: str, **options: Any) -> list[Candidate]:
    """List a ridge of age, and one of the logarithm of age."""
    return [
        Candidate(slug, features, **options),
        Candidate(f"{slug}-log", features, log_age=True, **options),
    ]


_ALL_APART = {"methods": ALL, "apart": True, "balanced": True}
_BOTH_APART = {"methods": BOTH, "apart": True, "balanced": True}
CANDIDATES = (
    *_own("images", (IMAGES,)),
    *_own("muse", (MUSE,)),
    *_own("union", BOTH),
    *_ridges("tissue-images", "tissue"),
    *_ridges("tissue-apart", "tissue", **_ALL_APART),
    *_ridges("fractions-images", "fractions"),
    *_ridges("fractions-apart", "fractions", **_ALL_APART),
    *_ridges("regions-images", "regions"),
    *_ridges("regions-muse", "regions", methods=(MUSE,)),
    *_ridges("regions-union", "regions", methods=BOTH),
    *_ridges("regions-apart", "regions", **_BOTH_APART),
    *_ridges("brain-images", "brain"),
    *_ridges("brain-muse", "brain", methods=(MUSE,)),
    *_ridges("brain-apart", "brain", **_BOTH_APART),
    *_ridges("common-freesurfer", "common", methods=(FREESURFER,)),
    *_ridges("common-apart", "common", **_ALL_APART),
)


def usable(table_methods: Iterable[str]) -> tuple[Candidate, ...]:
    """List the candidates whose samples are all in a table."""
    present = set(table_methods)
    return tuple(c for c in CANDIDATES if set(c.methods) <= present)
