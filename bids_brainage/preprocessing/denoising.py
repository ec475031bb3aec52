"""Denoising presets: which confounds leave a run, read from data files."""

import json
import math
from dataclasses import asdict, dataclass, field, fields
from importlib.resources import files
from pathlib import Path
from typing import Any

from bids_brainage.errors import UsageError

DEFAULT_PRESET = "compcor"
MOTION_MODELS = ("none", "basic6", "derivatives12", "derivatives24", "friston24")
COMPCOR_MASKS = ("combined", "white_matter", "csf")
TISSUES = ("white_matter", "csf")
EXPANSIONS = ("none", "derivatives", "full")
_KINDS = {"name": str, "description": str, "references": tuple, "motion": str, "expansion": str,
          "tissue_signals": tuple, "global_signal": bool, "cosines": bool, "trend": int,
          "minimum_segment": int}  # fmt: skip
_HINT = "compare with the presets in the package folder data/denoising"


@dataclass(frozen=True)
class Denoising:
    """What is regressed out of, filtered from and cut out of a run.

    Parameters
    ----------
    motion
        ``basic6``; ``derivatives12`` with first differences; ``derivatives24`` with their squares;
        ``friston24`` with the previous volume's six parameters and squares; or ``none``.
    compcor
        ``{"components": n, "mask": "combined" | "white_matter" | "csf"}``, or None.
    tissue_signals
        Mean signals of tissues.
    expansion
        Derivatives, or derivatives and squares, of tissue and global signals.
    trend
        Order of the polynomial trend; 0 for none.
    cosines
        Discrete cosines below ``high_pass``.
    high_pass
        Hz.
    band_pass
        Lower and upper edge of a Butterworth filter in Hz, or None.
    fd_threshold
        Framewise displacement in mm above which a volume is left out, or None.
    minimum_segment
        Kept stretches of fewer volumes are left out too.
    """

    name: str
    description: str = ""
    references: tuple[str, ...] = ()
    motion: str = "none"
    compcor: dict[str, Any] | None = None
    tissue_signals: tuple[str, ...] = ()
    global_signal: bool = False
    expansion: str = "none"
    trend: int = 0
    cosines: bool = False
    high_pass: float | None = None
    band_pass: tuple[float, float] | None = None
    fd_threshold: float | None = None
    minimum_segment: int = 0
    source: str = field(default="", compare=False)

    def describe(self) -> dict[str, Any]:
        """Full content for sidecars, logs and hashes."""
        content = asdict(self)
        del content["source"]
        return content


def preset_names() -> list[str]:
    """Names of the packaged presets, the default first."""
    folder = files("bids_brainage") / "data" / "denoising"
    names = sorted(
        item.name.removesuffix(".json") for item in folder.iterdir() if item.name.endswith(".json")
    )
    return sorted(names, key=lambda name: name != DEFAULT_PRESET)


def load_preset(name_or_path: str | Path = DEFAULT_PRESET) -> Denoising:
    """Load a packaged preset by name, or a user's by path.

    Parameters
    ----------
    name_or_path
        Preset name, ``default``, or path of a JSON file with the same keys.

    Raises
    ------
    UsageError
        If there is no such preset, or its content is wrong.
    """
    text = str(name_or_path)
    name = DEFAULT_PRESET if text == "default" else text
    if name in preset_names():
        resource = files("bids_brainage") / "data" / "denoising" / f"{name}.json"
        return _from_content(json.loads(resource.read_text(encoding="utf-8")), name)
    path = Path(text)
    if not path.is_file():
        raise UsageError(
            f"no denoising preset '{text}'",
            place="--denoising",
            hint=f"use {', '.join(preset_names())} or the path of a JSON file",
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"not a JSON file: {error}", place=path, hint=_HINT) from error
    if not isinstance(content, dict):
        raise UsageError("the preset is not a JSON object", place=path, hint=_HINT)
    return _from_content({"name": path.stem, **content}, str(path))


def _from_content(content: dict[str, Any], source: str) -> Denoising:
    known = {item.name for item in fields(Denoising)} - {"source"}
    unknown = sorted(set(content) - known)
    if unknown:
        raise UsageError(f"unknown keys {', '.join(unknown)}", place=source, hint=_HINT)
    for key in ("references", "tissue_signals", "band_pass"):
        if isinstance(content.get(key), list):
            content[key] = tuple(content[key])
    try:
        preset = Denoising(**content, source=source)
        _check(preset)
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise UsageError(f"wrong preset: {error}", place=source, hint=_HINT) from error
    return preset


def _check(preset: Denoising) -> None:
    for key, kind in _KINDS.items():
        if type(getattr(preset, key)) is not kind:
            raise ValueError(f"{key} is {getattr(preset, key)!r}, not {kind.__name__}")
    edges = preset.band_pass or ()
    for key, value in (("high_pass", preset.high_pass), ("fd_threshold", preset.fd_threshold),
                       *(("band_pass", edge) for edge in edges)):  # fmt: skip
        if value is not None and (isinstance(value, bool) or not math.isfinite(value)):
            raise ValueError(f"{key} is {value}, not a number")
    _check_choice("motion", preset.motion, MOTION_MODELS)
    _check_choice("expansion", preset.expansion, EXPANSIONS)
    for tissue in preset.tissue_signals:
        _check_choice("tissue_signals", tissue, TISSUES)
    if preset.compcor is not None:
        _check_choice("compcor mask", preset.compcor["mask"], COMPCOR_MASKS)
        if not 1 <= int(preset.compcor["components"]) <= 50:
            raise ValueError(f"compcor components {preset.compcor['components']}, not 1 to 50")
    if not 0 <= preset.trend <= 5:
        raise ValueError(f"trend {preset.trend}, not 0 to 5")
    if preset.cosines and not (preset.high_pass and preset.high_pass > 0):
        raise ValueError("cosines need high_pass in Hz")
    if preset.band_pass is not None:
        low, high = preset.band_pass
        if not 0 <= low < high:
            raise ValueError(f"band_pass {low} to {high} Hz")
    if preset.fd_threshold is not None and preset.fd_threshold <= 0:
        raise ValueError(f"fd_threshold {preset.fd_threshold} mm")
    if preset.minimum_segment < 0 or (preset.high_pass or 0) < 0:
        raise ValueError("minimum_segment or high_pass is below zero")
    json.dumps(preset.describe(), ensure_ascii=False, allow_nan=False).encode()


def _check_choice(key: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{key} is '{value}', not one of {', '.join(choices)}")
