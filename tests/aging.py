"""A made-up model of measures by age and sex, in place of the trained one."""

import math
from dataclasses import replace

import numpy as np
import torch

from bids_brainage.models.attribution import Attribution
from bids_brainage.models.cards import names_hash, read_card
from bids_brainage.models.find import shipped_folder
from bids_brainage.predict.traverser import MODALITY, Trajectory, Traverser
from bids_brainage.records.prediction import Prediction

SPREAD = 0.1
BEYOND = 0.9


class MadeUpTraverser(Traverser):
    """Measures shrink by a third of a percent a year from 40 on; everyone varies by a tenth.

    Parameters
    ----------
    names
        Measures that it knows; those of the shipped model by default.
    """

    def __init__(self, names=(), age_range=(8.0, 82.0)):
        card = read_card(shipped_folder() / "mavae" / "card.json")
        spec = card.inputs[MODALITY]
        names = tuple(names) or spec.names
        typical = {name: spec.typical.get(name, 2.0) for name in names}
        spec = replace(spec, names=names, sha256=names_hash(names), typical=typical)
        self.card = replace(card, name="cvae", family="cvae", inputs={MODALITY: spec},
                            age_range={MODALITY: age_range})  # fmt: skip
        self._typical = np.array(list(typical.values()))

    def expected(self, ages):
        return self._typical * (1 - 0.003 * (np.asarray(ages, dtype=float)[:, None] - 40))

    def traverse(self, vector, age, sex, ages):
        ages = np.asarray(ages, dtype=float)
        with np.errstate(invalid="ignore"):
            ratio = float(np.nanmean(vector / self._typical))
        inverted = min(max(40 + (1 - ratio) / 0.003, self.age_range[0]), self.age_range[1])
        own = inverted if age is None else float(age)
        expected = self.expected(ages)
        own_expected = self.expected([own])[0]
        own_spread = SPREAD * self._typical
        residual = np.nan_to_num(np.asarray(vector) - own_expected)
        return Trajectory(
            ages=ages, likelihood=-0.5 * ((ages - inverted) / 8) ** 2,
            most_likely=expected + 0.5 * residual, keeping_residual=expected + residual,
            expected=expected, spread=np.tile(own_spread, (len(ages), 1)),
            value=np.asarray(vector, dtype=float), own_age=own, own_expected=own_expected,
            own_spread=own_spread, deviation=(vector - own_expected) / own_spread,
            inverted_age=inverted, female=0.0 if sex == "M" else 1.0,
            age_known=age is not None, sex_known=sex is not None,
        )  # fmt: skip

    def predict(self, vector):
        beyond = np.abs(np.asarray(vector) / self._typical - 1) > BEYOND
        missing = {MODALITY: float(np.isnan(vector).mean())}
        return Prediction(40.0, 0.5, (MODALITY,), float(beyond.mean()), missing)

    def attribute(self, vector):
        years = np.nan_to_num(1 - np.asarray(vector) / self._typical) * 10
        return Attribution(
            predicted=40 + float(years.sum()), typical_age=40.0,
            years={MODALITY: torch.from_numpy(years)},
            typical={MODALITY: torch.from_numpy(self._typical)},
        )  # fmt: skip


def made_up_person(traverser, seed=0, missing=()):
    """Measures that vary around the typical ones."""
    typical = traverser.card.inputs[MODALITY].typical
    noise = np.random.default_rng(seed).normal(1, SPREAD, len(typical))
    values = dict(zip(typical, (np.array(list(typical.values())) * noise).tolist(), strict=True))
    return {name: math.nan if name in missing else value for name, value in values.items()}
