"""Loading and saving models, with their hashes checked."""

import hashlib
import logging
import math
from collections.abc import Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from bids_brainage.errors import ModelError, OutputError
from bids_brainage.models.cards import CARD_NAME, ModelCard, read_card
from bids_brainage.models.families import FAMILIES, Family
from bids_brainage.models.find import WEIGHTS_NAME, find_model
from bids_brainage.models.mavae import Mavae

logger = logging.getLogger(__name__)
BROKEN = (SafetensorError, RuntimeError, AttributeError, TypeError, KeyError, ValueError)
Kind = TypeVar("Kind", bound=nn.Module)


def load_any(name_or_path: str | Path) -> tuple[nn.Module, ModelCard]:
    """Load a model of any family after checking the hash of its weights and its inputs.

    Parameters
    ----------
    name_or_path
        Name of a shipped model, or a folder.

    Returns
    -------
    tuple[nn.Module, ModelCard]
        The module in evaluation mode, in single precision, and its card.

    Raises
    ------
    ModelError
        If the model is missing, damaged, or does not match its card.
    """
    folder = find_model(name_or_path)
    card = read_card(folder / CARD_NAME)
    path = folder / WEIGHTS_NAME
    verify_hash(path, str(card.sha256))
    family = FAMILIES.get(card.family)
    if family is None:
        raise ModelError(f"unknown family '{card.family}'", place=folder / CARD_NAME)
    try:
        module = _filled(family, card.config, path)
    except BROKEN as error:
        raise ModelError(f"weights do not fit the card: {error}", place=path) from error
    try:
        family.check(module, card)
    except ModelError as error:
        raise ModelError(error.message, place=folder / error.place, hint=error.hint) from error
    return module.eval(), card


def load_kind(name_or_path: str | Path, kind: type[Kind]) -> tuple[Kind, ModelCard]:
    """Load a model whose network must be of a class; see `load_any`.

    Raises
    ------
    ModelError
        If it is of another class, or cannot be loaded.
    """
    module, card = load_any(name_or_path)
    if not isinstance(module, kind):
        raise ModelError(
            f"model '{card.name}' is of family {card.family}, which does not fit here",
            place=find_model(name_or_path),
            hint="brainage models list tells the family of every model",
        )
    return module, card


def load_model(name_or_path: str | Path) -> tuple[Mavae, ModelCard]:
    """Load a model of age and sex of the family ``mavae``; see `load_kind`."""
    return load_kind(name_or_path, Mavae)


def save_model(module: nn.Module, card: ModelCard, folder: Path, *, half: bool = True) -> ModelCard:
    """Write weights and card; the card gets the hash of the weights.

    Parameters
    ----------
    half
        Store in half precision what the family marks for it; the rest is in single precision.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    family = FAMILIES[card.family]
    state = {}
    for name, value in module.state_dict().items():
        if value.is_floating_point():
            small = half and (name.startswith(family.half) or name.endswith(family.half_ends))
            value = value.half() if small else value.float()
        state[name] = value.detach().cpu().contiguous()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        save_file(state, folder / WEIGHTS_NAME)
        (folder / WEIGHTS_NAME).chmod(0o644)
        card = replace(card, sha256=file_hash(folder / WEIGHTS_NAME))
        card.write(folder)
    except (OSError, SafetensorError) as error:
        raise OutputError(f"cannot write the model: {error}", place=folder) from error
    logger.info("model %s written to %s", card.name, folder)
    return card


def verify_hash(path: Path, expected: str) -> None:
    """Check the SHA-256 of a weights file.

    Raises
    ------
    ModelError
        If the file is missing or differs.
    """
    if not path.is_file():
        raise ModelError("no weights file", place=path, hint="install the package again")
    found = file_hash(path)
    if found != expected:
        raise ModelError(
            f"weights have hash {found[:12]}, the card says {expected[:12]}",
            place=path,
            hint="the file is damaged or was replaced; restore it",
        )


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _filled(family: Family, config: Mapping[str, Any], path: Path) -> nn.Module:
    """Module with stored weights, which are in memory once and not drawn at random before."""
    state = read_weights(path)
    try:
        with torch.device("meta"):
            module = family.build(config)
        module.load_state_dict(state, assign=True)
        if not any(value.is_meta for value in chain(module.parameters(), module.buffers())):
            return module
    except RuntimeError:
        pass
    # It needs values to be built, or has buffers that are not stored; or the weights do not fit.
    module = family.build(config)
    module.load_state_dict(state)
    return module


def read_weights(path: Path) -> dict[str, Tensor]:
    """Weights in single precision, each in memory of its own."""
    with safe_open(path, framework="pt") as file:
        names = list(file.keys())
        sizes = {name: math.prod(file.get_slice(name).get_shape()) for name in names}
    state = {}
    # What was read of the file counts as memory until it is closed: the largest come first.
    for name in sorted(names, key=lambda name: -sizes[name]):
        with safe_open(path, framework="pt") as file:
            value = file.get_tensor(name)
            state[name] = value.to(_dtype(value), copy=True)
    return state


def _dtype(value: torch.Tensor) -> torch.dtype:
    return torch.float32 if value.is_floating_point() else value.dtype
