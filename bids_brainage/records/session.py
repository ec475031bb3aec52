"""One participant's session and the demographics that belong to it."""

from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(frozen=True, order=True)
class SessionKey:
    """The labels that name one session.

    Parameters
    ----------
    participant
        Label without ``sub-``.
    session
        Label without ``ses-``, or an empty string for a dataset without sessions.
    """

    participant: str
    session: str = ""

    @property
    def participant_id(self) -> str:
        """``sub-<label>``."""
        return f"sub-{self.participant}"

    @property
    def session_id(self) -> str:
        """``ses-<label>``, or ``n/a`` without sessions."""
        return f"ses-{self.session}" if self.session else "n/a"

    @property
    def stem(self) -> str:
        """First part of every file name of the session."""
        return self.participant_id + (f"_ses-{self.session}" if self.session else "")

    @property
    def folder(self) -> PurePosixPath:
        """The session's folder below a dataset root."""
        path = PurePosixPath(self.participant_id)
        return path / f"ses-{self.session}" if self.session else path


@dataclass(frozen=True)
class Demographics:
    """Age and sex as a dataset gives them.

    Parameters
    ----------
    age
        Years at the scan; None if missing or unusable.
    sex
        ``F``, ``M`` or None.
    notes
        In plain words, how each was read or why it was not.
    """

    age: float | None = None
    sex: str | None = None
    notes: tuple[str, ...] = ()
