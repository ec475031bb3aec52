"""Networks made ready for inference: normalisations folded in, weights laid out for the CPU."""

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

LAST = torch.channels_last_3d


def fold(module: nn.Module) -> None:
    """Fold normalisations that follow a 3D convolution in a sequence into it, in place."""
    for part in [part for part in module.modules() if isinstance(part, nn.Sequential)]:
        for i in range(len(part) - 1):
            conv, norm = part[i], part[i + 1]
            if type(conv) is nn.Conv3d and type(norm) is nn.BatchNorm3d and not norm.training:
                part[i] = fuse_conv_bn_eval(conv, norm)
                part[i + 1] = nn.Identity()


class PackedConv(nn.Module):
    """A convolution that computes on the CPU, without gradients, and cannot be saved.

    Parameters
    ----------
    conv
        Convolution with padding by zeros. Its weight is released.
    """

    def __init__(self, conv: nn.Conv3d) -> None:
        super().__init__()
        self._where: list[Any] = [conv.padding, conv.stride, conv.dilation, conv.groups]
        self._bias = None if conv.bias is None else conv.bias.detach()
        weight = conv.weight.detach().to_mkldnn()
        del conv.weight
        self._weight = torch._C._nn.mkldnn_reorder_conv3d_weight(weight, *self._where)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, c, x, y, z), channels last in memory, as the convolution does."""
        result: Tensor = torch.ops.mkldnn._convolution_pointwise(
            x.contiguous(memory_format=LAST), self._weight, self._bias, *self._where, "none", [], ""
        )
        return result


def pack(module: nn.Module) -> None:
    """Replace the 3D convolutions inside a module, largest first; nothing where oneDNN is not."""
    if not can_pack():
        return
    found = [
        (parent, name, child)
        for parent in module.modules()
        for name, child in parent.named_children()
        if isinstance(child, nn.Conv3d) and child.padding_mode == "zeros"
        and not isinstance(child.padding, str)
    ]  # fmt: skip
    # A weight is there twice while it is laid out.
    for parent, name, conv in sorted(found, key=lambda each: -each[2].weight.numel()):
        setattr(parent, name, PackedConv(conv))


@cache
def can_pack() -> bool:
    """Whether this build of torch can do it, and gives the same numbers."""
    if not torch.backends.mkldnn.is_available():
        return False
    conv = nn.Conv3d(4, 6, 3, padding=1)
    x = torch.linspace(-1, 1, 4 * 5**3).reshape(1, 4, 5, 5, 5)
    try:
        with torch.inference_mode():
            plain = conv(x)
            return torch.allclose(PackedConv(conv)(x), plain, atol=1e-5)
    except (AttributeError, RuntimeError, TypeError, NotImplementedError):
        return False
