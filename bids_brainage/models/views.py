"""Copies of an image whose ages are averaged: exchanged left and right, and moved by a voxel."""

import torch
from torch import Tensor

AXES = (-3, -2, -1)


def views(image: Tensor) -> list[Tensor]:
    """Return an image, its copies moved by a voxel along each axis, and the mirror images of all.

    Parameters
    ----------
    image
        (..., x, y, z), x from left to right; zero outside the brain.

    Returns
    -------
        14 images; zeros move in.
    """
    moved = [image, *(moved_by(image, step, axis) for axis in AXES for step in (-1, 1))]
    return [*moved, *(copy.flip(AXES[0]) for copy in moved)]


def moved_by(image: Tensor, step: int, axis: int) -> Tensor:
    """Move an image by a voxel along an axis, forth (1) or back (-1); zeros move in."""
    result = torch.roll(image, step, axis)
    result.select(axis, 0 if step > 0 else -1).zero_()
    return result
