"""Predictions in batches from feature vectors, independent of order and company."""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Protocol, cast, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

from bids_brainage.errors import ModelError
from bids_brainage.models.attribution import Attribution
from bids_brainage.models.cards import ModelCard
from bids_brainage.models.families import FAMILIES
from bids_brainage.predict.describe import extreme_measures, missing_blocks
from bids_brainage.records.prediction import Prediction

AGE_DECIMALS = 4
Features = Mapping[str, np.ndarray]


@runtime_checkable
class AgeModel(Protocol):
    """A network that tells age, and sex where it can, from feature vectors."""

    def __call__(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return ages in years and female logits, NaN where not told; each (n,)."""
        ...

    def out_of_range(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the share of measures outside the training range; (n,)."""
        ...


@runtime_checkable
class Ranged(Protocol):
    """A network that knows the range of each measure among the training people."""

    def limits(self, modality: str) -> tuple[Tensor, Tensor]:
        """Return lower and upper end of each measure; (p,)."""
        ...


@runtime_checkable
class Placed(Protocol):
    """A network that knows how unusual a person's measures are."""

    def percentile(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the share of training people who are less unusual, in percent; (n,)."""
        ...


class Predictor:
    """A loaded model that turns feature vectors into predictions.

    Computes in double precision and without batch statistics, so that a session's prediction
    depends neither on the batch size nor on the sessions beside it.

    Parameters
    ----------
    module, card
        From `bids_brainage.models.store.load_any`.
    device
        Where it runs.
    batch_size
        Sessions computed at once.

    Raises
    ------
    ModelError
        If it does not tell age.
    """

    dtype = torch.float64
    # Sessions worth reading before their turn comes.
    ahead = 0

    def __init__(
        self, module: nn.Module, card: ModelCard, device: torch.device, batch_size: int = 64
    ) -> None:
        self.card = card
        if not isinstance(module, AgeModel):
            raise ModelError(
                f"model '{self.card.name}' of family {self.card.family} does not predict age",
                hint="brainage models list tells what each model takes",
            )
        cast(nn.Module, module).to(device=device, dtype=self.dtype).eval()
        self._module: AgeModel = module
        self._device = device
        self._batch_size = batch_size

    def predict(self, sessions: Iterable[Features]) -> list[Prediction]:
        """Predict age, and sex where the model tells it, of each session.

        Age is NaN where a measure is missing that the model cannot do without.

        Parameters
        ----------
        sessions
            Per session, modality name to feature vector in the card's order; NaN is missing,
            and a modality may be absent. No more than a batch is taken at once.

        Raises
        ------
        ModelError
            If a vector has the wrong length, or a session has no measure at all.
        """
        results: list[Prediction] = []
        left = iter(sessions)
        while batch := list(islice(left, self._batch_size)):
            results += self._predict_batch(batch)
        return results

    @property
    def explains(self) -> bool:
        """Whether the model can tell what each measure adds."""
        family = FAMILIES.get(self.card.family)
        return family is not None and family.attribute is not None

    def attribute(self, session: Features) -> Attribution:
        """Tell what each measure of one session adds to its predicted age.

        Raises
        ------
        ModelError
            If the model cannot, or a vector has the wrong length.
        """
        family = FAMILIES.get(self.card.family)
        if family is None or family.attribute is None:
            raise ModelError(f"models of family {self.card.family} do not explain ages")
        arrays = {name: self._stack(name, [session])[0] for name in self.card.inputs}
        tensors = {name: torch.from_numpy(a).to(self._device) for name, a in arrays.items()}
        return family.attribute(cast(nn.Module, self._module), self.card, tensors)

    def _predict_batch(self, sessions: Sequence[Features]) -> list[Prediction]:
        arrays = {name: self._stack(name, sessions) for name in self.card.inputs}
        tensors = {name: torch.from_numpy(a).to(self._device) for name, a in arrays.items()}
        with torch.inference_mode():
            age, logit = self._module(tensors)
            beyond = self._module.out_of_range(tensors)
            percentile = _percentile(self._module, tensors, age)
        numbers = torch.stack([age, logit, beyond, percentile], dim=1).cpu()
        return [
            self._prediction({name: array[i] for name, array in arrays.items()}, *row)
            for i, row in enumerate(numbers.tolist())
        ]

    def _prediction(
        self,
        measures: Mapping[str, np.ndarray],
        age: float,
        logit: float,
        beyond: float,
        percentile: float,
    ) -> Prediction:
        missing = {name: np.isnan(values) for name, values in measures.items()}
        used = tuple(name for name, mask in missing.items() if not mask.all())
        if not used:
            raise ModelError(
                f"no measure for model {self.card.name}",
                hint=f"it needs {' or '.join(self.card.inputs)}",
            )
        extremes: list[str] = []
        blocks: list[str] = []
        for name in used:
            names = self.card.inputs[name].names
            blocks += missing_blocks(names, missing[name])
            if beyond and isinstance(self._module, Ranged):
                lower, upper = (limit.cpu().numpy() for limit in self._module.limits(name))
                extremes += extreme_measures(names, measures[name], lower, upper)
        return Prediction(
            age=round(age, AGE_DECIMALS),
            probability_female=self._probability(logit, used),
            modalities=used,
            out_of_range=round(beyond, AGE_DECIMALS),
            missing={name: round(float(missing[name].mean()), AGE_DECIMALS) for name in used},
            percentile=math.nan if math.isnan(percentile) else round(percentile, 2),
            extremes=tuple(extremes),
            missing_blocks=tuple(blocks),
        )

    def _probability(self, logit: float, used: tuple[str, ...]) -> float:
        if line := self.card.sex_line.get("+".join(used)):
            logit = line["slope"] * logit + line["intercept"]
        return round(float(torch.sigmoid(torch.tensor(logit, dtype=torch.float64))), AGE_DECIMALS)

    def _stack(self, name: str, sessions: Sequence[Features]) -> np.ndarray:
        width = len(self.card.inputs[name].names)
        rows = np.full((len(sessions), width), np.nan)
        for row, features in zip(rows, sessions, strict=True):
            vector = features.get(name)
            if vector is None:
                continue
            if np.shape(vector) != (width,):
                raise ModelError(
                    f"{name} has shape {np.shape(vector)}, model {self.card.name} takes {width}",
                    hint=f"see brainage models info {self.card.name}",
                )
            row[:] = vector
        return rows


def _percentile(module: AgeModel, inputs: Mapping[str, Tensor], like: Tensor) -> Tensor:
    if isinstance(module, Placed):
        return module.percentile(inputs)
    return torch.full_like(like, torch.nan)
