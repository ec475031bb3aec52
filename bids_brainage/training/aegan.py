"""Options that the three parts of the family ``aegan`` share: their data, folders and device."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from bids_brainage.errors import UsageError
from bids_brainage.training.autoencoder.labels import BINS, CODINGS

FEMALE_CODES = ("0", "1", "2")


@dataclass(frozen=True)
class AeganOptions:
    """Options of a training, cross-validation or test.

    Parameters
    ----------
    data
        Folders (or files) of the people.
    output
        Folder of what is written.
    recipe
        Options of the training, those of the part; None for a test.
    name
        Name of the model; that of the output folder by default.
    resume
        Go on from checkpoints in the output.
    command
        Command line that ran, for the card.
    device
        Where networks run.
    n_folds
        Folds that leave people out in turn.
    only
        Rows of the table of a cross-validation; all of them where empty.
    model
        Name or folder of the model that is tested.
    bins
        Age bins in years, as texts such as ``22-25`` and ``36+``.
    age_codes
        How integers in ``age.npy`` are read: ``years``, bins by their order in years, or
        ``appearance``, bins by the order in which the published files name them first; empty
        where they were not told, and such files are refused.
    table
        Table of age and sex for a folder of images.
    female
        Code of women in that table.
    """

    data: tuple[Path, ...]
    output: Path
    recipe: Any = None
    name: str = ""
    resume: bool = False
    command: str = ""
    device: torch.device = torch.device("cpu")  # noqa: RUF009
    n_folds: int = 5
    only: tuple[str, ...] = ()
    model: str = ""
    bins: tuple[str, ...] = BINS
    age_codes: str = ""
    table: Path | None = None
    female: str = "0"

    def __post_init__(self) -> None:
        if not self.data:
            raise UsageError("no data was given", hint="name a folder with people")
        if self.output.resolve() in [folder.resolve() for folder in self.data]:
            raise UsageError("the output is a folder of the data", place=self.output,
                             hint="choose another with --output")  # fmt: skip
        if self.n_folds < 2:
            raise UsageError(f"{self.n_folds} folds", hint="give 2 or more")
        if self.age_codes not in ("", *CODINGS):
            raise UsageError(f"codes of age {self.age_codes!r}",
                             hint=f"codes are by {' or '.join(CODINGS)}")  # fmt: skip
        if self.female not in FEMALE_CODES:
            raise UsageError(f"code of women {self.female!r}",
                             hint=f"codes are {', '.join(FEMALE_CODES)}")  # fmt: skip
        if self.table is not None and len(self.data) != 1:
            raise UsageError(f"a table with {len(self.data)} folders", hint="give one folder")

    @property
    def model_name(self) -> str:
        """Name of the new model."""
        return self.name or self.output.resolve().name
