"""Ages as people write them, in years."""

import math
import re

MISSING = frozenset({"", "n/a", "na", "n.a.", "nan", "none", "null", "unknown", "unk", "missing",
                     "not available", "not known", "-", "--", ".", "?", "-9", "-99", "-999",
                     "-9999", "999", "9999", "-1"})  # fmt: skip
OLDEST = 120.0
PER_YEAR = {"years": 1.0, "months": 12.0, "weeks": 365.25 / 7, "days": 365.25}
UNITS = {
    "years": ("y", "yr", "yrs", "year", "years", "yo"),
    "months": ("m", "mo", "mos", "mth", "mths", "mon", "month", "months"),
    "weeks": ("w", "wk", "wks", "week", "weeks"),
    "days": ("d", "day", "days"),
}
UNIT_WORDS = {word: unit for unit, words in UNITS.items() for word in words}
NUMBER = r"\d+(?:[.,]\d+)?"
SPAN = re.compile(rf"[\[(]?\s*({NUMBER})\s*(?:-|–|—|to|_|,\s)\s*({NUMBER})\s*[\])]?(.*)",
                  re.IGNORECASE)  # fmt: skip
PLUS = re.compile(rf"({NUMBER})(.*?)\s*(?:\+|and over|and above|and older|or older|or over|or above"
                  r"|or more|plus)(?:\s*years?)?", re.IGNORECASE)  # fmt: skip
ABOVE = re.compile(rf"(?:>=?|≥|over|above|older than|at least)\s*({NUMBER})(.*)", re.IGNORECASE)
BELOW = re.compile(rf"(?:<=?|≤|under|below|younger than|at most)\s*({NUMBER})(.*)", re.IGNORECASE)
SINGLE = re.compile(rf"([+-]?{NUMBER}(?:e[+-]?\d+)?)(.*)", re.IGNORECASE)
ISO = re.compile(rf"P(?:({NUMBER})Y)?(?:({NUMBER})M)?(?:({NUMBER})W)?(?:({NUMBER})D)?(?:T.*)?",
                 re.IGNORECASE)  # fmt: skip
MIXED = re.compile(rf"({NUMBER})\s*(?:y|yrs?|years?)[\s,;]*(?:and\s*)?({NUMBER})\s*"
                   r"(?:m|mos?|months?)", re.IGNORECASE)  # fmt: skip


def unit_of(text: str) -> str | None:
    """Unit that a phrase such as ``Years, rounded`` or ``yo`` names first; None if none."""
    words = re.findall(r"[a-z]+", text.lower())
    return next((UNIT_WORDS[word] for word in words if word in UNIT_WORDS), None)


def parse_age(text: str, unit: str = "years") -> tuple[float | None, str]:
    """Read an age cell.

    Parameters
    ----------
    text
        For example ``25``, ``025Y``, ``25,5``, ``P25Y6M``, ``89+``, ``20-25``, ``n/a``.
    unit
        Unit of a number without unit: ``years``, ``months``, ``weeks`` or ``days``.

    Returns
    -------
    age
        Years; None if missing, unreadable or not between 0 and 120.
    note
        How it was read, where that is not plain, or why it was not; empty for a plain number.
    """
    cell = " ".join(text.split())
    if cell.lower() in MISSING:
        return None, "age is missing"
    age, note = _read(cell, unit)
    if age is None or not math.isfinite(age):
        return None, f"age '{_short(cell)}' cannot be read: write a number in years"
    if not 0 <= age <= OLDEST:
        return None, (f"age {_short(cell)} in {unit} is implausible: correct it, or state its "
                      "Units in participants.json")  # fmt: skip
    return age, note


def _read(cell: str, unit: str) -> tuple[float | None, str]:
    if len(cell) > 80:
        return None, ""
    iso, mixed = ISO.fullmatch(cell), MIXED.fullmatch(cell)
    if iso and any(iso.groups()):
        years, months, weeks, days = (_number(g) if g else 0.0 for g in iso.groups())
        return years + months / 12 + weeks * 7 / 365.25 + days / 365.25, ""
    if mixed:
        return _number(mixed[1]) + _number(mixed[2]) / 12, ""
    span = SPAN.fullmatch(cell)
    if span:
        low, high = _number(span[1]), _number(span[2])
        middle = _in_years((low + high) / 2, span[3], unit) if low <= high else None
        return middle, f"age '{cell}' is a range; its middle is used"
    for pattern, side in ((PLUS, "at least"), (ABOVE, "at least"), (BELOW, "at most")):
        match = pattern.fullmatch(cell)
        if match:
            age = _in_years(_number(match[1]), match[2], unit)
            return age, f"age '{cell}' is censored ({side} this much); the number is used"
    single = SINGLE.fullmatch(cell)
    return (_in_years(_number(single[1]), single[2], unit), "") if single else (None, "")


def _in_years(value: float, rest: str, unit: str) -> float | None:
    if rest.strip():
        words = re.sub(r"\bold\b|[\s./]", "", rest.lower())
        named = UNIT_WORDS.get(words)
        if named is None:
            return None
        unit = named
    return value / PER_YEAR[unit]


def _number(text: str) -> float:
    return float(text.replace(",", "."))


def _short(cell: str) -> str:
    return cell if len(cell) <= 40 else cell[:40] + "…"
