"""Verbs that make and judge models, ``train``, ``crossval`` and ``test``, one parser per family."""

from typing import Any

from bids_brainage.cli import (
    aegan_verbs,
    cvae_verbs,
    mavae_verbs,
    resnext_verbs,
    segmentation_verbs,
    tsan_verbs,
    volume_verbs,
)

# Each has add_train, add_crossval and add_test, which take the families of that verb.
FAMILIES = (mavae_verbs, volume_verbs, segmentation_verbs, tsan_verbs, resnext_verbs,
            aegan_verbs, cvae_verbs)  # fmt: skip
VERBS = {
    "train": "train a model, or fine-tune one, and write its card",
    "crossval": "compare with baselines on folds",
    "test": "score a model on test files",
}


def add_verbs(verbs: Any) -> None:
    """Add the verbs to the ``brainage`` parser."""
    for verb, text in VERBS.items():
        parser = verbs.add_parser(verb, help=text)
        families = parser.add_subparsers(dest="family", required=True, metavar="FAMILY")
        for module in FAMILIES:
            getattr(module, f"add_{verb}")(families)
