"""What the user sees while a run goes on: a line per session at work, plain when not a terminal."""

import sys
import time
from types import TracebackType
from typing import Any


class Progress:
    """Lines for the user; on a terminal, sessions at work are shown below them as they go.

    Used as a context manager around a run.
    """

    def __init__(self) -> None:
        self._live: Any = None
        self._tasks: dict[str, Any] = {}
        self._started: dict[str, float] = {}

    def __enter__(self) -> "Progress":
        if sys.stdout.isatty():
            from rich.console import Console
            from rich.progress import Progress as Live
            from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

            columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False))
            console = Console(highlight=False, markup=False, soft_wrap=True)
            self._live = Live(*columns, TimeElapsedColumn(), console=console, transient=True)
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def say(self, text: str) -> None:
        """Write a line."""
        if self._live is not None:
            self._live.console.print(text)
        else:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()

    def step(self, stem: str, text: str) -> None:
        """Show the step that a session has come to; an empty text ends its line."""
        if self._live is not None:
            if stem in self._tasks:
                self._live.remove_task(self._tasks.pop(stem))
            if text:
                self._tasks[stem] = self._live.add_task(f"{stem}: {text}", total=None)
            return
        now = time.monotonic()
        began = self._started.setdefault(stem, now)
        if text:
            self.say(f"    {stem} {now - began:6.0f} s  {text}")
        else:
            del self._started[stem]
