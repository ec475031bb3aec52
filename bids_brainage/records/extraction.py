"""The log of one session's extraction, as written beside its derivatives."""

import math
import re
from dataclasses import asdict, dataclass, field, fields
from pathlib import PurePosixPath
from typing import Any

from bids_brainage.records.session import SessionKey

LABEL = re.compile("[0-9a-zA-Z+]*")
STATES = ("ok", "failed", "no_input")
# What the raw path writes, and what is kept of a derivative.
_BRAIN = re.compile(r"_space-[0-9A-Za-z]+_res-2_desc-(preproc|brain)_T1w\.nii\.gz$")
_LINEAR = re.compile(r"_space-[0-9A-Za-z]+_res-1_desc-(linear|brain)_T1w\.nii\.gz$")


@dataclass(frozen=True)
class Extraction:
    """What the participant level did with one session.

    Parameters
    ----------
    status
        ``ok``, ``failed`` or ``no_input``.
    reason
        Why it failed or had no input; empty when ok.
    age, sex
        Chronological age (years) and sex of the dataset, or None.
    sources
        Input files used, relative to their dataset: ``{"modality": [...]}``.
    derivatives
        Files written, relative to OUTPUT_DIR: ``morphometry``, ``connectivity``, ``timeseries``.
    quality
        Quality numbers by column name; None where not measured.
    notes
        What was found, chosen, left out, and why.
    settings
        Atlas, denoising and other options that shaped the features.
    config_hash
        Hash of settings, version, demographics and input files; derivatives of another hash are
        not reused.
    seconds, peak_memory_mb
        Cost of the extraction in its worker.
    """

    participant: str
    session: str
    status: str
    reason: str = ""
    age: float | None = None
    sex: str | None = None
    sources: dict[str, list[str]] = field(default_factory=dict)
    derivatives: dict[str, Any] = field(default_factory=dict)
    quality: dict[str, float | None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    config_hash: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    seconds: float | None = None
    peak_memory_mb: float | None = None

    @property
    def files(self) -> list[str]:
        """All derivatives, relative to OUTPUT_DIR."""
        values = self.derivatives.values()
        return [name for value in values for name in ([value] if isinstance(value, str) else value)]

    @property
    def brain_image(self) -> tuple[str, str] | None:
        """T1w in template space and its brain mask, relative to OUTPUT_DIR; None without."""
        brain = next((name for name in self.files if _BRAIN.search(name)), "")
        mask = f"{brain.rpartition('_desc-')[0]}_desc-brain_mask.nii.gz"
        return (brain, mask) if mask in self.files else None

    @property
    def fine_brain(self) -> str:
        """The same at 1 mm, zero outside the brain; empty without.

        Registered by an affine alone if its name has ``desc-linear``.
        """
        return next((name for name in self.files if _LINEAR.search(name)), "")

    @property
    def key(self) -> SessionKey:
        """The session it belongs to."""
        return SessionKey(self.participant, self.session)

    def row(self) -> dict[str, Any]:
        """Return what a row of the predictions table holds before there is a prediction."""
        return {
            "participant_id": self.key.participant_id,
            "session_id": self.key.session_id,
            "status": self.status,
            "status_reason": self.reason,
            "age": self.age,
            "sex": self.sex,
            **self.quality,
        }

    def to_json(self) -> dict[str, Any]:
        """Return plain content for a JSON file."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Any, key: SessionKey | None = None) -> "Extraction":
        """Read back what :meth:`to_json` gave; unknown keys are ignored.

        Parameters
        ----------
        key
            Session that the log must be of; None for any.

        Raises
        ------
        TypeError
            If it is no such content: somebody else's session or files, or values of other types.
        """
        if not isinstance(content, dict):
            raise TypeError("the log is not an object")
        known = {f.name for f in fields(cls)}
        log = cls(**{k: v for k, v in content.items() if k in known})
        wrong = [name for name, holds in log._checks().items() if not holds]
        if wrong:
            raise TypeError(f"the log's {', '.join(wrong)} cannot be")
        if key is not None and log.key != key:
            raise TypeError(f"the log is of {log.key.stem}")
        return log

    def _checks(self) -> dict[str, bool]:
        """Whether each field holds what it may."""
        numbers = [self.age, self.seconds, self.peak_memory_mb]
        texts = [self.reason, self.config_hash]
        checks = {
            "labels": all(isinstance(label, str) and LABEL.fullmatch(label)
                          for label in (self.participant, self.session)),
            "status": self.status in STATES,
            "sex": self.sex in (None, "F", "M"),
            "numbers": all(map(_is_number, numbers)),
            "texts": all(isinstance(text, str) for text in texts),
            "notes": isinstance(self.notes, list) and all(isinstance(n, str) for n in self.notes),
        }  # fmt: skip
        for name in ("sources", "derivatives", "quality", "settings", "versions"):
            checks[name] = isinstance(getattr(self, name), dict)
        checks["quality"] &= checks["quality"] and all(map(_is_number, self.quality.values()))
        checks["derivatives"] &= checks["derivatives"] and all(
            isinstance(v, str | list) for v in self.derivatives.values()
        )
        if checks["derivatives"]:
            checks["derivatives"] = all(isinstance(n, str) and self._owns(n) for n in self.files)
        return checks

    def _owns(self, name: str) -> bool:
        """Whether a path relative to OUTPUT_DIR is of a file of this session."""
        path = PurePosixPath(name)
        inside = path.is_relative_to(self.key.folder) and ".." not in path.parts
        return inside and path.name.startswith(f"{self.key.stem}_") and "\0" not in name


def _is_number(value: Any) -> bool:
    """Whether a value is a number that a float can hold, or missing."""
    if value is None or isinstance(value, float):
        return value is None or math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1e15
