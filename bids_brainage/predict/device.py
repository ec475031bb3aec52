"""Choice of the torch device."""

import torch

from bids_brainage.errors import UsageError


def resolve_device(name: str) -> torch.device:
    """Turn ``auto``, ``cpu``, ``cuda`` or ``cuda:N`` into a device that exists here.

    Raises
    ------
    UsageError
        If a CUDA device is asked for that this machine or torch build does not have.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if not name.startswith("cuda"):
        return torch.device("cpu")
    available = torch.cuda.device_count() if torch.cuda.is_available() else 0
    index = int(name.partition(":")[2] or 0)
    if index >= available:
        raise UsageError(
            f"--device {name}, but torch {torch.__version__} sees {available} CUDA devices",
            hint="use --device auto, and --nv (Singularity) or --gpus all (Docker) in a container",
        )
    return torch.device("cuda", index)
