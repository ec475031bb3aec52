"""Run greedy on the arrays of standard input and write what it finds to standard output.

A program of its own, started by `greedy`: greedy prints at will, holds the interpreter while it
computes, and can abort its whole process.
"""

import ctypes
import io
import os
import signal
import sys
from typing import BinaryIO

import numpy as np
from picsl_greedy import Greedy3D

from bids_brainage.preprocessing.anatomical.itk import from_itk, to_itk

TO_RAS = np.array([-1, -1, 1], dtype=np.float32)
_PARENT_DEATH_SIGNAL = 1


def main(source: BinaryIO, target: BinaryIO) -> None:
    """Register for each start; with options for it, warp from the last affine map on."""
    with np.load(io.BytesIO(source.read()), allow_pickle=False) as given:
        values = {name: given[name] for name in given.files}
    common = f"-V 0 -d 3 -threads {int(values['threads'])} -seed {int(values['seed'])}"
    fixed = to_itk(values["fixed"], values["fixed_affine"])
    found: dict[str, np.ndarray] = {}
    matrices = []
    for start in values["starts"]:
        # Greedy takes no matrix to start from in memory: the header of the image is moved.
        moved = np.linalg.inv(start) @ values["moving_affine"]
        # The single-precision class gives much worse overlap.
        greedy = Greedy3D()
        greedy.execute(
            f"{common} {values['affine']} -i fixed moving -ia-identity -o affine",
            fixed=fixed,
            moving=to_itk(values["moving"], moved),
            affine=None,
        )
        matrices.append(start @ greedy["affine"])
    found["matrices"] = np.stack(matrices)
    if str(values["deformable"]):
        greedy.execute(
            f"{common} {values['deformable']} -i fixed moving -it affine -o warp -oinv inverse",
            warp=None,
            inverse=None,
        )
        for name in ("warp", "inverse"):
            found[name] = from_itk(greedy[name]).astype(np.float32) * TO_RAS
    # A pipe cannot be sought in.
    packed = io.BytesIO()
    np.savez(packed, allow_pickle=False, **found)
    target.write(packed.getbuffer())


def own_output() -> BinaryIO:
    """Standard output for this program alone; what greedy prints goes nowhere."""
    kept = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    return kept


def end_with_parent() -> None:
    """Do not compute on when the program that waits for the result was killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)


if __name__ == "__main__":
    end_with_parent()
    with own_output() as output:
        main(sys.stdin.buffer, output)
