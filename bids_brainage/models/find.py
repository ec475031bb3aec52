"""Where models live; nothing here loads weights."""

from importlib import resources
from pathlib import Path

from bids_brainage.errors import ModelError
from bids_brainage.models.cards import CARD_NAME, ModelCard, read_card

WEIGHTS_NAME = "model.safetensors"


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
