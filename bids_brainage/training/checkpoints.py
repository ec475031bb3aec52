"""Checkpoints of a running training: tensors in safetensors, the rest in JSON."""

import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from bids_brainage.errors import OutputError

logger = logging.getLogger(__name__)
TENSORS = "checkpoint.safetensors"
STATE = "checkpoint.json"


def fingerprint(*parts: Any) -> str:
    """Return a hash of recipe and data, so that a checkpoint of another run is not resumed."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(np.ascontiguousarray(part).tobytes())
        else:
            digest.update(json.dumps(part, sort_keys=True, default=str).encode())
    return digest.hexdigest()


def save_checkpoint(
    folder: Path,
    key: str,
    step: int,
    modules: Mapping[str, nn.Module | dict[str, Tensor]],
    optimisers: Mapping[str, torch.optim.Optimizer],
    extra: dict[str, Any],
) -> None:
    """Write the state of a training; a reader never sees half of it.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    tensors: dict[str, Tensor] = {}
    for name, module in modules.items():
        held = module.state_dict() if isinstance(module, nn.Module) else module
        tensors |= {f"{name}|{k}": v.detach().clone().contiguous() for k, v in held.items()}
    groups: dict[str, Any] = {}
    for name, optimiser in optimisers.items():
        state = optimiser.state_dict()
        groups[name] = state["param_groups"]
        values: Mapping[str, Any]
        for index, values in state["state"].items():
            for k, v in values.items():
                tensors[f"{name}|{index}|{k}"] = torch.as_tensor(v).detach().clone().contiguous()
    content = {"key": key, "step": step, "groups": groups, **extra}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        save_file(tensors, folder / f".{TENSORS}", metadata={"step": str(step), "key": key})
        (folder / f".{STATE}").write_text(json.dumps(content), encoding="utf-8")
        (folder / f".{TENSORS}").replace(folder / TENSORS)
        (folder / f".{STATE}").replace(folder / STATE)
    except (OSError, SafetensorError) as error:
        raise OutputError(f"cannot write a checkpoint: {error}", place=folder) from error


def load_checkpoint(
    folder: Path,
    key: str,
    modules: Mapping[str, nn.Module | dict[str, Tensor]],
    optimisers: Mapping[str, torch.optim.Optimizer],
) -> dict[str, Any] | None:
    """Restore the state of a training in place.

    Returns
    -------
    dict[str, Any] | None
        What was saved beside the tensors, with ``step``; None if there is no checkpoint of this
        run.
    """
    try:
        content = json.loads((folder / STATE).read_text(encoding="utf-8"))
        tensors = load_file(folder / TENSORS)
    except (OSError, ValueError, SafetensorError):
        return None
    if content.get("key") != key:
        logger.warning("checkpoint in %s is of another run and is not used", folder)
        return None
    for name, module in modules.items():
        mine = {k.partition("|")[2]: v for k, v in tensors.items() if k.startswith(f"{name}|")}
        if isinstance(module, nn.Module):
            module.load_state_dict(mine)
        else:
            module.update(mine)
    for name, optimiser in optimisers.items():
        state: dict[int, dict[str, Tensor]] = {}
        for k, v in tensors.items():
            if k.startswith(f"{name}|"):
                _, index, field = k.split("|")
                state.setdefault(int(index), {})[field] = v
        optimiser.load_state_dict({"state": state, "param_groups": content["groups"][name]})
    return content


def remove_checkpoint(folder: Path) -> None:
    """Delete a checkpoint once its training is done.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    try:
        for name in (TENSORS, STATE):
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"cannot delete a checkpoint: {error.strerror}", place=folder) from error
