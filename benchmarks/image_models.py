"""Networks of images: ours, fused and not, beside the same network layer by layer.

Usage: python -m benchmarks.image_models [BRAIN.nii.gz] [--mask MASK.nii.gz]
           [--networks NAME …] [--threads N …] [--repeat N] [--no-training] [--small]

All ways read the same weights and the same volume, and their ages are compared. The volume is a
brain in MNI space, or a generated one. Each measurement is a process of its own, and the ways take
turns. A process loads the weights, predicts once and then three times again; seconds are the
median of the latter, CPU seconds their mean, and memory is the peak of the whole process, loading
included. A training step is of batch 2: forward, backward and Adam (amsgrad), in single precision.
"""

import argparse
import json
import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.measure import in_turns, peak_mb

PUBLISHED = "layer by layer"
GRAPH = "layer by layer, graph kept"
PLAIN = "ours, not fused"
FUSED = "ours, fused"
PACKED = "ours, as the App does"
WAYS = (PUBLISHED, GRAPH, PLAIN, FUSED, PACKED)
TRAINING = (PUBLISHED, PLAIN, "ours, checkpointed")
NETWORKS = ("first", "second", "cascade", "figure", "resnext")
CLOSE = 1e-4
AGE = 51.3
ROUNDED = 50.0
COLUMNS = {"seconds": "s", "cpu": "CPU s", "peak_mb": "peak MB", "age": "age"}


