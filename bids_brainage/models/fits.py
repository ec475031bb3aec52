"""Whether the inputs that a card names are those that a network takes."""

from bids_brainage.errors import ModelError
from bids_brainage.models.cards import CARD_NAME, ModelCard

HINT = "restore the model folder as it was trained"


def require_image(card: ModelCard, modality: str, shape: tuple[int, ...]) -> None:
    """Check that a card has one input, an image of so many voxels.

    Raises
    ------
    ModelError
        If it does not.
    """
    found = {name: spec.shape for name, spec in card.inputs.items()}
    if found != {modality: shape}:
        raise ModelError(
            f"the card's inputs are {found}, the weights take an image of {shape} voxels",
            place=CARD_NAME,
            hint=HINT,
        )


def require_measures(card: ModelCard, modality: str, n: int) -> None:
    """Check that a card has one input, a list of so many measures.

    Raises
    ------
    ModelError
        If it does not.
    """
    found = {name: len(spec.names) for name, spec in card.inputs.items()}
    if found != {modality: n}:
        raise ModelError(
            f"the card's inputs are {found}, the weights take {n} measures of {modality}",
            place=CARD_NAME,
            hint=HINT,
        )
