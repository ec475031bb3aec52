"""Columns of the table that explains predictions."""

from typing import Any

COLUMNS: dict[str, dict[str, Any]] = {
    "model": {"Description": "Name of the model whose predicted age is explained."},
    "modality": {"Description": "Input of the model that the measure belongs to."},
    "level": {
        "Description": "What the row is about.",
        "Levels": {
            "group": "lobe or group of structures: sum over its regions",
            "region": "sum over its measures; of connections, half of each of its connections",
            "measure": "one measure; of connections only the strongest are listed",
        },
    },
    "name": {"Description": "Name of the measure, region or group."},
    "value": {
        "Description": "The measure of this session, in the units of the model's card; n/a where "
        "missing, and for regions and groups."
    },
    "typical": {
        "Description": "The measure of the typical person that the session is compared with: the "
        "median of the model's training people; of a connection, the mean of its training people "
        "at this session's mean and spread of connections."
    },
    "contribution": {
        "Description": "What it adds to the age predicted for the typical person. A property of "
        "the model and of this scan, neither a cause nor a rate of ageing.",
        "Units": "years",
    },
}
DESCRIPTION = (
    "What each measure adds to the predicted age (integrated gradients, "
    "doi:10.48550/arXiv.1703.01365). It tells why this scan looks older or younger to the model, "
    "not why the person ages. For research; not for clinical use."
)
