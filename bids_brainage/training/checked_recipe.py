"""Options of a training that check themselves."""

import math
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self

from bids_brainage.errors import UsageError

KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a word",
         tuple: "whole numbers, as in 1,1,"}  # fmt: skip


@dataclass(frozen=True)
class CheckedRecipe:
    """Options that are of the kinds of their defaults; numbers are finite and 0 or more."""

    def __post_init__(self) -> None:
        for option in fields(self):
            value, kind = getattr(self, option.name), type(option.default)
            if not _fits(value, kind):
                raise UsageError(f"{option.name} = {value}", hint=f"give {KINDS[kind]}")
            if option.name == "seed":
                if not 0 <= value < 2**32:
                    raise UsageError(f"seed = {value}", hint="give a number from 0 to 4294967295")
            elif kind in (int, float) and value < 0:
                raise UsageError(f"{option.name} = {value}", hint="give 0 or more")

    def require(self, name: str, allowed: tuple[Any, ...]) -> None:
        """Check that an option is one of some values.

        Raises
        ------
        UsageError
            If it is not.
        """
        if getattr(self, name) not in allowed:
            raise UsageError(f"{name} = {getattr(self, name)}",
                             hint=f"choose {', '.join(map(str, allowed))}")  # fmt: skip

    def require_above_zero(self, *names: str) -> None:
        """Check that options are above zero.

        Raises
        ------
        UsageError
            If one is not.
        """
        for name in names:
            if not getattr(self, name) > 0:
                raise UsageError(f"{name} = {getattr(self, name)}", hint="give a value above 0")

    def require_shares(self, *names: str) -> None:
        """Check that options are below one.

        Raises
        ------
        UsageError
            If one is not.
        """
        for name in names:
            if not getattr(self, name) < 1:
                raise UsageError(f"{name} = {getattr(self, name)}", hint="give a share below 1")

    def require_whole_numbers(self, *names: str) -> None:
        """Check that options are lists of whole numbers above zero.

        Raises
        ------
        UsageError
            If one is not.
        """
        for name in names:
            values = getattr(self, name)
            if any(not _fits(n, int) or n < 1 for n in values):
                raise UsageError(f"{name} = {values}", hint=f"give {KINDS[tuple]}")

    def as_dict(self) -> dict[str, Any]:
        """Return the options as plain values for a JSON file."""
        return asdict(self)

    def changed(self, **options: Any) -> Self:
        """Return a copy with some options changed."""
        return replace(self, **options)


def _fits(value: Any, kind: type) -> bool:
    if isinstance(value, bool):
        return kind is bool
    if kind is float:
        return isinstance(value, int | float) and math.isfinite(value)
    return isinstance(value, kind)
