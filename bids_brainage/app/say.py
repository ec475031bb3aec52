"""How the App speaks to the user."""

from collections.abc import Callable

Say = Callable[[str], object]
