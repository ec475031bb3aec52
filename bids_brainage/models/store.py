"""Where models live, and loading and saving them with their hashes checked."""

import hashlib
import logging
from dataclasses import replace
from importlib import resources
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from bids_brainage.errors import ModelError, OutputError
from bids_brainage.models.cards import CARD_NAME, ModelCard, read_card
from bids_brainage.models.mavae import MODALITIES, Mavae, MavaeConfig

logger = logging.getLogger(__name__)
WEIGHTS_NAME = "model.safetensors"
BROKEN = (SafetensorError, RuntimeError, AttributeError, TypeError, KeyError, ValueError)
FAMILIES = {"mavae": "multimodal adversarial variational autoencoder for age and sex"}
HALF = ("core.",)
HALF_ENDS = (".components",)


def shipped_folder() -> Path:
    """Folder of the models inside the package."""
    return Path(str(resources.files("bids_brainage") / "models" / "weights"))


def list_models(folder: Path | None = None) -> list[ModelCard]:
    """Read the cards of all models in a folder, sorted by name.

    Parameters
    ----------
    folder
        Folder with one folder per model; the shipped models by default.
    """
    root = shipped_folder() if folder is None else folder
    return [read_card(path) for path in sorted(root.glob(f"*/{CARD_NAME}"))]


def find_model(name_or_path: str | Path) -> Path:
    """Find a shipped model by name, or the user's model by its folder.

    Raises
    ------
    ModelError
        If neither exists.
    """
    text = str(name_or_path)
    shipped = shipped_folder() / text
    if Path(text).name == text and (shipped / CARD_NAME).is_file():
        return shipped
    folder = Path(name_or_path)
    if (folder / CARD_NAME).is_file():
        return folder
    known = ", ".join(sorted(p.parent.name for p in shipped_folder().glob(f"*/{CARD_NAME}")))
    raise ModelError(
        f"no model '{text}'",
        place=folder if folder.exists() else "",
        hint=f"give a folder with {CARD_NAME} and {WEIGHTS_NAME}, or one of: {known or 'none'}",
    )


def load_model(name_or_path: str | Path) -> tuple[Mavae, ModelCard]:
    """Load a model after checking the hash of its weights and the order of its inputs.

    Parameters
    ----------
    name_or_path
        Name of a shipped model, or a folder.

    Returns
    -------
    tuple[Mavae, ModelCard]
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
    if card.family not in FAMILIES:
        raise ModelError(f"unknown family '{card.family}'", place=folder / CARD_NAME)
    try:
        module = Mavae(MavaeConfig.from_dict(card.config))
        state = load_file(path)
        module.load_state_dict({name: value.to(_dtype(value)) for name, value in state.items()})
    except BROKEN as error:
        raise ModelError(f"weights do not fit the card: {error}", place=path) from error
    if not card.inputs or not set(card.inputs) <= set(MODALITIES):
        raise ModelError(
            f"the card's inputs are {sorted(card.inputs)}",
            place=folder / CARD_NAME,
            hint=f"they must be among {', '.join(MODALITIES)}",
        )
    for modality, spec in card.inputs.items():
        width = getattr(module.config, modality).n_measures
        if len(spec.names) != width:
            raise ModelError(
                f"the card names {len(spec.names)} {modality} inputs, the weights take {width}",
                place=folder,
            )
    return module.eval(), card


def save_model(module: Mavae, card: ModelCard, folder: Path, *, half: bool = True) -> ModelCard:
    """Write weights and card; the card gets the hash of the weights.

    Parameters
    ----------
    half
        Store networks and projection in half precision; scaling stays in single precision.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    state = {}
    for name, value in module.state_dict().items():
        if value.is_floating_point():
            small = half and (name.startswith(HALF) or name.endswith(HALF_ENDS))
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


def _dtype(value: torch.Tensor) -> torch.dtype:
    return torch.float32 if value.is_floating_point() else value.dtype
