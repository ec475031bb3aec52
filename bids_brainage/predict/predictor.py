"""Predictions in batches from feature vectors, independent of order and company."""

from collections.abc import Mapping, Sequence
from typing import Protocol, cast, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

from bids_brainage.errors import ModelError
from bids_brainage.models.cards import ModelCard
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

    def __init__(
        self, module: nn.Module, card: ModelCard, device: torch.device, batch_size: int = 64
    ) -> None:
        self.card = card
        if not isinstance(module, AgeModel):
            raise ModelError(
                f"model '{self.card.name}' of family {self.card.family} does not predict age",
                hint="brainage models list tells what each model takes",
            )
        cast(nn.Module, module).to(device=device, dtype=torch.float64).eval()
        self._module: AgeModel = module
        self._device = device
        self._batch_size = batch_size

    def predict(self, sessions: Sequence[Features]) -> list[Prediction]:
        """Predict age, and sex where the model tells it, of each session.

        Age is NaN where a measure is missing that the model cannot do without.

        Parameters
        ----------
        sessions
            Per session, modality name to feature vector in the card's order; NaN is missing,
            and a modality may be absent.

        Raises
        ------
        ModelError
            If a vector has the wrong length, or a session has no measure at all.
        """
        results: list[Prediction] = []
        for start in range(0, len(sessions), self._batch_size):
            results += self._predict_batch(sessions[start : start + self._batch_size])
        return results

    def _predict_batch(self, sessions: Sequence[Features]) -> list[Prediction]:
        arrays = {name: self._stack(name, sessions) for name in self.card.inputs}
        tensors = {name: torch.from_numpy(a).to(self._device) for name, a in arrays.items()}
        with torch.inference_mode():
            age, logit = self._module(tensors)
            beyond = self._module.out_of_range(tensors)
        probability = torch.sigmoid(logit)
        missing = {name: np.isnan(array).mean(axis=1) for name, array in arrays.items()}
        return [
            self._prediction(i, age[i].item(), probability[i].item(), beyond[i].item(), missing)
            for i in range(len(sessions))
        ]

    def _prediction(
        self, i: int, age: float, probability: float, beyond: float, missing: dict[str, np.ndarray]
    ) -> Prediction:
        used = tuple(name for name, share in missing.items() if share[i] < 1)
        if not used:
            raise ModelError(
                f"no measure for model {self.card.name}",
                hint=f"it needs {' or '.join(self.card.inputs)}",
            )
        return Prediction(
            age=round(age, AGE_DECIMALS),
            probability_female=round(probability, AGE_DECIMALS),
            modalities=used,
            out_of_range=round(beyond, AGE_DECIMALS),
            missing={name: round(float(missing[name][i]), AGE_DECIMALS) for name in used},
        )

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
