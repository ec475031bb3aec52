"""Sessions predicted per second by batch size, on the CPU and on a GPU where there is one.

Usage: python -m benchmarks.prediction [--small]

The network alone, with the time that loading its weights takes; then the stage of prediction from
extraction logs on disk to tables on disk, without pages.
"""

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

BATCHES = (1, 8, 64, 512)
MODELS = ("mavae", "volumes")


def main(sessions: int = 1024, repeats: int = 5, on_disk: int = 200) -> None:
    """Print both tables."""
    import torch

    devices = ["cpu"] + (["cuda"] if torch.cuda.is_available() else [])
    if len(devices) == 1:
        print("torch sees no GPU: only the CPU is measured")
    print(f"{'model':<10s} {'device':<8s} {'loading s':>10s}"
          + "".join(f" {f'batch {size}':>12s}" for size in BATCHES) + "   sessions/s")  # fmt: skip
    for model in MODELS:
        for device in devices:
            loading, rates = network(model, device, sessions, repeats)
            print(f"{model:<10s} {device:<8s} {loading:10.2f}"
                  + "".join(f" {rate:12.0f}" for rate in rates), flush=True)  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        dataset, output = Path(folder) / "bids", Path(folder) / "output"
        extracted(dataset, output, on_disk)
        for device in devices:
            rates = stage(dataset, output, device, min(repeats, 3))
            print(f"{'stage':<10s} {device:<8s} {'':10s}"
                  + "".join(f" {rate:12.0f}" for rate in rates))  # fmt: skip


def network(
    model: str, device: str, sessions: int, repeats: int
) -> tuple[float, tuple[float, ...]]:
    """Seconds to load a model, and sessions per second by batch size: medians in turns."""
    import numpy as np
    import torch

    from bids_brainage.predict.load import load_predictor

    begin = time.perf_counter()
    predictors = [load_predictor(model, torch.device(device), size) for size in BATCHES]
    loading = (time.perf_counter() - begin) / len(BATCHES)
    rng = np.random.default_rng(0)
    people = [
        {
            name: np.array([abs(spec.typical.get(n, 0.1)) for n in spec.names])
            * rng.uniform(0.9, 1.1, len(spec.names))
            for name, spec in predictors[0].card.inputs.items()
        }
        for _ in range(64)
    ]
    people = people * (sessions // 64)
    found: dict[int, list[float]] = {size: [] for size in BATCHES}
    for predictor in predictors:
        predictor.predict(people[: max(BATCHES)])
    for _ in range(repeats):
        for size, predictor in zip(BATCHES, predictors, strict=True):
            some = people if size > 1 else people[: sessions // 8]
            begin = time.perf_counter()
            predictor.predict(some)
            found[size].append(len(some) / (time.perf_counter() - begin))
    return loading, tuple(median(rates) for rates in found.values())


def extracted(dataset: Path, output: Path, sessions: int) -> None:
    """Sessions with morphometry and connectivity, as the stage of extraction leaves them."""
    import numpy as np

    from benchmarks.scale import make_dataset
    from bids_brainage.app import features
    from bids_brainage.app.run import run
    from bids_brainage.bids.outputs import extraction_log, read_json, session_file, write_json
    from bids_brainage.config import RunConfig
    from bids_brainage.models.store import load_model
    from bids_brainage.records.session import SessionKey

    make_dataset(dataset, sessions)
    run(RunConfig(dataset, output, stage="extract", raw=False), lambda line: None)
    regions = load_model("mavae")[1].inputs["connectivity"].regions
    rng = np.random.default_rng(0)
    recipe = features.recipe_names(RunConfig(dataset, output))
    for number in range(1, sessions + 1):
        key = SessionKey(f"{number:05d}")
        matrix = np.corrcoef(rng.normal(size=(len(regions), 200)))
        path = session_file(output, key, "task-rest_desc-denoised_relmat.tsv", "func")
        path.parent.mkdir(exist_ok=True)
        np.savetxt(path, matrix, "%.9g", "\t", header="\t".join(regions), comments="")
        log = read_json(extraction_log(output, key))
        log["derivatives"]["connectivity"] = path.relative_to(output).as_posix()
        write_json(extraction_log(output, key), log | {"settings": log["settings"] | recipe})


def stage(dataset: Path, output: Path, device: str, repeats: int) -> tuple[float, ...]:
    """Sessions per second of ``--stage predict`` without its pages and loading of weights."""
    from bids_brainage.app import predict_stage
    from bids_brainage.app.predictions import load_predictors
    from bids_brainage.bids.scan import list_participants
    from bids_brainage.config import RunConfig

    predict_stage.write_pages = lambda config, _: None
    sessions = len(list_participants(output))
    base = RunConfig(dataset, output, stage="predict", raw=False, device=device)
    configs = {size: replace(base, batch_size=size) for size in BATCHES}
    loaded = {size: load_predictors(config) for size, config in configs.items()}
    found: dict[int, list[float]] = {size: [] for size in BATCHES}
    for _ in range(repeats):
        for size, config in configs.items():
            for path in output.rglob("*_predictions.*"):
                path.unlink()
            begin = time.perf_counter()
            if predict_stage.run_predictions(config, loaded[size], lambda line: None):
                raise RuntimeError("a session was not predicted")
            found[size].append(sessions / (time.perf_counter() - begin))
    return tuple(median(rates) for rates in found.values())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="few sessions, for a quick look")
    main(**({"sessions": 512, "repeats": 1, "on_disk": 20} if parser.parse_args().small else {}))
