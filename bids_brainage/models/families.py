"""Families of models: how a network is built from its card, and what must fit it.

A new family is a module with ``build(config)``, which returns the network, and
``check(module, card)``, which raises `ModelError` where the card's inputs do not fit the
network, and one line in `FAMILIES`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from bids_brainage.models import (
    aegan,
    cvae,
    cvae_person,
    mavae,
    mavae_attribution,
    resnext,
    resunet_family,
    sfcn,
    tsan,
    volumes,
    volumes_attribution,
)
from bids_brainage.models.attribution import Attribution
from bids_brainage.models.cards import ModelCard

Attribute = Callable[[nn.Module, ModelCard, Mapping[str, Tensor]], Attribution]


@dataclass(frozen=True)
class Family:
    """One family of models.

    Parameters
    ----------
    description
        What it is.
    build
        From the configuration of a card to a network with start values.
    check
        Raises `ModelError` where the card's inputs do not fit the network.
    half, half_ends
        Beginnings and endings of the weights' names that are stored in half precision.
    attribute
        From network, card and one person's measures to what each measure adds to the age; None
        for a family that cannot tell.
    """

    description: str
    build: Callable[[Mapping[str, Any]], nn.Module]
    check: Callable[[nn.Module, ModelCard], None]
    half: tuple[str, ...] = ()
    half_ends: tuple[str, ...] = ()
    attribute: Attribute | None = None


FAMILIES: dict[str, Family] = {
    "aegan": Family(
        "autoencoders and a generative adversarial network of brains, with age and sex from their "
        "codes",
        aegan.build, aegan.check, ("core.",),
    ),
    "cvae": Family(
        "conditional variational autoencoder of morphometry given age and sex, and its inversion",
        cvae.build, cvae.check, ("core.",), attribute=cvae_person.attribute,
    ),
    "mavae": Family(
        "multimodal adversarial variational autoencoder for age and sex",
        mavae.build, mavae.check, ("core.",), (".components",), mavae_attribution.attribute,
    ),
    "resnext": Family(
        "residual network with grouped convolutions for age from a T1w in template space",
        resnext.build, resnext.check, ("stem.", "blocks."),
    ),
    "resunet": Family(
        "residual U-Net for brain mask, tissues and regions of a T1w",
        resunet_family.build, resunet_family.check, ("",),
    ),
    "sfcn": Family(
        "light network for age from a T1w that was registered linearly, with the user's weights",
        sfcn.build, sfcn.check,
    ),
    "tsan": Family(
        "two-stage network with ranking losses for age from a T1w in template space",
        tsan.build, tsan.check, ("first.layers.", "second.layers."),
    ),
    "volumes": Family(
        "age from volumes of tissues and regions of a raw T1w image",
        volumes.build, volumes.check, attribute=volumes_attribution.attribute,
    ),
}  # fmt: skip
