"""What a reader must know before using a prediction, in plain words."""

import math
from collections.abc import Iterator, Sequence

from bids_brainage.models.cards import ModelCard
from bids_brainage.records.prediction import Prediction

MANY_MISSING = 0.1
ALL = 99.95


def is_unusual(prediction: Prediction, card: ModelCard) -> bool:
    """Tell whether the inputs differ from those of the training people, or too many are missing."""
    return (
        prediction.out_of_range > card.out_of_range_limit
        or prediction.percentile > card.percentile_limit
        or any(share > MANY_MISSING for share in prediction.missing.values())
    )


def cautions(
    prediction: Prediction,
    card: ModelCard,
    age: float | None,
    others: Sequence[str] = (),
) -> list[str]:
    """List what a reader must know, the gravest first.

    Parameters
    ----------
    age
        Chronological age in years, if known.
    others
        What was found before the model came: about the input and the dataset.
    """
    return [*_ages(prediction, card, age), *of_measures(prediction, card), *others]


def of_measures(prediction: Prediction, card: ModelCard) -> list[str]:
    """List what makes the measures themselves doubtful: unusual or missing ones."""
    return [*_unusual(prediction, card), *_missing(prediction)]


def _ages(prediction: Prediction, card: ModelCard, age: float | None) -> Iterator[str]:
    youngest, oldest = card.age_range_of("+".join(prediction.modalities))
    if math.isnan(youngest) or math.isnan(oldest):
        return
    years = prediction.age if age is None else age
    if not youngest <= years <= oldest:
        whose = "predicted age" if age is None else "age"
        yield (
            f"the {whose} of {years:.1f} years is outside the training ages "
            f"({youngest:.0f} to {oldest:.0f}): an extrapolation that can be far off"
        )


def _unusual(prediction: Prediction, card: ModelCard) -> Iterator[str]:
    # Of a network with bins of age, the share is of their ends, which are told of elsewhere.
    if prediction.out_of_range > card.out_of_range_limit and math.isnan(prediction.spread):
        extreme = f", such as {', '.join(prediction.extremes)}" if prediction.extremes else ""
        yield (
            f"{prediction.out_of_range:.0%} of the measures lie outside the range of the training "
            f"people{extreme}: check units and processing"
        )
    if prediction.percentile > card.percentile_limit:
        most = prediction.percentile >= ALL
        share = "all" if most else f"{prediction.percentile:.1f} % of the"
        yield f"the measures together are more unusual than those of {share} training people"


def _missing(prediction: Prediction) -> Iterator[str]:
    for modality, share in prediction.missing.items():
        if share > MANY_MISSING:
            blocks = prediction.missing_blocks
            named = f", among them all {', all '.join(blocks)}" if blocks else ""
            yield f"{share:.0%} of the {modality} measures are missing{named}"
