"""Train, cross-validate and test models of the family ``volumes``."""

import argparse
from pathlib import Path
from typing import Any

from bids_brainage.cli.arguments import available_cpus, device, positive
from bids_brainage.cli.model_verbs import say
from bids_brainage.cli.settings import command_line
from bids_brainage.errors import UsageError

FAMILY = "volumes"
DATA_HELP = (
    "table with participant_id, age and a column per volume (mm3), an OUTPUT_DIR of the "
    "participant level, a BIDS dataset with raw T1w images, or a folder with such datasets "
    "(also in bids) and published tables (also in data)"
)


def add_train(families: Any) -> None:
    """Add ``brainage train volumes``."""
    train = families.add_parser(FAMILY, help="age from volumes of raw T1w images")
    _add_data(train)
    train.add_argument("--output", type=Path, required=True, metavar="DIR", help="the new model")
    train.add_argument("--name", default="", help="name of the model (default: that of DIR)")
    train.add_argument(
        "--regression",
        default="",
        metavar="NAME",
        help="for example linear-images (default: that with the least error on folds)",
    )
    train.add_argument(
        "--measured",
        type=Path,
        metavar="DIR",
        help="where measures of images are kept (default: in the output)",
    )
    train.set_defaults(work=_train)


def add_crossval(families: Any) -> None:
    """Add ``brainage crossval volumes``."""
    crossval = families.add_parser(FAMILY, help="all regressions, beside guessing the median")
    _add_data(crossval)
    crossval.add_argument("--output", type=Path, default=Path("crossval"), metavar="DIR")
    crossval.add_argument(
        "--left-out",
        type=Path,
        metavar="DIR",
        help="output of brainage crossval resunet: labelled heads are measured by the networks "
        "trained without them, for the agreement with DLMUSE",
    )
    crossval.set_defaults(work=_crossval)


def add_test(families: Any) -> None:
    """Add ``brainage test volumes``."""
    test = families.add_parser(FAMILY, help="on a table of people of known age")
    test.add_argument(
        "files", nargs="+", type=Path, metavar="TABLE", help="one TSV or CSV, or an OUTPUT_DIR"
    )
    test.add_argument("--model", default=FAMILY, help="shipped model or folder")
    test.add_argument(
        "--output",
        type=Path,
        default=Path("test_volumes.json"),
        metavar="JSON",
        help="where the scores are written (default: test_volumes.json)",
    )
    test.set_defaults(work=_test)


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", type=Path, metavar="DATA", help=DATA_HELP)
    parser.add_argument(
        "--segmentation", default="resunet", metavar="MODEL", help="model that cuts images"
    )
    parser.add_argument(
        "--repeats",
        type=positive,
        default=5,
        metavar="N",
        help="how often people are dealt to folds anew (default: 5)",
    )
    parser.add_argument("--device", type=device, default="auto", metavar="auto|cpu|cuda[:N]")
    parser.add_argument("--threads", type=positive, default=available_cpus(), metavar="N")


def _common(options: argparse.Namespace) -> dict[str, Any]:
    from bids_brainage.predict.device import resolve_device
    from bids_brainage.training.run import limit_threads

    limit_threads(options.threads)
    return {
        "data": options.data,
        "output": options.output,
        "segmentation": options.segmentation,
        "device": str(resolve_device(options.device)),
        "threads": options.threads,
        "repeats": options.repeats,
    }


def _train(options: argparse.Namespace) -> int:
    from bids_brainage.training.volumes.run import TrainOptions, run_training

    folder = run_training(TrainOptions(
        **_common(options), name=options.name, candidate=options.regression,
        measured=options.measured, command=command_line(),
    ))  # fmt: skip
    say(f"model written to {folder}; use it with --models {folder}")
    return 0


def _crossval(options: argparse.Namespace) -> int:
    from bids_brainage.training.volumes.crossval import CrossvalOptions, run_crossval

    folder = run_crossval(CrossvalOptions(**_common(options), left_out=options.left_out))
    say((folder / "crossval.md").read_text(encoding="utf-8"))
    return 0


def _test(options: argparse.Namespace) -> int:
    from bids_brainage.bids.outputs import write_json
    from bids_brainage.training.volumes.judge import score_model

    if len(options.files) != 1:
        raise UsageError(f"{len(options.files)} tables", hint="give one table or OUTPUT_DIR")
    scores = score_model(options.files[0], options.model)
    for name, value in scores.items():
        say(f"{name}\t{value:.4f}" if isinstance(value, float) else f"{name}\t{value}")
    write_json(options.output, scores)
    return 0
