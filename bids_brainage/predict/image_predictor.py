"""Predictions from images in template space: one loop for every image model."""

import logging
from collections.abc import Mapping, Sequence
from typing import Protocol, cast, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

from bids_brainage.errors import ModelError
from bids_brainage.models.cards import ModelCard
from bids_brainage.models.packed import fold, pack
from bids_brainage.predict.predictor import AGE_DECIMALS, Features, Predictor
from bids_brainage.records.prediction import Prediction

logger = logging.getLogger(__name__)
# Larger batches are no faster where one image keeps every core busy.
CPU_BATCH = 1
CUDA_BATCH = 8


@runtime_checkable
class Fusable(Protocol):
    """A network with convolutions that fuse for inference."""

    def fuse(self) -> nn.Module:
        """Fuse them in place."""
        ...


@runtime_checkable
class Spreading(Protocol):
    """A network that tells a distribution over ages."""

    def with_spread(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return ages, female logits, shares out of range and spreads in years; each (n,)."""
        ...


class ImagePredictor(Predictor):
    """A loaded model that turns brains in template space into predictions.

    Convolutions are fused where the network can. Where a device has too little memory a batch is
    halved, and at last all that is left is computed on the CPU.

    Parameters
    ----------
    module, card
        From `bids_brainage.models.store.load_any`.
    device
        Where it runs.
    batch_size
        Most images computed at once.

    Raises
    ------
    ModelError
        If it does not tell age.
    """

    dtype = torch.float32

    def __init__(
        self, module: nn.Module, card: ModelCard, device: torch.device, batch_size: int = 64
    ) -> None:
        if isinstance(module, Fusable):
            module.fuse()
        fold(module.eval())
        super().__init__(module, card, device, batch_size)
        if device.type == "cpu":
            pack(module)
        self._batch_size = min(batch_size, CPU_BATCH if device.type == "cpu" else CUDA_BATCH)
        self.ahead = 2 * self._batch_size

    def _predict_batch(self, sessions: Sequence[Features]) -> list[Prediction]:
        found = self._try(sessions)
        if found is None and len(sessions) > 1:
            half = len(sessions) // 2
            logger.info("too little memory for %d images at once", len(sessions))
            self._batch_size = half
            return [
                *self._predict_batch(sessions[:half]), *self._predict_batch(sessions[half:])
            ]  # fmt: skip
        if found is None:
            logger.warning("too little memory on %s: computed on the CPU from here", self._device)
            self._device = torch.device("cpu")
            pack(cast(nn.Module, self._module).to(self._device))
            found = self._compute(sessions, self._device)
        age, logit, beyond, spread = found
        probability = torch.sigmoid(logit)
        return [
            Prediction(
                age=round(age[i].item(), AGE_DECIMALS),
                probability_female=round(probability[i].item(), AGE_DECIMALS),
                modalities=tuple(self.card.inputs),
                out_of_range=round(beyond[i].item(), AGE_DECIMALS),
                missing=dict.fromkeys(self.card.inputs, 0.0),
                spread=round(spread[i].item(), AGE_DECIMALS),
            )
            for i in range(len(sessions))
        ]

    def _try(self, sessions: Sequence[Features]) -> tuple[Tensor, Tensor, Tensor, Tensor] | None:
        """Numbers of the sessions; None if the device has too little memory."""
        try:
            return self._compute(sessions, self._device)
        except torch.cuda.OutOfMemoryError:
            pass
        # The error held what was computed so far; here it is gone.
        torch.cuda.empty_cache()
        return None

    def _compute(
        self, sessions: Sequence[Features], device: torch.device
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        inputs = {}
        for name, spec in self.card.inputs.items():
            images = [session[name] for session in sessions]
            for image in images:
                if np.shape(image) != spec.shape:
                    raise ModelError(
                        f"{name} has shape {np.shape(image)}, model {self.card.name} takes "
                        f"{spec.shape}",
                        hint=f"see brainage models info {self.card.name}",
                    )
            inputs[name] = torch.from_numpy(np.stack(images).astype(np.float32)).to(device)
        unknown = np.full(2, np.nan)
        sex = np.stack([session.get("sex", unknown) for session in sessions])
        inputs["sex"] = torch.from_numpy(sex.astype(np.float32)).to(device)
        module = cast(nn.Module, self._module)
        with torch.inference_mode():
            if isinstance(module, Spreading):
                age, logit, beyond, spread = module.with_spread(inputs)
            else:
                age, logit = self._module(inputs)
                beyond = self._module.out_of_range(inputs)
                spread = torch.full_like(age, torch.nan)
        return age.cpu(), logit.cpu(), beyond.cpu(), spread.cpu()
