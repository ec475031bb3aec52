"""Whether a dataset is one that a model was trained on."""

import re
from collections.abc import Iterable

from bids_brainage.models.cards import TrainingSample

_IDS = re.compile(r"\bds\d{6}\b|\b10\.\d{4,9}/[^\s;,)\]]+", re.IGNORECASE)
_ACRONYM = re.compile(r"\b[A-Z][A-Z0-9]{2,}\b")
# Words in capitals that name no dataset.
_COMMON = frozenset({"MRI", "FMRI", "BIDS", "DWI", "EEG", "MEG", "PET", "DLMUSE", "NIH", "USA"})


def trained_on(texts: Iterable[str], training: Iterable[TrainingSample]) -> list[str]:
    """Name the training samples that a dataset seems to be, or to be part of.

    Compares accession numbers, DOIs, and names in capitals such as ABIDE or IXI. That nothing is
    found does not mean that nobody was seen in training.

    Parameters
    ----------
    texts
        Name, DOI and folder of the dataset and of those it derives from.
    """
    text = " ".join(texts)
    ids = _ids(text)
    words = set(re.findall(r"[A-Za-z0-9]+", text.upper()))
    return [
        sample.dataset
        for sample in training
        if ids & _ids(f"{sample.dataset} {sample.source}") or words & _acronyms(sample)
    ]


def _ids(text: str) -> set[str]:
    return {found.lower().rstrip(".") for found in _IDS.findall(text)}


def _acronyms(sample: TrainingSample) -> set[str]:
    # Behind the name stand authors and methods.
    name = re.split(r"[(;,]", sample.source)[0]
    return set(_ACRONYM.findall(name)) - _COMMON
