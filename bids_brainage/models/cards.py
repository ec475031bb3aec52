"""Model cards: what a model takes, what it was trained on, how well it does, and its hash."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from bids_brainage.errors import ModelError

CARD_NAME = "card.json"
COMBINATIONS = ("morphometry", "connectivity", "morphometry+connectivity")


def names_hash(names: Sequence[str]) -> str:
    """Return the SHA-256 of names joined by newlines: the hash of an input's order."""
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


@dataclass(frozen=True)
class InputSpec:
    """One modality that a model takes.

    Parameters
    ----------
    names
        Measures in the order of the input vector.
    sha256
        Hash of that order, see `names_hash`.
    unit
        Units of the measures, in words.
    atlas
        Name of the atlas, or empty.
    denoising
        Name of the denoising preset, or empty.
    regions
        Atlas regions in order, for connectivity.
    typical
        Median of each measure over the training sample; empty for connectivity.
    shape, zooms, scaling
        Voxels and voxel size (mm) of an image in template space and how it is scaled; an image
        has no names.
    """

    names: tuple[str, ...]
    sha256: str
    unit: str = ""
    atlas: str = ""
    denoising: str = ""
    regions: tuple[str, ...] = ()
    typical: dict[str, float] = field(default_factory=dict)
    shape: tuple[int, ...] = ()
    zooms: float = 0.0
    scaling: str = ""


@dataclass(frozen=True)
class TrainingSample:
    """One sample that a model was trained on.

    Parameters
    ----------
    dataset
        Its name.
    n
        Number of people.
    n_female, n_male
        Split by sex.
    age_min, age_median, age_max
        Ages in years.
    sites
        Site to number of people.
    source, licence
        Where the tables come from and their terms.
    """

    dataset: str
    n: int
    n_female: int
    n_male: int
    age_min: float
    age_median: float
    age_max: float
    sites: dict[str, int]
    source: str = ""
    licence: str = ""


@dataclass(frozen=True)
class ModelCard:
    """Everything a user must know of a model, stored beside its weights.

    Parameters
    ----------
    name, version, family, description
        What it is.
    inputs
        Modality to its ordered inputs.
    training
        Samples.
    metrics
        Scores of raw, uncorrected out-of-fold predictions.
    bias_correction
        Combination of modalities to slope and intercept (years) of predicted on chronological
        age, fitted on out-of-fold predictions.
    intervals
        Combination of modalities to how far ages lie from predictions, fitted on out-of-fold
        predictions; see `bids_brainage.evaluation.intervals.Intervals`.
    sex_line
        Combination of modalities to slope and intercept of the line that the female logit goes
        through, so that probabilities are those of a sample with as many women as men.
    age_range
        Combination of modalities to youngest and oldest training age in years.
    sha256
        Hash of the weights file.
    config
        Shape of the network.
    recipe
        Training options.
    seed
        Seed of the training.
    command
        Command that trains it again.
    versions
        Package versions at training.
    use
        What it may be used for.
    purpose
        What it is made for.
    failures
        Where it is known to fail.
    ethics
        Whom it knows, and what it must not be used for.
    out_of_range_limit
        Share of measures beyond the training range above which a prediction is flagged.
    percentile_limit
        Percentile of the distance to the training people above which a prediction is flagged.
    references
        Papers behind the family.
    experimental
        Whether lists and reports mark it so.
    default
        Whether the App predicts with it for the inputs it takes without being asked to.
    caveat
        What a reader must know, such as why it is not a default.
    """

    name: str
    version: str
    family: str
    description: str
    inputs: dict[str, InputSpec]
    training: tuple[TrainingSample, ...]
    metrics: dict[str, Any]
    bias_correction: dict[str, dict[str, float]]
    age_range: dict[str, tuple[float, float]]
    sha256: str
    config: dict[str, Any]
    recipe: dict[str, Any]
    seed: int
    command: str
    versions: dict[str, str]
    use: str = "research, non-commercial"
    purpose: str = ""
    failures: tuple[str, ...] = ()
    ethics: tuple[str, ...] = ()
    out_of_range_limit: float = 0.05
    percentile_limit: float = 99.0
    intervals: dict[str, dict[str, Any]] = field(default_factory=dict)
    sex_line: dict[str, dict[str, float]] = field(default_factory=dict)
    references: tuple[str, ...] = ()
    experimental: bool = False
    default: bool = True
    caveat: str = ""

    def age_range_of(self, combination: str) -> tuple[float, float]:
        """Return youngest and oldest training age for a combination of modalities."""
        return self.age_range.get(combination, (math.nan, math.nan))

    def corrected_gap(self, gap: float, age: float, combination: str) -> float:
        """Return the brain age gap minus the gap expected at that age, in years.

        Parameters
        ----------
        gap
            Predicted minus chronological age in years.
        age
            Chronological age in years.
        combination
            Modalities used, such as ``morphometry+connectivity``.
        """
        line = self.bias_correction.get(combination)
        if line is None:
            return math.nan
        return gap - ((line["slope"] - 1) * age + line["intercept"])

    def to_json(self) -> str:
        """Return the card as indented JSON; NaN is written as null."""
        return json.dumps(_clean(asdict(self)), indent=1, ensure_ascii=False, allow_nan=False)

    def write(self, folder: Path) -> Path:
        """Write ``card.json`` into a folder and return its path."""
        path = folder / CARD_NAME
        path.write_text(self.to_json() + "\n", encoding="utf-8")
        return path


def read_card(path: Path) -> ModelCard:
    """Read a card and check that each input's names have the hash written beside them.

    Raises
    ------
    ModelError
        If the file is missing, is not a card, or an input's order was changed.
    """
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError("no model card", place=path, hint="see brainage models list") from error
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"unreadable model card: {error}", place=path) from error
    try:
        card = _card(raw)
        _check_inputs(card, path)
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise ModelError(f"not a model card: {error}", place=path) from error
    return card


def _check_inputs(card: ModelCard, path: Path) -> None:
    for modality, spec in card.inputs.items():
        if names_hash(spec.names) != spec.sha256:
            raise ModelError(
                f"the order of the {modality} inputs does not have the hash of the card",
                place=path,
                hint="restore the model folder as it was trained",
            )
        expected = edge_names(spec.regions) if spec.regions else spec.names
        if expected != spec.names or (spec.atlas and not spec.regions):
            raise ModelError(
                f"the atlas regions of the {modality} inputs are not those of its connections",
                place=path,
                hint="restore the model folder as it was trained",
            )


def edge_names(regions: Sequence[str]) -> tuple[str, ...]:
    """Name the connections of the upper triangle, row by row."""
    return tuple(f"{a}~{b}" for i, a in enumerate(regions) for b in regions[i + 1 :])


def _card(raw: Mapping[str, Any]) -> ModelCard:
    known = {f.name for f in fields(ModelCard)}
    values = {key: value for key, value in raw.items() if key in known}
    values["inputs"] = {
        name: InputSpec(
            **{
                **spec,
                "names": tuple(spec["names"]),
                "regions": tuple(spec.get("regions", ())),
                "shape": tuple(spec.get("shape", ())),
            }
        )
        for name, spec in raw["inputs"].items()
    }
    values["training"] = tuple(TrainingSample(**sample) for sample in raw["training"])
    values["age_range"] = {k: (float(a), float(b)) for k, (a, b) in raw["age_range"].items()}
    for name in ("references", "failures", "ethics"):
        values[name] = tuple(raw.get(name, ()))
    return ModelCard(**values)


def _clean(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
