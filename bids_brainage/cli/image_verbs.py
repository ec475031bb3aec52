"""Arguments and work that the families of networks of images share."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bids_brainage.cli.arguments import device, positive
from bids_brainage.cli.model_verbs import say
from bids_brainage.cli.settings import add_settings, command_line
from bids_brainage.errors import UsageError

DATA_HELP = (
    "OUTPUT_DIRs of the participant level on raw T1w, or with --table a folder of brains in "
    "MNI152 space (NIfTI)"
)
# Code of men, by that of women.
MALE = {"0": "1", "1": "0", "2": "1"}
TABLE_HELP = "file name, age and sex (0 female, 1 male) of each image: xls, xlsx, csv or tsv"
# From the options to the family of a training, and its recipe.
Chosen = Callable[[argparse.Namespace], tuple[Any, Any]]


def add_train(parser: argparse.ArgumentParser, chosen: Chosen) -> None:
    """Add the arguments of ``brainage train`` that every family has."""
    _add_data(parser)
    _add_recipe(parser)
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="the new model")
    parser.add_argument("--name", default="", help="name of the model (default: that of DIR)")
    parser.add_argument("--valid-data", nargs="+", type=Path, default=(), metavar="DATA",
                        help="people that choose the epoch (default: a share of DATA)")  # fmt: skip
    parser.add_argument("--valid-table", type=Path, metavar="FILE", help="of --valid-data")
    parser.set_defaults(work=_train, chosen=chosen)


def add_crossval(parser: argparse.ArgumentParser, family: str, chosen: Chosen) -> None:
    """Add the arguments of ``brainage crossval`` that every family has."""
    _add_data(parser)
    _add_recipe(parser)
    parser.add_argument("--output", type=Path, default=Path(f"crossval_{family}"), metavar="DIR")
    parser.add_argument("--folds", type=positive, default=5, metavar="N")
    parser.add_argument(
        "--only", nargs="+", default=(), metavar="ROW", help="only these rows of the table"
    )
    parser.add_argument(
        "--ablation-folds",
        type=positive,
        metavar="N",
        help="folds of networks that differ from the recipe (default: all)",
    )
    parser.set_defaults(work=_crossval, chosen=chosen)


def add_test(parser: argparse.ArgumentParser, family: str) -> None:
    """Add the arguments of ``brainage test``; any model of images can be tested."""
    parser.add_argument("files", nargs="+", type=Path, metavar="DATA", help=DATA_HELP)
    parser.add_argument("--table", type=Path, metavar="FILE", help=TABLE_HELP)
    parser.add_argument("--female", choices=tuple(MALE), default="0", help="women in the table")
    parser.add_argument("--model", required=True, help="folder of a model")
    parser.add_argument(
        "--output", type=Path, default=Path(f"test_{family}"), metavar="DIR",
        help="where predictions (TSV, npz), scores and the scatter plot go "
             f"(default: test_{family})",
    )  # fmt: skip
    parser.add_argument("--device", type=device, default="auto", metavar="auto|cpu|cuda[:N]")
    parser.set_defaults(work=_test)


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", nargs="+", type=Path, metavar="DATA", help=DATA_HELP)
    parser.add_argument("--table", type=Path, metavar="FILE", help=TABLE_HELP)
    parser.add_argument("--female", choices=tuple(MALE), default="0", help="women in the table")


def _add_recipe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--epochs", type=positive, metavar="N")
    parser.add_argument("--batch-size", type=positive, metavar="N")
    parser.add_argument("--seed", type=int, metavar="N")
    parser.add_argument("--pretrain", choices=("none", "volumes", "images"),
                        help="what the network learns before age (default: none)")  # fmt: skip
    parser.add_argument("--average", action="store_true", default=None,
                        help="tell the mean age of moved and mirrored copies")  # fmt: skip
    add_settings(parser, "zooms=2")
    parser.add_argument("--device", type=device, default="auto", metavar="auto|cpu|cuda[:N]")


def recipe_options(options: argparse.Namespace) -> dict[str, Any]:
    """Options of the recipe that have an argument of their own in every family."""
    names = ("epochs", "batch_size", "seed", "pretrain", "average")
    return {name: getattr(options, name) for name in names}


def _people(folders: list[Path], table: Path | None, female: str) -> list[Any]:
    from bids_brainage.training.images.people import load_people

    if table is not None and len(folders) != 1:
        raise UsageError(f"--table with {len(folders)} folders", hint="give one folder")
    codes = {female: "F", MALE[female]: "M"}
    return [person for folder in folders for person in load_people(folder, table, codes)]


def _common(options: argparse.Namespace) -> dict[str, Any]:
    from bids_brainage.predict.device import resolve_device
    from bids_brainage.training.run import limit_threads

    limit_threads(options.threads)
    family, recipe = options.chosen(options)
    return {
        "family": family,
        "recipe": recipe,
        "people": _people(options.data, options.table, options.female),
        "output": options.output,
        "resume": options.resume,
        "device": resolve_device(options.device),
    }


def _train(options: argparse.Namespace) -> int:
    from bids_brainage.training.images.run import ImageTraining, run_image_training

    folder = run_image_training(ImageTraining(
        **_common(options), name=options.name, command=command_line(),
        source="+".join(folder.resolve().name for folder in options.data),
        validation_people=_people(options.valid_data, options.valid_table, options.female),
    ), progress=say)  # fmt: skip
    say(f"model written to {folder}; use it with --models {folder}")
    return 0


def _crossval(options: argparse.Namespace) -> int:
    from bids_brainage.training.images.crossval import ImageCrossval, run_image_crossval

    folder = run_image_crossval(ImageCrossval(
        **_common(options), n_folds=options.folds, only=tuple(options.only),
        ablation_folds=options.ablation_folds or options.folds,
    ), progress=say)  # fmt: skip
    say((folder / "crossval.md").read_text(encoding="utf-8"))
    return 0


def _test(options: argparse.Namespace) -> int:
    from bids_brainage.app.image_scores import score_images

    people = _people(options.files, options.table, options.female)
    found = score_images(people, options.model, options.output, options.device)
    for name, value in found.items():
        say(f"{name}\t{value:.4f}" if isinstance(value, float) else f"{name}\t{value}")
    return 0
