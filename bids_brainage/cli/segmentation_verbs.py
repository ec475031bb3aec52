"""Train, cross-validate and test networks of the family ``resunet``."""

import argparse
from pathlib import Path
from typing import Any

from bids_brainage.cli.arguments import positive
from bids_brainage.cli.model_verbs import say, say_table
from bids_brainage.cli.settings import add_settings, changed_recipe, command_line

FAMILY = "resunet"
DATA_HELP = (
    "folder with BIDS datasets: whole heads with label images of MUSE codes in "
    "derivatives/NAME/sub-X/anat/sub-X_…_dseg.nii.gz, and skull-stripped T1w without labels"
)


def add_train(families: Any) -> None:
    """Add ``brainage train resunet``."""
    train = families.add_parser(FAMILY, help="brain mask, tissues and regions of T1w images")
    _add_data(train)
    train.add_argument("--output", type=Path, required=True, metavar="DIR", help="the new model")
    train.add_argument("--name", default="", help="name of the model (default: that of DIR)")
    train.add_argument(
        "--scores",
        type=Path,
        metavar="DIR",
        help="output of brainage crossval resunet, whose scores go into the card",
    )
    train.set_defaults(work=_train)


def add_crossval(families: Any) -> None:
    """Add ``brainage crossval resunet``."""
    crossval = families.add_parser(FAMILY, help="beside ANTs, each labelled head left out in turn")
    _add_data(crossval)
    crossval.add_argument("--output", type=Path, default=Path("crossval_resunet"), metavar="DIR")
    crossval.add_argument(
        "--folds", type=positive, metavar="N", help="leave out the first N heads (default: all)"
    )
    crossval.add_argument(
        "--people", nargs="+", default=(), metavar="SUB", help="leave out these heads only"
    )
    crossval.add_argument("--only", nargs="+", default=(), metavar="ROW", help="only these rows")
    crossval.add_argument(
        "--specified-steps", type=positive, metavar="N", help="steps of the network as specified"
    )
    crossval.set_defaults(work=_crossval)


def add_test(families: Any) -> None:
    """Add ``brainage test resunet``."""
    test = families.add_parser(FAMILY, help="segment images, and score them where labels are given")
    test.add_argument("images", nargs="+", type=Path, metavar="IMAGE", help="T1w images (NIfTI)")
    test.add_argument("--model", default=FAMILY, help="shipped model or folder")
    test.add_argument(
        "--labels",
        nargs="+",
        type=Path,
        default=(),
        metavar="IMAGE",
        help="label images of MUSE codes, in the order of the images",
    )
    test.add_argument(
        "--output", type=Path, default=Path("test_resunet"), metavar="DIR",
        help="where label images and scores are written (default: test_resunet)",
    )  # fmt: skip
    test.add_argument("--device", default="cpu", metavar="cpu|cuda[:N]")
    test.set_defaults(work=_test)


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", type=Path, metavar="DATA", help=DATA_HELP)
    parser.add_argument(
        "--datasets",
        nargs="+",
        default=(),
        metavar="NAME",
        help="datasets in DATA to use (default: every one that holds a T1w)",
    )
    parser.add_argument(
        "--label-folder",
        type=Path,
        metavar="DIR",
        help="where carried labels are kept (default: labels in the output)",
    )
    parser.add_argument("--steps", type=positive, metavar="N", help="training steps")
    parser.add_argument("--seed", type=int, metavar="N")
    add_settings(parser, "ema=0.99")


def _recipe(options: argparse.Namespace) -> Any:
    from bids_brainage.training.segmentation.recipe import SegmentationRecipe

    return changed_recipe(
        SegmentationRecipe(), options.settings, steps=options.steps, seed=options.seed
    )


def _datasets(options: argparse.Namespace) -> tuple[str, ...]:
    from bids_brainage.training.segmentation.data import find_datasets

    return tuple(options.datasets) or find_datasets(options.data)


def _train(options: argparse.Namespace) -> int:
    from bids_brainage.training.run import limit_threads
    from bids_brainage.training.segmentation.run import (
        SegmentationTraining,
        run_segmentation_training,
    )

    limit_threads(options.threads)
    folder = run_segmentation_training(SegmentationTraining(
        data=options.data, datasets=_datasets(options), output=options.output,
        recipe=_recipe(options), name=options.name, labels=options.label_folder,
        scores=options.scores, resume=options.resume, jobs=options.threads, command=command_line(),
    ))  # fmt: skip
    say(f"model written to {folder}")
    return 0


def _crossval(options: argparse.Namespace) -> int:
    from bids_brainage.training.segmentation.crossval import (
        SegmentationCrossval,
        run_segmentation_crossval,
    )

    extra = {"specified_steps": options.specified_steps} if options.specified_steps else {}
    folder = run_segmentation_crossval(SegmentationCrossval(
        data=options.data, datasets=_datasets(options), output=options.output,
        recipe=_recipe(options), labels=options.label_folder, n_folds=options.folds or 0,
        people=tuple(options.people), only=tuple(options.only), resume=options.resume,
        jobs=options.threads, **extra,
    ))  # fmt: skip
    say((folder / "crossval.md").read_text(encoding="utf-8"))
    return 0


def _test(options: argparse.Namespace) -> int:
    from bids_brainage.training.segmentation.score import COLUMNS, score_images

    rows = score_images(
        options.images, options.labels, options.output, options.model, options.device
    )
    say_table(rows, COLUMNS)
    return 0