def main(argv: list[str] | None = None) -> int:
    """Measure every way of every network and print tables; return 1 if ages differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("brain", nargs="?", type=Path, help="brain of a T1w in MNI152 space")
    parser.add_argument("--mask", type=Path, help="brain mask in the same space")
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=NETWORKS)
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--no-training", action="store_true", help="leave the training step out")
    parser.add_argument("--small", action="store_true", help="narrow networks, a coarse volume")
    parser.add_argument("--child", choices=("prepare", "predict", "train", "gpu"),
                        help=argparse.SUPPRESS)  # fmt: skip
    parser.add_argument("--way", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.child:
        print(json.dumps(child(options)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        return compare(options, folder)


def child(options: argparse.Namespace) -> dict[str, float]:
    """Numbers of one process."""
    name, folder = options.networks[0], options.folder
    if options.child == "prepare":
        prepare(options.networks, folder, options.brain, options.mask, small=options.small)
        return {}
    if options.child == "predict":
        return predict(name, options.way, folder, small=options.small)
    if options.child == "train":
        return train(name, options.way, folder, small=options.small)
    return on_gpu(name, folder, small=options.small)


def compare(options: argparse.Namespace, folder: str) -> int:
    """Print a table for every network and number of threads."""
    call = ["-m", "benchmarks.image_models", "--folder", folder]
    call += ["--small"] if options.small else []
    brain = [str(options.brain.resolve())] if options.brain else []
    brain += ["--mask", str(options.mask.resolve())] if options.mask else []
    in_turns({"": [*call, *brain, "--child", "prepare", "--networks", *options.networks]}, 1, 2)
    wrong = 0
    for name in options.networks:
        asked = [*call, "--networks", name, "--child"]
        for threads in options.threads:
            ways = {way: [*asked, "predict", "--way", way] for way in WAYS}
            found = in_turns(ways, options.repeat, threads)
            wrong += show(f"{name}, one volume, threads: {threads}", found)
        if not options.no_training and name == "first":
            ways = {way: [*asked, "train", "--way", way] for way in TRAINING}
            threads = max(options.threads)
            show(f"{name}, training step of two, threads: {threads}", in_turns(ways, 1, threads))
        gpu = in_turns({"": [*asked, "gpu"]}, 1, max(options.threads))[""]
        for key, value in gpu.items():
            print(f"  {name} on the GPU, {key}: {value:.4f}")
        if not gpu:
            print(f"{name}: no GPU was there")
    return int(wrong > 0)


def show(title: str, found: dict[str, dict[str, float]]) -> int:
    """Print the medians and their ratios; return how many ages are not close to the first."""
    wanted = found[PUBLISHED]
    print(f"{title}\n{'':30s}" + "".join(f"{name:>11s}" for name in COLUMNS.values() if name))
    wrong = 0
    for way, row in found.items():
        print(f"  {way:28s}" + "".join(f"{row[key]:11.3f}" for key in COLUMNS if key in row))
        if way != PUBLISHED:
            ratios = [wanted[key] / row[key] for key in ("seconds", "cpu", "peak_mb")]
            print(
                f"    {'times less':26s}" + "".join(f"{ratio:10.2f}x" for ratio in ratios), end=""
            )
        if way != PUBLISHED and "age" in row:
            apart = abs(row["age"] / wanted["age"] - 1)
            wrong += apart > CLOSE
            print(f"    {apart:.0e} apart", end="")
        print(end="\n" if way != PUBLISHED else "")
    sys.stdout.flush()
    return wrong


def build(name: str, *, published: bool, small: bool):
    """Network without values."""
    import torch

    from benchmarks.published_networks import PublishedScaleDense, PublishedTsan
    from bids_brainage.models.resnext import ResNeXt, ResNeXtConfig
    from bids_brainage.models.scaledense import FIGURE, RELEASED, ScaleDense
    from bids_brainage.models.tsan import Tsan, TsanConfig

    config = FIGURE if name == "figure" else RELEASED
    config = replace(config, layers=2) if small else config
    second = replace(config, second=True)
    with torch.device("meta"):
        if name == "resnext":
            narrow = ResNeXtConfig(planes=(8, 16), blocks=(1, 1), groups=4, stem=8)
            network = ResNeXt(narrow if small else None)
            # Its own layers are the published ones.
            return network, lambda image, sex: network.age(image)
        if name == "cascade":
            network = PublishedTsan(config, second) if published else Tsan(TsanConfig(config))
            return network, network if published else lambda *given: network.stages(*given)[1]
        kind = PublishedScaleDense if published else ScaleDense
        network = kind(second if name == "second" else config)
    told = network if published else lambda *given: network(*given)[0]
    if name == "second":
        return (
            network,
            lambda image, sex: ROUNDED + told(image, sex, image.new_full((len(image),), ROUNDED)),
        )
    return network, told


def load(name: str, way: str, folder: Path, *, small: bool):
    """Network with the stored weights, made ready as one way has it."""
    from bids_brainage.models.packed import fold, pack
    from bids_brainage.models.store import read_weights

    network, tell = build(name, published=way in (PUBLISHED, GRAPH), small=small)
    state = read_weights(folder / f"{name}.safetensors")
    known = {key: state[key] for key in network.state_dict()}
    network.load_state_dict(known, assign=True)
    network.eval()
    del state, known
    if way in (FUSED, PACKED):
        if hasattr(network, "fuse"):
            network.fuse()
        fold(network)
    if way == PACKED:
        pack(network)
    return network, tell


def read(name: str, folder: Path, count: int = 1):
    """Volumes and sexes."""
    import numpy as np
    import torch

    image = torch.from_numpy(np.load(folder / f"{name}.npy"))[None, None]
    sex = torch.tensor([[1.0, 0.0]])
    return image.repeat(count, 1, 1, 1, 1), sex.repeat(count, 1)


def predict(name: str, way: str, folder: Path, *, small: bool = False) -> dict[str, float]:
    """Predict once, and three times again."""
    import torch

    _, tell = load(name, way, folder, small=small)
    image, sex = read(name, folder)
    modes = {GRAPH: torch.enable_grad, PUBLISHED: torch.no_grad}
    seconds = []
    with modes.get(way, torch.inference_mode)():
        age = tell(image, sex).item()
        begin = time.process_time()
        for _ in range(3):
            start = time.perf_counter()
            tell(image, sex).item()
            seconds.append(time.perf_counter() - start)
        cpu = (time.process_time() - begin) / 3
    return {"seconds": sorted(seconds)[1], "cpu": cpu, "peak_mb": peak_mb(), "age": age}


def train(name: str, way: str, folder: Path, *, small: bool = False) -> dict[str, float]:
    """Two training steps of batch 2; the second is timed."""
    import torch

    network, tell = load(name, PUBLISHED if way == PUBLISHED else PLAIN, folder, small=small)
    network.train()
    network.light = way == TRAINING[2]
    image, sex = read(name, folder, 2)
    optimiser = torch.optim.Adam(network.parameters(), 1e-3, weight_decay=5e-4, amsgrad=True)

    def step() -> None:
        optimiser.zero_grad()
        (tell(image, sex) - torch.tensor([40.0, 60.0])).square().mean().backward()
        optimiser.step()

    step()
    begin = time.perf_counter(), time.process_time()
    step()
    end = time.perf_counter(), time.process_time()
    return {"seconds": end[0] - begin[0], "cpu": end[1] - begin[1], "peak_mb": peak_mb()}


def on_gpu(name: str, folder: Path, *, small: bool = False) -> dict[str, float]:
    """Seconds of a volume by way and precision, and how far ages are apart; empty without one."""
    import torch

    if not torch.cuda.is_available():
        return {}
    numbers: dict[str, float] = {}
    wanted = 0.0
    exact = partial(torch.autocast, "cuda", enabled=False)
    for label, way, precision in (
        (PUBLISHED, PUBLISHED, exact), ("fused", FUSED, exact),
        ("fused, bf16", FUSED, partial(torch.autocast, "cuda", torch.bfloat16)),
        ("fused, fp16", FUSED, partial(torch.autocast, "cuda", torch.float16)),
    ):  # fmt: skip
        network, tell = load(name, way, folder, small=small)
        network.cuda()
        image, sex = (given.cuda() for given in read(name, folder))
        if precision is not exact:
            network.to(memory_format=torch.channels_last_3d)
            image = image.contiguous(memory_format=torch.channels_last_3d)
        torch.cuda.reset_peak_memory_stats()
        with torch.inference_mode(mode=way != PUBLISHED), precision():
            for _ in range(3):
                age = tell(image, sex).item()
            start = time.perf_counter()
            for _ in range(10):
                tell(image, sex).item()
        numbers[f"{label}, s"] = (time.perf_counter() - start) / 10
        numbers[f"{label}, peak MB"] = torch.cuda.max_memory_allocated() / 2**20
        wanted = wanted or age
        numbers[f"{label}, apart"] = abs(age / wanted - 1)
    return numbers


def prepare(
    networks: list[str], folder: Path, brain: Path | None = None, mask: Path | None = None,
    *, small: bool = False,
) -> None:  # fmt: skip
    """Write the volume, and weights that tell an age of it."""
    import numpy as np
    import torch
    from safetensors.torch import save_file

    from bids_brainage.preprocessing.brain_image import load_brain

    for name in networks:
        zooms = 8.0 if small else 3.0 if name == "resnext" else 2.0
        shape = (64, 64, 64) if zooms == 3.0 else None
        volume = load_brain(brain, mask, zooms, shape=shape) if brain else generated(zooms, shape)
        np.save(folder / f"{name}.npy", volume)
        torch.manual_seed(0)
        network, _ = build(name, published=name != "resnext", small=small)
        network.to_empty(device="cpu")
        state = valued(network, *read(name, folder))
        save_file(state, folder / f"{name}.safetensors")


def valued(network, image, sex):
    """Give a network values with which every layer matters; return what ours needs of it."""
    import torch

    for module in network.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
        if isinstance(module, torch.nn.BatchNorm3d):
            module.momentum = None  # the statistics are those of this volume
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, std=0.2)
    lines = {"centre": 0.0, "scale": 1.0, "slope": 1.0, "intercept": 0.0}
    for key, buffer in network.named_buffers():
        if key in lines:
            buffer.fill_(lines[key])
    stages = {"": network}
    if hasattr(network, "first"):
        stages = {"first.": network.first, "second.": network.second}
    state = {key: torch.tensor(value) for key, value in lines.items()}
    with torch.no_grad():
        for prefix, stage in stages.items():
            second = getattr(stage, "second", False)
            told = getattr(stage, "age", None) if not hasattr(stage, "sex") else stage
            given = (image,) if told is not stage else (image, sex, image.new_full((1,), ROUNDED))
            stage.train()
            told(*given)
            stage.eval()
            last = stage.head if told is not stage else stage.head_with_sex[-1]
            torch.nn.init.normal_(last.weight, std=5)
            last.bias.fill_(1000)  # above the rectification
            last.bias += (AGE - ROUNDED if second else AGE) - told(*given).item()
            state |= {f"{prefix}{key}": torch.tensor(lines[key]) for key in ("centre", "scale")}
    return state | network.state_dict()


def generated(zooms: float, shape: tuple[int, int, int] | None = None):
    """The brain of the template's grid, with smooth noise, scaled."""
    import nibabel as nib
    import numpy as np
    from scipy import ndimage

    from bids_brainage.preprocessing.brain_image import grid_affine, grid_shape, scale
    from bids_brainage.preprocessing.templates import brain_mask

    shape, affine = shape or grid_shape(zooms), grid_affine(zooms, shape)
    empty = nib.Nifti1Image(np.zeros(shape, dtype=np.uint8), affine)
    inside = np.asarray(brain_mask(empty).dataobj) > 0
    noise = np.random.default_rng(0).standard_normal(shape)
    values = 100 + 10 * ndimage.gaussian_filter(noise, 2) / 0.05 + 3 * noise
    return scale((values * inside).astype(np.float32))


if __name__ == "__main__":
    sys.exit(main())
