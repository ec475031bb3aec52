"""Labels of the system's own files: ages in bins, coded by their order in years, and sexes."""

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from bids_brainage.errors import InputError, UsageError
from bids_brainage.training.autoencoder.label_files import read_texts

BINS = ("22-25", "26-30", "31-35", "36+")
# Codes of the data's own age.npy: bins in the order in which people first had them.
APPEARANCE = ("26-30", "22-25", "31-35", "36+")
CODINGS = ("appearance", "years")
# People per bin in order of years, and women and men, of the 1,113 people of HCP S1200.
WHOLE = 1113
WHOLE_BINS = (231, 486, 383, 13)
WHOLE_WOMEN = 606
MISSING = frozenset({"", "n/a", "na", "nan", "none"})
FEMALE_WORDS = {"f": 1.0, "female": 1.0, "m": 0.0, "male": 0.0}


def bin_limits(name: str) -> tuple[float, float]:
    """Return the first age of a bin and the first age after it, in years.

    Ages are completed years: ``22-25`` goes up to the 26th birthday.

    Raises
    ------
    UsageError
        If the name is neither ``22-25`` nor ``36+`` in kind.
    """
    if found := re.fullmatch(r"\s*(\d+)\s*[-\u2013]\s*(\d+)\s*", name):
        low, high = float(found[1]), float(found[2]) + 1
        if low < high:
            return low, high
    elif found := re.fullmatch(r"\s*(\d+)\s*\+\s*", name):
        return float(found[1]), float("inf")
    raise UsageError(f"age bin '{name}'", hint="write bins like 22-25 and 36+")


def ordered_bins(names: Sequence[str]) -> tuple[str, ...]:
    """Sort bins by years.

    Raises
    ------
    UsageError
        If two overlap, or there are fewer than two.
    """
    found = sorted({name.strip(): bin_limits(name) for name in names}.items(), key=lambda b: b[1])
    for (first, (_, high)), (second, (low, _)) in pairwise(found):
        if low < high:
            raise UsageError(f"age bins {first} and {second} overlap")
    if len(found) < 2:
        raise UsageError(f"age bins {' '.join(names)}", hint="give two bins or more")
    return tuple(name for name, _ in found)


def age_bins(ages: np.ndarray, bins: Sequence[str] = BINS) -> np.ndarray:
    """Code ages in years by bin.

    Parameters
    ----------
    ages
        Years; shape (n,), NaN for unknown.
    bins
        Bins in any order.

    Returns
    -------
    np.ndarray
        0 for the youngest bin and so on; -1 for ages in no bin; shape (n,).
    """
    codes = np.full(len(ages), -1)
    for code, name in enumerate(ordered_bins(bins)):
        low, high = bin_limits(name)
        codes[(ages >= low) & (ages < high)] = code
    return codes


def text_codes(texts: Sequence[str], bins: Sequence[str], place: Path) -> np.ndarray:
    """Code names of bins by their order in years; -1 for missing.

    Raises
    ------
    InputError
        If a text is no bin.
    """
    order = {_plain(name): code for code, name in enumerate(ordered_bins(bins))}
    codes = np.full(len(texts), -1)
    for row, text in enumerate(texts):
        if str(text).strip().lower() in MISSING:
            continue
        code = order.get(_plain(str(text)))
        if code is None:
            raise InputError(
                f"age '{text}' is none of the bins {', '.join(ordered_bins(bins))}",
                place=place,
                hint="give the bins of the file",
            )
        codes[row] = code
    return codes


