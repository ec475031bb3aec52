"""What tells the training of one family of image networks from that of another."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn


@dataclass(frozen=True)
class ImageFamily:
    """One family of networks of images.

    Parameters
    ----------
    name
        Of the family, as cards have it.
    title
        As tables have it.
    description, references
        For cards.
    train
        Takes a sample, the numbers of people to train on and to choose the epoch with, a recipe,
        a folder of checkpoints and ``device``, ``resume`` and ``progress``; gives the network and
        its course, see `bids_brainage.training.images.fit.fit`.
    networks
        Rows of the cross-validation: their label, and what differs from the recipe. The first is
        the network as the recipe has it.
    shown
        Rows that the predictions of the first network show by themselves: their label, and the
        column of the predictions.
    calibration
        Takes a trained network and its number of validation people; tells for the card which
        line its ages go through. None where they go through none.
    """

    name: str
    title: str
    description: str
    references: tuple[str, ...]
    train: Callable[..., tuple[nn.Module, list[list[object]]]]
    networks: dict[str, tuple[str, dict[str, Any]]]
    shown: dict[str, tuple[str, str]]
    calibration: Callable[[nn.Module, int], dict[str, Any]] | None = None

    @property
    def main(self) -> str:
        """The row of the network as the recipe has it."""
        return next(iter(self.networks))
