"""Score a model of images on people of known age, with the files the system's own test writes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bids_brainage.bids.outputs import write_json, write_text, write_tsv
from bids_brainage.models.store import load_kind
from bids_brainage.models.tsan import Tsan
from bids_brainage.predict.device import resolve_device
from bids_brainage.report.group_figures import age_scatter
from bids_brainage.training.tsan.people import Person
from bids_brainage.training.tsan.predictions import (
    COLUMNS,
    predict_people,
    scores,
    sex_scores,
    table,
    write_npz,
)
from bids_brainage.training.tsan.run import make_sample
from bids_brainage.training.tsan.volumes import load_volumes


def score_images(
    people: Sequence[Person], model: str, output: Path, device: str = "auto"
) -> dict[str, float]:
    """Predict, score and draw.

    Returns
    -------
        Scores of uncorrected predictions; those of the first stage as ``first_…``.

    Raises
    ------
    ModelError, InputError, UsageError, OutputError
        If the model is of another family, the device is not there, an image is unusable, or
        nothing can be written.
    """
    cascade, card = load_kind(model, Tsan)
    config = cascade.config
    images = load_volumes(people, config.zooms, config.scaling, output / "images")
    sample = make_sample(people, images)
    found = predict_people(cascade.to(resolve_device(device)), sample, np.arange(len(people)))
    age = sample.age.numpy()
    result = scores(age, found["predicted_age"]) | sex_scores(sample, found)
    result |= {f"first_{k}": v for k, v in scores(age, found["first_age"]).items() if k != "n"}
    write_tsv(output / "predictions.tsv", table(people, found), COLUMNS)
    write_npz(output / "predictions.npz", people, found)
    write_json(output / "scores.json", {"model": card.name, "sha256": card.sha256} | result)
    youngest, oldest = card.age_range_of("image")
    outside = (age < youngest) | (age > oldest)
    write_text(output / "scatter.svg", age_scatter(age, found["predicted_age"], outside))
    return result