def number_codes(values: np.ndarray, bins: Sequence[str], coding: str, place: Path) -> np.ndarray:
    """Turn numbers of bins into codes by their order in years.

    Two codings of the same data are in use, so that one must be named.

    Parameters
    ----------
    values
        Numbers of bins; shape (n,).
    coding
        ``years`` (0 for the youngest bin) or ``appearance`` (0 for 26-30, 1 for 22-25, 2 for
        31-35, 3 for 36+: the order in which the bins first stand in the data).

    Raises
    ------
    UsageError
        If no coding is named.
    InputError
        If a number is no code, or the counts of the whole data show that the coding is the other.
    """
    names = ordered_bins(bins)
    if coding not in CODINGS:
        raise UsageError(
            f"{Path(place).name} has numbers for age bins and no coding is named",
            hint="-" + "-age-codes appearance (0 is 26-30, 1 is 22-25) or years (0 is 22-25)",
        )
    if coding == "appearance" and set(names) != set(APPEARANCE):
        raise UsageError(
            f"age codes by appearance are of the bins {', '.join(APPEARANCE)} only",
            hint="give age codes by years, or the names of the bins",
        )
    numbers = np.asarray(values, float)
    if not np.isin(numbers, np.arange(len(names))).all():
        wrong = numbers[~np.isin(numbers, np.arange(len(names)))][0]
        raise InputError(f"age code {wrong:g}", place=place, hint=f"0 to {len(names) - 1}")
    codes = numbers.astype(int)
    if coding == "appearance":
        codes = np.array([names.index(name) for name in APPEARANCE])[codes]
    if len(codes) == WHOLE and names == BINS:
        counts = tuple(int(c) for c in np.bincount(codes, minlength=len(names)))
        if sorted(counts) == sorted(WHOLE_BINS) and counts != WHOLE_BINS:
            raise InputError(
                f"{counts[0]} people of {names[0]} read as {coding}, there are {WHOLE_BINS[0]}",
                place=place,
                hint="the file has the other coding",
            )
    return codes


def read_age_labels(
    path: Path,
    bins: Sequence[str] = BINS,
    coding: str = "",
    subjects: Sequence[str] | None = None,
) -> np.ndarray:
    """Read bins of age from ``age.npy`` or ``age.csv``.

    Parameters
    ----------
    path
        An array of names or numbers of bins; or a table with the columns Subject and Age, or with
        one column in the order of the people, with or without a header.
    coding
        How numbers are to be read, see `number_codes`.
    subjects
        People in order, to whom a table with a column Subject is matched.

    Returns
    -------
    np.ndarray
        Codes by order in years, -1 for missing; shape (n,).

    Raises
    ------
    MissingInputError
        If the file does not exist.
    InputError
        If it cannot be read, or does not fit the people.
    """
    texts = read_texts(path, "age", subjects)
    numeric = [text for text in texts if text.strip().lower() not in MISSING]
    if numeric and all(re.fullmatch(r"\d+(\.0*)?", text.strip()) for text in numeric):
        if len(numeric) < len(texts):
            raise InputError("some people have no age code", place=path)
        return number_codes(np.array([float(t) for t in texts]), bins, coding, path)
    return text_codes(texts, bins, path)


def read_sex_labels(path: Path, subjects: Sequence[str] | None = None) -> np.ndarray:
    """Read sexes from ``sex.npy`` or ``sex.csv``: F and M, or 0 (women) and 1 (men).

    Returns
    -------
    np.ndarray
        1 woman, 0 man, NaN missing; shape (n,).

    Raises
    ------
    InputError
        If a label is unknown, or the counts of the whole data show that the codes are swapped.
    """
    texts = read_texts(path, "sex", subjects)
    female = np.array([sex_of(text, path) for text in texts])
    if len(female) == WHOLE and int((female == 0).sum()) == WHOLE_WOMEN:
        raise InputError(
            f"{WHOLE_WOMEN} men of {WHOLE} people, and there are {WHOLE_WOMEN} women",
            place=path,
            hint="0 is for women and 1 for men",
        )
    return female


def sex_of(text: str, place: Path) -> float:
    """Return 1 for F or 0, 0 for M or 1, NaN for missing.

    Raises
    ------
    InputError
        If it is neither.
    """
    plain = text.strip().lower()
    if plain in MISSING:
        return float("nan")
    if plain in FEMALE_WORDS:
        return FEMALE_WORDS[plain]
    if re.fullmatch(r"[01](\.0*)?", plain):
        return 1.0 - float(plain)
    raise InputError(f"sex '{text}'", place=place, hint="F and M, or 0 for women and 1 for men")


def _plain(name: str) -> str:
    return re.sub(r"\s", "", name).replace("\u2013", "-")
