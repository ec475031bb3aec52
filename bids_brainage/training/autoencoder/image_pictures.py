"""Mean brains by sex and age, decoded from codes and as plain means of the images."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bids_brainage.bids.outputs import write_json
from bids_brainage.errors import OutputError
from bids_brainage.models.image_autoencoder import ImageAutoencoder
from bids_brainage.training.autoencoder.brains import Brains
from bids_brainage.training.autoencoder.image_folds import known_of
from bids_brainage.training.autoencoder.image_heads import without_head

FEWEST = 3
PAIRS = (("women", "men"), ("older", "younger"))
KINDS = {
    "mean": "mean of images",
    "decoded": "decoded mean code",
    "corrected": "decoded without head size",
}


def groups_of(brains: Brains) -> dict[str, np.ndarray]:
    """Women and men, and the younger and older half, as masks; groups of few are left out."""
    age, female = known_of(brains).age, brains.female
    middle = np.nanmedian(age) if np.isfinite(age).any() else np.nan
    found = {"women": female == 1, "men": female == 0, "younger": age < middle,
             "older": age >= middle}  # fmt: skip
    return {name: who for name, who in found.items() if who.sum() >= FEWEST}


def group_title(name: str, brains: Brains) -> str:
    """What a group is called above its brain, with the split of ages."""
    if name not in ("younger", "older"):
        return name
    middle = np.nanmedian(known_of(brains).age)
    return f"{name} (from {middle:.0f})" if name == "older" else f"{name} (to {middle:.0f})"


@torch.no_grad()
def mean_brains(
    network: ImageAutoencoder, brains: Brains, codes: np.ndarray
) -> dict[str, dict[str, np.ndarray]]:
    """Kind of mean to group to brain; see `KINDS` and `groups_of`.

    The size of the head is taken out of codes by a straight line through the measured size; the
    kind is absent where sizes are unknown.

    Parameters
    ----------
    codes
        Of everybody; (n, k).
    """
    groups = groups_of(brains)
    head = brains.head
    kinds: dict[str, dict[str, np.ndarray]] = {"mean": {}, "decoded": {}}
    for name, who in groups.items():
        kinds["mean"][name] = brains.block(np.flatnonzero(who)).mean(axis=0)
        kinds["decoded"][name] = _decoded(network, codes[who])
    if np.isfinite(head).all():
        fixed, _ = without_head(codes, codes, head, head)
        kinds["corrected"] = {name: _decoded(network, fixed[who]) for name, who in groups.items()}
    return kinds


def _decoded(network: ImageAutoencoder, codes: np.ndarray) -> np.ndarray:
    mean = torch.from_numpy(codes.mean(axis=0)).float()
    return network.decode(mean[None])[0].numpy()


def write_brains(
    folder: Path, kinds: Mapping[str, Mapping[str, np.ndarray]], brains: Brains
) -> None:
    """Write ``brains.npz`` and ``brains.json``: groups and their differences, a column a kind.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    volumes: dict[str, np.ndarray] = {}
    told: list[dict[str, Any]] = []
    for column, (kind, found) in enumerate(kinds.items()):
        row = 0
        for pair in PAIRS:
            if not all(name in found for name in pair):
                continue
            for name in pair:
                told.append({"name": f"{name} {kind}", "row": row, "column": column,
                             "title": f"{group_title(name, brains)}: {KINDS[kind]}"})  # fmt: skip
                volumes[f"{name} {kind}"] = found[name].astype(np.float32)
                row += 1
            difference = f"difference {pair[0]} {kind}"
            told.append({"name": difference, "row": row, "column": column, "difference": True,
                         "title": f"{pair[0]} - {pair[1]}"})  # fmt: skip
            volumes[difference] = (found[pair[0]] - found[pair[1]]).astype(np.float32)
            row += 1
    try:
        folder.mkdir(parents=True, exist_ok=True)
        arrays: dict[str, Any] = dict(volumes)
        np.savez_compressed(folder / "brains.npz", **arrays)
    except OSError as error:
        raise OutputError(f"cannot write: {error.strerror}", place=folder) from error
    write_json(folder / "brains.json", told)


def agreement(kinds: Mapping[str, Mapping[str, np.ndarray]]) -> list[dict[str, Any]]:
    """How the differences between groups of decoded brains go with those of the plain means.

    Returns
    -------
        Per kind and pair: ``pair``, ``kind``, ``size`` (mean absolute difference over voxels with
        brain, in medians of a brain) and ``r`` (correlation with the plain means' difference).
    """
    rows: list[dict[str, Any]] = []
    for first, second in PAIRS:
        plain = kinds["mean"]
        if first not in plain or second not in plain:
            continue
        inside = (plain[first] != 0) & (plain[second] != 0)
        wanted = (plain[first] - plain[second])[inside]
        for kind, found in kinds.items():
            away = (found[first] - found[second])[inside]
            r = float(np.corrcoef(away, wanted)[0, 1]) if np.ptp(away) > 0 else float("nan")
            rows.append({"pair": f"{first} - {second}", "kind": KINDS[kind],
                         "size": float(np.abs(away).mean()), "r": r})  # fmt: skip
    return rows
