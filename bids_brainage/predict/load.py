"""Load a model for predictions, whatever it takes."""

import torch

from bids_brainage.models.store import load_any
from bids_brainage.predict.image_predictor import ImagePredictor
from bids_brainage.predict.predictor import Predictor


def load_predictor(name: str, device: torch.device, batch_size: int = 64) -> Predictor:
    """Load a model of feature vectors or of images.

    Parameters
    ----------
    name
        Name of a shipped model, or a folder with a card and weights.

    Raises
    ------
    ModelError
        If the model does not exist, its weights do not match its card, or it does not tell age.
    """
    module, card = load_any(name)
    takes_images = any(spec.shape for spec in card.inputs.values())
    kind = ImagePredictor if takes_images else Predictor
    return kind(module, card, device, batch_size)
