"""The family ``resunet``: building its two variants, and checking a card against them."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from bids_brainage.errors import ModelError
from bids_brainage.models.cards import CARD_NAME, ModelCard
from bids_brainage.models.resunet import ResUNet, ResUNetConfig
from bids_brainage.models.resunet_compact import CompactConfig, CompactResUNet


def build(config: Mapping[str, Any]) -> nn.Module:
    """Build the network of a card's configuration.

    Raises
    ------
    ValueError
        If the configuration names neither variant.
    """
    if config["variant"] == "specified":
        return ResUNet(ResUNetConfig.from_dict(config))
    if config["variant"] == "compact":
        return CompactResUNet(CompactConfig.from_dict(config))
    raise ValueError(f"no variant '{config['variant']}' of resunet")


def check(module: nn.Module, card: ModelCard) -> None:
    """Check that the card names the image as the only input.

    Raises
    ------
    ModelError
        If it names another.
    """
    if set(card.inputs) != {"T1w"}:
        raise ModelError(
            f"the card's inputs are {sorted(card.inputs)}",
            place=CARD_NAME,
            hint=f"a {type(module).__name__} takes one T1w image",
        )
