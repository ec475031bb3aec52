"""Load a model for predictions, whatever it takes."""

from collections.abc import Sequence
from pathlib import Path

import torch

from bids_brainage.models.sfcn_weights import NAME, load_sfcn
from bids_brainage.models.store import load_any
from bids_brainage.predict.image_predictor import ImagePredictor
from bids_brainage.predict.predictor import Predictor


def load_predictor(
    name: str, device: torch.device, batch_size: int = 64, weights: Sequence[Path] = ()
) -> Predictor:
    """Load a model of feature vectors or of images.

    Parameters
    ----------
    name
        Name of a shipped model, a folder with a card and weights, or ``sfcn``.
    weights
        The user's files for a model that is shipped without.

    Raises
    ------
    ModelError
        If the model does not exist, its weights do not match its card, or it does not tell age.
    """
    module, card = load_sfcn(weights) if name == NAME and weights else load_any(name)
    takes_images = any(spec.shape for spec in card.inputs.values())
    kind = ImagePredictor if takes_images else Predictor
    return kind(module, card, device, batch_size)
