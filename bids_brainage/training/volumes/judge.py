"""Score a model of the family on people of known age."""

from pathlib import Path
from typing import Any

from bids_brainage.errors import ModelError
from bids_brainage.evaluation.metrics import regression_metrics
from bids_brainage.models.store import load_kind
from bids_brainage.models.volumes import MODALITY, Volumes
from bids_brainage.training.volumes.fitting import predict
from bids_brainage.training.volumes.table import join
from bids_brainage.training.volumes.user_tables import load_output_volumes, load_volume_table


def score_model(path: Path, model: str) -> dict[str, Any]:
    """Score a model on a table or an OUTPUT_DIR of the participant level.

    Returns
    -------
    dict[str, Any]
        ``model`` and `regression_metrics` of uncorrected predictions.

    Raises
    ------
    MissingInputError, InputError
        If the path holds no people with ages and volumes.
    ModelError
        If the model is of another family or takes other volumes.
    """
    module, card = load_kind(model, Volumes)
    load = load_output_volumes if path.is_dir() else load_volume_table
    table = join([load(path)], path)
    if card.inputs[MODALITY].names != table.names:
        raise ModelError(
            f"model {card.name} takes other volumes than this version measures",
            hint="train it again with brainage train volumes",
        )
    predicted = predict(module.double(), table)
    return {"model": card.name, **regression_metrics(table.age, predicted)}
