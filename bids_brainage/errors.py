"""The one exception tree. Every error knows its exit code, its place and the next step."""

from pathlib import Path


class BrainAgeError(Exception):
    """Base of every error the App raises on purpose.

    Parameters
    ----------
    message
        What is wrong, with the value that is wrong.
    place
        File, folder, option or session where it was found.
    hint
        What the user can do next.
    """

    exit_code = 1

    def __init__(self, message: str, *, place: str | Path = "", hint: str = "") -> None:
        self.message = message
        self.place = str(place)
        self.hint = hint
        super().__init__(str(self))

    def __str__(self) -> str:
        text = self.message
        if self.place:
            text += f" ({self.place})"
        if self.hint:
            # Commands and options keep their spelling.
            command = self.hint.startswith(("brainage", "bids_brainage", "pip ", "-"))
            start = self.hint[0] if command else self.hint[0].upper()
            text += f". {start}{self.hint[1:]}."
        return text

    def __reduce__(self):
        """Survive the trip between worker processes with place and hint."""
        return _rebuild, (type(self), self.message, self.place, self.hint)


def _rebuild(cls: type[BrainAgeError], message: str, place: str, hint: str) -> BrainAgeError:
    return cls(message, place=place, hint=hint)


class UsageError(BrainAgeError):
    """The command line or a configuration file is wrong."""

    exit_code = 2


class DatasetError(BrainAgeError):
    """The dataset as a whole cannot be used, or is invalid under ``--validate``."""

    exit_code = 16


class SelectionError(BrainAgeError):
    """The selection leaves no participant or session."""

    exit_code = 18


class MissingInputError(BrainAgeError):
    """A file or folder that was named does not exist."""

    exit_code = 66


class OutputError(BrainAgeError):
    """The output cannot be written."""

    exit_code = 73


class InputError(BrainAgeError):
    """One session's input is broken; the other sessions go on."""


class ModelError(BrainAgeError):
    """A model's weights or card are missing, damaged or do not fit the input."""

    exit_code = 66
