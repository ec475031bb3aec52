"""Whether a dataset is one that a model was trained on."""

import re
from collections.abc import Iterable

from bids_brainage.models.cards import TrainingSample

# OpenNeuro's DOIs hold the accession number, each version's another DOI.
_ACCESSION = re.compile(r"\bds\d{6}\b", re.IGNORECASE)
_DOI = re.compile(r"\b10\.\d{4,9}/[^\s;,)\]]+", re.IGNORECASE)
_ACRONYM = re.compile(r"\b[A-Z][A-Z0-9]{2,}\b")
# Words in capitals that name no dataset.
_COMMON = frozenset({"MRI", "FMRI", "BIDS", "DWI", "EEG", "MEG", "PET", "DLMUSE", "NIH", "USA"})


def trained_on(texts: Iterable[str], training: Iterable[TrainingSample]) -> list[str]:
    """Name the training samples that a dataset seems to be, or to be part of.

    Compares accession numbers, DOIs, names in capitals such as ABIDE or IXI, and names of several
    words. That nothing is found does not mean that nobody was seen in training.

    Parameters
    ----------
    texts
        Name, DOI and folder of the dataset and of those it derives from.
    """
    text = " ".join(texts)
    ids = _ids(text)
    words = _words(text)
    return [
        sample.dataset
        for sample in training
        if ids & _ids(f"{sample.dataset} {sample.source}")
        or set(words) & _acronyms(sample)
        or _named(words, _words(_name(sample)))
    ]


def _ids(text: str) -> set[str]:
    found = [*_ACCESSION.findall(text), *_DOI.findall(text)]
    return {one.lower().rstrip(".") for one in found}


def _words(text: str) -> list[str]:
    return re.findall(r"[A-Z0-9]+", text.upper())


def _name(sample: TrainingSample) -> str:
    # Behind the name stand authors and methods.
    return re.split(r"[(;,]", sample.source)[0]


def _acronyms(sample: TrainingSample) -> set[str]:
    return set(_ACRONYM.findall(_name(sample))) - _COMMON


def _named(words: list[str], name: list[str]) -> bool:
    """Tell whether a name of several words stands among others."""
    n = len(name)
    return n > 1 and any(words[i : i + n] == name for i in range(len(words) - n + 1))
