"""What a model's own distribution over ages tells of a prediction."""

import math

from bids_brainage.models.cards import ModelCard
from bids_brainage.records.prediction import Prediction


def near_the_ends(card: ModelCard, prediction: Prediction) -> list[str]:
    """Say that the distribution is cut off at the ends of the ages the model can tell, if it is."""
    if math.isnan(prediction.spread) or prediction.out_of_range <= card.out_of_range_limit:
        return []
    return [
        f"the age is near an end of what model {card.name} can tell: {prediction.out_of_range:.0%} "
        "of its probability lies there"
    ]
