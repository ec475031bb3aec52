"""Family of autoencoders and of a generative adversarial network of brains, told by the kind.

A new kind is a module with ``build(config)`` and ``check(module, card)``, and one line in `KINDS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from bids_brainage.errors import ModelError
from bids_brainage.models import gan, image_autoencoder, morphometry_autoencoder
from bids_brainage.models.cards import CARD_NAME, ModelCard


@dataclass(frozen=True)
class Kind:
    """One kind of network of the family.

    Parameters
    ----------
    build
        From the configuration of a card to a network with start values.
    check
        Raises `ModelError` where the card's inputs do not fit the network.
    """

    build: Callable[[Mapping[str, Any]], nn.Module]
    check: Callable[[nn.Module, ModelCard], None]


KINDS: dict[str, Kind] = {
    "gan": Kind(gan.build, gan.check),
    "images": Kind(image_autoencoder.build, image_autoencoder.check),
    "morphometry": Kind(morphometry_autoencoder.build, morphometry_autoencoder.check),
}


def build(config: Mapping[str, Any]) -> nn.Module:
    """Build the network of a card's configuration.

    Raises
    ------
    ModelError
        If the kind is unknown.
    """
    return _kind(config).build(config)


def check(module: nn.Module, card: ModelCard) -> None:
    """Check that the card's inputs fit the network.

    Raises
    ------
    ModelError
        If they do not.
    """
    _kind(card.config).check(module, card)


def _kind(config: Mapping[str, Any]) -> Kind:
    name = config.get("kind")
    if name not in KINDS:
        raise ModelError(
            f"unknown kind of aegan '{name}'", place=CARD_NAME, hint=f"kinds are {', '.join(KINDS)}"
        )
    return KINDS[name]
