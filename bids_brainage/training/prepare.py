"""Shapes of the inputs and the fitted transforms of a training fold."""

import numpy as np
import torch
from torch import Tensor

from bids_brainage.models.mavae_core import MODALITIES, MavaeConfig
from bids_brainage.models.scaling import Choose, InputConfig, InputTransform
from bids_brainage.training.recipe import Recipe
from bids_brainage.training.selection import forest_filter
from bids_brainage.training.tables import HEAD_SIZE, TrainingTable

THICKNESS = "_thickness"


def model_config(table: TrainingTable, recipe: Recipe, n_training: int) -> MavaeConfig:
    """Return the shape of a model for a table.

    Parameters
    ----------
    n_training
        Smallest number of training people with connectivity, which bounds the components.
    """
    configs = {}
    for modality in MODALITIES:
        names = table.names[modality]
        keep = getattr(recipe, f"selected_{modality}")
        kind, components = "plain", 0
        volumes: tuple[int, ...] = ()
        reference: tuple[int, ...] = ()
        if table.kind == "bids" and recipe.derived:
            kind = modality
            if modality == "morphometry" and set(HEAD_SIZE) <= set(names):
                volumes = tuple(i for i, n in enumerate(names) if not n.endswith(THICKNESS))
                reference = tuple(names.index(name) for name in HEAD_SIZE)
            elif modality == "morphometry":
                kind = "plain"
        if kind == "connectivity":
            components = min(recipe.components, len(names), max(n_training - 1, 0))
        shape = InputConfig(kind, len(names), 1, components, volumes, reference)
        n = min(keep, shape.n_candidates)
        configs[modality] = InputConfig(kind, len(names), n, components, volumes, reference)
    return MavaeConfig(
        morphometry=configs["morphometry"],
        connectivity=configs["connectivity"],
        members=recipe.members + recipe.lifespan_members,
        hidden_morphometry=recipe.hidden_morphometry,
        hidden_connectivity=recipe.hidden_connectivity,
        n_shared=recipe.n_shared,
        n_unique=recipe.n_unique,
        hidden_head=recipe.hidden_head,
        dropout=recipe.dropout,
        dropout_head=recipe.dropout_head,
        distance=True,
    )


def fit_transforms(
    table: TrainingTable, training: np.ndarray, config: MavaeConfig, recipe: Recipe
) -> dict[str, InputTransform]:
    """Fit derived features, random-forest filter and scaling on training people only.

    Parameters
    ----------
    training
        Mask of the training people; shape (n,).
    """
    transforms = {}
    connected = table.has("connectivity")
    for modality in MODALITIES:
        shape = getattr(config, modality)
        everyone = training & table.has(modality)
        transform = InputTransform(shape).double()
        if everyone.any():
            # The sample with both modalities sets the scale: clipping then tames its outliers.
            rows = everyone & connected if (everyone & connected).any() else everyone
            choose = _filter(np.log(table.age[rows]), shape.n_selected, recipe)
            raw = table.measures[modality]
            transform.fit(torch.from_numpy(raw[rows]), choose)
            transform.fit_limits(torch.from_numpy(raw[everyone]))
        transforms[modality] = transform
    return transforms


def _filter(target: np.ndarray, n_keep: int, recipe: Recipe) -> Choose:
    def choose(features: Tensor) -> Tensor:
        kept = forest_filter(
            features.numpy(), target, n_keep, trees=recipe.forest_trees, seed=recipe.seed
        )
        return torch.from_numpy(kept)

    return choose


@torch.no_grad()
def features_of(table: TrainingTable, transforms: dict[str, InputTransform]) -> dict[str, Tensor]:
    """Return the scaled features of everybody in single precision; zero where missing."""
    return {
        modality: transform(torch.from_numpy(table.measures[modality])).float()
        for modality, transform in transforms.items()
    }
