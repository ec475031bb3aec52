"""The settings that an output was made with: one OUTPUT_DIR holds the numbers of one."""

import hashlib
import json
from pathlib import Path
from typing import Any

from bids_brainage import __version__
from bids_brainage.app.extract import mark_started, remove_files
from bids_brainage.app.fitting import fuses, named_models, only_fitting
from bids_brainage.app.group import output_sessions
from bids_brainage.app.raw import segmenter_version
from bids_brainage.bids.outputs import (
    claim_json,
    extraction_log,
    model_files,
    read_json,
    write_json,
)
from bids_brainage.config import SFCN, RunConfig
from bids_brainage.errors import InputError, OutputError
from bids_brainage.models.cards import CARD_NAME, read_card
from bids_brainage.models.find import find_model
from bids_brainage.models.user_weights import weights_hash
from bids_brainage.preprocessing.denoising import load_preset
from bids_brainage.records.prediction import FUSION

HINT = (
    "choose another OUTPUT_DIR (slow steps are reused with the same --work-dir), or --force "
    "without a selection, and not at --stage predict, to compute everyone again"
)


def configuration(config: RunConfig) -> dict[str, Any]:
    """Everything asked for that shapes numbers, with a hash of it.

    Where files lie, the device and the number of processes do not.
    """
    atlas = Path(config.atlas)
    content = config.feature_settings() | {
        "denoising": load_preset(config.denoising).describe(),
        "atlas": _file_hash(atlas) if atlas.is_file() else config.atlas,
        # Named models give a row each, in their order; of the shipped ones those that fit do.
        "models": [
            *(("those that fit of",) if only_fitting(config) else ()),
            *(_identity(name, config) for name in named_models(config)),
            *((FUSION,) if fuses(config) else ()),
        ],
        "segmenter": segmenter_version(),
        "version": __version__,
    }
    text = json.dumps(content, sort_keys=True, default=str)
    return json.loads(text) | {"hash": hashlib.sha256(text.encode()).hexdigest()[:16]}


def claim_output(config: RunConfig) -> None:
    """Write the run's configuration into OUTPUT_DIR, or compare it with the one there.

    Raises
    ------
    OutputError
        If the results there were made with other settings, unless everyone is computed again.
    """
    path = config.output_dir / "logs" / "configuration.json"
    wanted = configuration(config)
    if claim_json(path, wanted):
        return
    try:
        there = read_json(path)
    except InputError as error:
        there = {"hash": f"unreadable ({error.message})"}
    there = there if isinstance(there, dict) else {"hash": "not an object"}
    if there.get("hash") == wanted["hash"]:
        return
    names = [n for n in wanted if n != "hash" and there.get(n) != wanted[n]] or ["hash"]
    # Predicting again changes no features.
    computed = config.stage != "predict" or names == ["models"]
    if config.force and config.everyone and computed:
        _withdraw(config)
        write_json(path, wanted)
        return
    differing = "; ".join(f"{n} {_short(there.get(n))}, now {_short(wanted[n])}" for n in names)
    raise OutputError(
        f"OUTPUT_DIR holds results made with other settings: {differing}", place=path, hint=HINT
    )


def _identity(name: str, config: RunConfig) -> str:
    """Name and hash of a model's weights."""
    if name == SFCN and config.weights:
        return f"{name} {weights_hash(config.weights)[:12]}"
    card = read_card(find_model(name) / CARD_NAME)
    return f"{card.name} {card.sha256[:12]}"


def _withdraw(config: RunConfig) -> None:
    """Take back what other settings gave, so that a run that ends early leaves no mixture."""
    output = config.output_dir
    for key in list(output_sessions(output)):
        if config.stage != "predict":
            mark_started(output, key)
            remove_files([extraction_log(output, key)])
        remove_files(model_files(output, key))


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 100 else f"{text[:100]}…"


def _file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()[:12]}"
