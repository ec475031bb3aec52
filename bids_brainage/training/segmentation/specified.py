"""Training the ResUNet as the original was: cross-entropy alone, Adam, no augmentation."""

import logging
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch.nn import functional

from bids_brainage.models.resunet import ResUNet, ResUNetConfig
from bids_brainage.models.resunet_compact import fast_layout
from bids_brainage.preprocessing.resunet_input import normalise_in_mask, specified_grid
from bids_brainage.training.segmentation.data import SPACING, Head

logger = logging.getLogger(__name__)
LEARNING_RATE = 1e-3
BATCH = 2
SEED = 42
# Twenty epochs, as the original, of four heads in batches of two.
STEPS = 40


def specified_pair(head: Head, order: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Return a head's input and tissue numbers on the grid of 64 voxels of 3 mm."""
    zooms = [SPACING] * 3
    image = normalise_in_mask(head.image, head.regions > 0)
    tissue = specified_grid(head.tissue.astype(np.int16), zooms, order=0)
    return specified_grid(image, zooms, order), tissue


def train_specified(
    heads: Sequence[Head],
    steps: int = STEPS,
    pooling: str = "in-plane",
    progress: Callable[[str], None] = logger.info,
    channels: tuple[int, ...] = ResUNetConfig.channels,
) -> ResUNet:
    """Train the network as specified; the last step's weights are kept.

    Parameters
    ----------
    heads
        Labelled heads; their masks are part of the input.
    steps
        Optimiser steps of two images.
    """
    torch.manual_seed(SEED)
    pairs = [specified_pair(head) for head in heads]
    model = fast_layout(ResUNet(ResUNetConfig(pooling, channels=channels))).train()
    optimiser = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    order: list[int] = []
    generator = torch.Generator().manual_seed(SEED)
    for step in range(steps):
        if len(order) < BATCH:
            order += torch.randperm(len(pairs), generator=generator).tolist()
        chosen, order = order[:BATCH], order[BATCH:]
        x = torch.stack([torch.from_numpy(pairs[k][0])[None] for k in chosen])
        y = torch.stack([torch.from_numpy(pairs[k][1]).long() for k in chosen])
        with torch.autocast("cpu", torch.bfloat16):
            scores = model(x.contiguous(memory_format=torch.channels_last_3d))
        loss = functional.cross_entropy(scores.float(), y)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        if (step + 1) % 10 == 0:
            progress(f"as specified, step {step + 1}/{steps}: {loss.item():.4f}")
    return model.eval()


def run_specified(model: ResUNet, head: Head) -> tuple[np.ndarray, np.ndarray]:
    """Return predicted and labelled tissue numbers on the network's own grid."""
    image, tissue = specified_pair(head)
    with torch.inference_mode():
        x = torch.from_numpy(image)[None, None].contiguous(memory_format=torch.channels_last_3d)
        found = model.eval()(x)[0].argmax(dim=0).numpy()
    return found, tissue
