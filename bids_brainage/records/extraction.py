"""The log of one session's extraction, as written beside its derivatives."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from bids_brainage.records.session import SessionKey


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
    def key(self) -> SessionKey:
        """The session it belongs to."""
        return SessionKey(self.participant, self.session)

    def to_json(self) -> dict[str, Any]:
        """Return plain content for a JSON file."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Extraction":
        """Read back what :meth:`to_json` gave; unknown keys are ignored."""
        known = {f.name for f in fields(cls)}
        return cls(**{k: v for k, v in content.items() if k in known})
