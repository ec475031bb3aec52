"""A person's measures at other ages, by a generative model of people of every age."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from bids_brainage.models.attribution import Attribution
from bids_brainage.models.cards import ModelCard
from bids_brainage.models.cvae import Cvae
from bids_brainage.models.cvae_person import traverse
from bids_brainage.models.store import load_kind
from bids_brainage.predict.predictor import Predictor
from bids_brainage.records.prediction import Prediction

MODALITY = "morphometry"
SEXES = {"F": 1.0, "M": 0.0}
STEP = 5


@dataclass(frozen=True)
class Trajectory:
    """One person beside people of every age.

    Parameters
    ----------
    ages
        Ages looked at; (g,).
    likelihood
        Logarithm, up to a constant, of how likely the person's measures are at each age; (g,).
    most_likely, keeping_residual
        Measures decoded from the person's code at each age, without and with what the code does
        not tell of the person; (g, p).
    expected, spread
        Mean and standard deviation of people of each age and this sex; (g, p).
    value
        The person's measures; (p,), NaN where missing.
    own_age
        Age of the person, or the inverted age where it is not known.
    own_expected, own_spread, deviation
        The same at that age, and the value's distance in standard deviations; (p,).
    inverted_age
        Age that the model tells of the measures.
    female
        1 or 0; where the sex is not known, the more likely one.
    """

    ages: np.ndarray
    likelihood: np.ndarray
    most_likely: np.ndarray
    keeping_residual: np.ndarray
    expected: np.ndarray
    spread: np.ndarray
    value: np.ndarray
    own_age: float
    own_expected: np.ndarray
    own_spread: np.ndarray
    deviation: np.ndarray
    inverted_age: float
    female: float
    age_known: bool
    sex_known: bool

    @property
    def sex(self) -> str:
        """``F`` or ``M``."""
        return "F" if self.female > 0.5 else "M"


class Traverser:
    """A loaded model of the family ``cvae``, in double precision on the CPU.

    Parameters
    ----------
    module, card
        From `bids_brainage.models.store.load_kind`.
    """

    def __init__(self, module: nn.Module, card: ModelCard) -> None:
        self.card = card
        self._predictor = Predictor(module, card, torch.device("cpu"))
        self._module: Any = module

    @property
    def names(self) -> tuple[str, ...]:
        """Measures in order."""
        return self.card.inputs[MODALITY].names

    @property
    def age_range(self) -> tuple[float, float]:
        """Youngest and oldest training age in years."""
        return self.card.age_range_of(MODALITY)

    def grid(self) -> tuple[float, ...]:
        """Ages of the tables: every fifth year that the model knows, or every year of few."""
        low, high = self.age_range
        for step in (STEP, 1):
            first, last = math.ceil(low / step), math.floor(high / step)
            if last > first:
                return tuple(float(step * i) for i in range(first, last + 1))
        return (low, high)

    def traverse(
        self, vector: np.ndarray, age: float | None, sex: str | None, ages: Sequence[float]
    ) -> Trajectory:
        """Put one person beside people of every age.

        Parameters
        ----------
        vector
            Measures in the card's order; (p,), NaN is missing.
        age, sex
            Years, and ``F`` or ``M``; None where not known.
        ages
            Ages to look at.
        """
        own = math.nan if age is None else float(age)
        with torch.no_grad():
            found = traverse(
                self._module, torch.from_numpy(np.array(vector, dtype=float)), own,
                SEXES.get(sex or "", math.nan), torch.tensor(ages, dtype=torch.float64),
            )  # fmt: skip
        told: dict[str, Any] = {"age_known": math.isfinite(own)}
        for field in fields(Trajectory):
            if field.name not in told:
                value = getattr(found, field.name)
                array = isinstance(value, torch.Tensor) and value.dim() > 0
                told[field.name] = value.cpu().numpy() if array else value
        for name, kind in (("own_age", float), ("inverted_age", float), ("female", float),
                           ("sex_known", bool)):  # fmt: skip
            told[name] = kind(told[name])
        return Trajectory(**told)

    def predict(self, vector: np.ndarray) -> Prediction:
        """Tell the age of one person, and how unusual the measures are."""
        return self._predictor.predict([{MODALITY: vector}])[0]

    def attribute(self, vector: np.ndarray) -> Attribution:
        """Tell what each measure adds to the inverted age.

        Raises
        ------
        ModelError
            If the model cannot.
        """
        return self._predictor.attribute({MODALITY: vector})


def load_traverser(name_or_path: str | Path) -> Traverser:
    """Load a model of the family ``cvae``.

    Raises
    ------
    ModelError
        If it does not exist, is damaged, or is of another family.
    """
    return Traverser(*load_kind(name_or_path, Cvae))
