"""One session's work in progress: what has come of it, and how what fails is told."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from bids_brainage.app.raw import why, work_folder
from bids_brainage.app.steps import report_step
from bids_brainage.bids.dataset import Dataset
from bids_brainage.config import RunConfig
from bids_brainage.errors import OutputError
from bids_brainage.records.inputs import SessionInputs

Result = TypeVar("Result")


class Progress:
    """What the extraction of one session has given so far."""

    def __init__(self, inputs: SessionInputs) -> None:
        self.sources: dict[str, list[str]] = {}
        self.derivatives: dict[str, Any] = {}
        self.quality: dict[str, float | None] = {}
        self.notes = [*inputs.demographics.notes, *inputs.notes]
        self.problems = list(inputs.problems)


@dataclass
class Session:
    """One session's work and what it has given."""

    config: RunConfig
    dataset: Dataset
    inputs: SessionInputs
    progress: Progress
    threads: int

    def say(self, text: str) -> None:
        """Tell the user what is done now."""
        report_step(self.inputs.key.stem, text)

    def attempt(self, modality: str, work: Callable[[], Result]) -> Result | None:
        """Do one modality; what is wrong with it becomes a problem and spoils no other."""
        try:
            return work()
        except OutputError:
            raise
        except Exception as error:
            told = why(error, self.config, f"{self.inputs.key.stem}-{modality}")
            self.progress.problems.append(f"{modality} left out: {self.short(told)}")
            return None

    def short(self, text: str) -> str:
        """Shorten paths to those inside their dataset: reasons end up in published tables."""
        roots = {self.dataset.root, *self.dataset.links.values(), self.config.output_dir}
        for root in sorted({*roots, work_folder(self.config)}, key=lambda p: -len(str(p))):
            text = text.replace(f"{root}/", "")
        return text

    def relative(self, path: Path) -> str:
        """Path of a derivative relative to OUTPUT_DIR."""
        return path.relative_to(self.config.output_dir).as_posix()
