"""Score a model of images on people of known age, with the files the system's own test writes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bids_brainage.bids.outputs import write_json, write_text, write_tsv
from bids_brainage.errors import ModelError
from bids_brainage.models.find import find_model
from bids_brainage.models.store import load_any
from bids_brainage.models.tsan import MODALITY
from bids_brainage.predict.device import resolve_device
from bids_brainage.predict.predictor import AgeModel
from bids_brainage.report.group_figures import age_scatter
from bids_brainage.training.images.people import Person
from bids_brainage.training.images.predictions import (
    COLUMNS,
    predict_people,
    scores,
    sex_scores,
    table,
    write_npz,
)
from bids_brainage.training.images.sample import make_sample
from bids_brainage.training.images.volumes import load_volumes


def score_images(
    people: Sequence[Person], model: str, output: Path, device: str = "auto"
) -> dict[str, float]:
    """Predict, score and draw.

    Returns
    -------
        Scores of uncorrected predictions; those of the first stage of TSAN as ``first_…``.

    Raises
    ------
    ModelError, InputError, UsageError, OutputError
        If the model does not take an image, the device is not there, an image is unusable, or
        nothing can be written.
    """
    module, card = load_any(model)
    if MODALITY not in card.inputs or not isinstance(module, AgeModel):
        raise ModelError(f"model '{card.name}' of family {card.family} tells no age of an image",
                         place=find_model(model),
                         hint="brainage models list tells what each model takes")  # fmt: skip
    spec = card.inputs[MODALITY]
    images = load_volumes(people, spec.zooms, spec.scaling, output / "images", spec.shape)
    sample = make_sample(people, images)
    found = predict_people(module.to(resolve_device(device)), sample, np.arange(len(people)))
    age = sample.age.numpy()
    result = scores(age, found["predicted_age"]) | sex_scores(sample, found)
    if "first_age" in found:
        first = scores(age, found["first_age"])
        result |= {f"first_{k}": v for k, v in first.items() if k != "n"}
    write_tsv(output / "predictions.tsv", table(people, found), COLUMNS)
    write_npz(output / "predictions.npz", people, found)
    write_json(output / "scores.json", {"model": card.name, "sha256": card.sha256} | result)
    youngest, oldest = card.age_range_of(MODALITY)
    outside = (age < youngest) | (age > oldest)
    write_text(output / "scatter.svg", age_scatter(age, found["predicted_age"], outside))
    return result
