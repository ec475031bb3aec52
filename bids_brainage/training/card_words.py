"""Words of a model card: purpose, known failures and ethics, from what the card itself says.

Run as a module it writes them anew into the cards of all shipped models.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from bids_brainage.models.cards import ModelCard
from bids_brainage.models.find import find_model, list_models
from bids_brainage.training.samples import HEALTH, PLACES

STEEP, COVERED, LOW_DICE, FAR = 0.9, 0.8, 0.65, 4.0
MIN_PEOPLE, MIN_SITE, MOST_SITES = 20, 20, 3
AGE_PURPOSE = (
    "To compare the apparent age of brains between groups of people in research, with age and sex "
    "known, and to find scans that look unlike their person's age."
)
TELL_SEX = ("mavae", "aegan", "cvae")
PURPOSES = {
    "aegan": (
        AGE_PURPOSE + " Its code stands for the measures where few numbers per person are wanted."
    ),
    "cvae": (
        "To show which measures make a brain look older or younger, how far they lie from people "
        "of the same age and sex, and what the same brain would most likely measure at another age."
    ),
    "mavae": AGE_PURPOSE + " The probability of the sex helps to find mixed-up files.",
    "volumes": AGE_PURPOSE,
    "resunet": (
        "To find the brain, its tissues and coarse regions on T1w images of adults, for quality "
        "control, for registration and for volumes relative to each other."
    ),
}
AGE_FAILURES = (
    "Motion, another scanner and another version of the processing change the measures, and look "
    "like age.",
    "Children under the youngest training age, and brains with tumours, large strokes, surgery or "
    "malformations, are unknown to it.",
)
RESUNET_FAILURES = (
    "Voxels of 3 mm or more, other contrasts than T1w, and strong motion or brightness errors.",
    "Children, and brains with tumours, large strokes, surgery or malformations.",
)
NOT_SINGLE = (
    "Not for judging a single person: use on one person, in care, insurance, work or courts, is "
    "not supported. A gap is no measure of health, ability or worth, and no diagnosis."
)
SEX = (
    "Sex is the binary label that the datasets record. The model knows nothing of gender, and "
    "nothing of people for whom that label does not fit."
)
GROUPS = (
    "A difference between groups may come from scanner, motion, education, income or care rather "
    "than from the brain; people are not comparable by it across ancestries without a check."
)


def with_words(card: ModelCard) -> ModelCard:
    """Fill in purpose, failures and ethics; a family without words keeps what it has."""
    if card.family not in PURPOSES:
        return card
    if card.family == "resunet":
        failures = (*RESUNET_FAILURES, *_segmentation_failures(card))
    else:
        failures = (*_age_failures(card), *AGE_FAILURES)
    return replace(
        card, purpose=PURPOSES[card.family], failures=failures, ethics=tuple(_ethics(card))
    )


def _age_failures(card: ModelCard) -> Iterator[str]:
    for inputs, line in card.bias_correction.items():
        if line["slope"] < STEEP:
            yield (
                f"From {inputs} the old are predicted too young and the young too old: the "
                f"predicted age rises by {line['slope']:.2f} years per year of age."
            )
    for inputs, scores in _scored(card):
        yield from _decades(inputs, scores.get("per_decade", {}))
        yield from _intervals(inputs, scores.get("interval", {}))
        for name, found in scores.get("per_dataset", {}).items():
            if found["n"] >= MIN_PEOPLE and found["mae"] >= found["mae_median"]:
                yield (
                    f"From {inputs} no better than guessing the median age of {name}: "
                    f"{found['mae']:.1f} against {found['mae_median']:.1f} years."
                )
        yield from _sites(inputs, scores.get("per_site", {}))
    alone = [one.dataset for one in card.training if len(one.sites) == 1]
    if card.family in TELL_SEX and alone and len(card.training) > 1:
        yield (
            f"{', '.join(alone)}: scored with other people of the same site in training. With all "
            "of a sample unseen errors are larger, by far where it alone has people of some ages."
        )


def _decades(inputs: str, found: dict[str, Any]) -> Iterator[str]:
    far = [
        f"{decade} to {int(decade) + 9} by {score['bias']:+.1f}"
        for decade, score in found.items()
        if score["n"] >= MIN_PEOPLE and abs(score["bias"]) >= FAR
    ]
    if far:
        yield f"From {inputs} off by age, - is too young: {', '.join(far)} years, on average."


def _intervals(inputs: str, found: dict[str, Any]) -> Iterator[str]:
    low = [
        f"{decade} to {int(decade) + 9} ({score['coverage']:.0%} of {score['n']})"
        for decade, score in found.get("per_decade", {}).items()
        if score["n"] >= MIN_PEOPLE and score["coverage"] < COVERED
    ]
    if low:
        yield f"From {inputs} 90 % intervals hold too rarely at ages of {', '.join(low)}."
    few = [int(d) for d, score in found.get("per_decade", {}).items() if score["n"] < MIN_PEOPLE]
    if few:
        people = sum(found["per_decade"][str(decade)]["n"] for decade in few)
        yield (
            f"From {inputs} hardly tested at ages of {', '.join(f'{d} to {d + 9}' for d in few)}: "
            f"{people} people."
        )


def _sites(inputs: str, found: dict[str, Any]) -> Iterator[str]:
    large = [(abs(s["bias"]), name, s) for name, s in found.items() if s["n"] >= MIN_SITE]
    worst = sorted(large, reverse=True, key=lambda item: item[0])[:MOST_SITES]
    if len(large) > MOST_SITES:
        told = ", ".join(f"{name} {score['bias']:+.1f}" for _, name, score in worst)
        yield f"From {inputs} whole sites are off, on average by up to: {told} years."


def _segmentation_failures(card: ModelCard) -> Iterator[str]:
    regions = card.metrics.get("regions", {})
    low = [name for name, score in regions.items() if score["dice_mean"] < LOW_DICE]
    if low:
        yield f"Regions that overlap with the labels by less than {LOW_DICE:.2f}: {', '.join(low)}."
    if limits := card.metrics.get("limits"):
        yield str(limits)


def _ethics(card: ModelCard) -> Iterator[str]:
    if card.family != "resunet":
        yield NOT_SINGLE
    people, women = (sum(getattr(s, name) for s in card.training) for name in ("n", "n_female"))
    if people:
        share = ", ".join(f"{s.dataset} {s.n_female / s.n:.0%}" for s in card.training if s.n)
        yield f"{women} of {people} training people are women ({share})."
    if card.family in TELL_SEX:
        yield SEX
    where = [f"{s.dataset}: {PLACES[s.dataset]}" for s in card.training if s.dataset in PLACES]
    yield (
        "Ancestry is not recorded in the training tables, so errors by ancestry are unknown."
        + (f" People were scanned in: {'; '.join(where)}." if where else "")
    )
    for sample in card.training:
        if sample.dataset in HEALTH:
            words = HEALTH[sample.dataset]
            yield f"{words[:1].upper()}{words[1:]}."
    if card.family != "resunet":
        yield GROUPS


def _scored(card: ModelCard) -> Iterator[tuple[str, dict[str, Any]]]:
    for inputs, scores in card.metrics.items():
        if isinstance(scores, dict) and "out_of_fold" in scores:
            yield inputs, scores


if __name__ == "__main__":
    for shipped in list_models():
        with_words(shipped).write(find_model(shipped.name))
