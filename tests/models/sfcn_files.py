"""State dicts of SFCN under the published names, with random weights."""

import torch

from bids_brainage.models.sfcn import NETWORKS


def state_dict(tells="age", *, prefix="module.", seed=0):
    """Random weights as a network trained in parallel would leave them."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    widths, n = NETWORKS[tells]
    for i, (before, after) in enumerate(zip((1, *widths), widths, strict=False)):
        name, size = f"{prefix}feature_extractor.conv_{i}", 1 if i == 5 else 3
        scale = (before * size**3) ** -0.5
        state[f"{name}.0.weight"] = scale * torch.randn(
            after, before, size, size, size, generator=generator
        )
        state[f"{name}.0.bias"] = torch.zeros(after)
        state[f"{name}.1.weight"] = torch.ones(after)
        state[f"{name}.1.bias"] = torch.zeros(after)
        state[f"{name}.1.running_mean"] = torch.zeros(after)
        state[f"{name}.1.running_var"] = torch.ones(after)
        state[f"{name}.1.num_batches_tracked"] = torch.tensor(7)
    head = f"{prefix}classifier.conv_6"
    state[f"{head}.weight"] = torch.randn(n, widths[-1], 1, 1, 1, generator=generator)
    state[f"{head}.bias"] = torch.randn(n, generator=generator)
    return state


def write_state(path, tells="age", *, legacy=False, **options):
    """Write it as torch of 2019 did, or as torch of today does."""
    torch.save(state_dict(tells, **options), path, _use_new_zipfile_serialization=not legacy)
    return path
