"""Train, cross-validate and test networks of the family ``tsan``."""

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any

from bids_brainage.cli.arguments import available_cpus, device, positive
from bids_brainage.cli.model_verbs import say
from bids_brainage.cli.settings import changed_recipe
from bids_brainage.errors import UsageError

FAMILY = "tsan"
DATA_HELP = (
    "OUTPUT_DIRs of the participant level on raw T1w, or with --table a folder of brains in "
    "MNI152 space (NIfTI)"
)
# Code of men, by that of women.
MALE = {"0": "1", "1": "0", "2": "1"}
TABLE_HELP = "file name, age and sex (0 female, 1 male) of each image: xls, xlsx, csv or tsv"


def add_train(families: Any) -> None:
    """Add ``brainage train tsan``."""
    train = families.add_parser(FAMILY, help="age from a T1w in template space, in two stages")
    _add_data(train)
    _add_recipe(train)
    train.add_argument("--output", type=Path, required=True, metavar="DIR", help="the new model")
    train.add_argument("--name", default="", help="name of the model (default: that of DIR)")
    train.add_argument("--valid-data", nargs="+", type=Path, default=(), metavar="DATA",
                       help="people that choose the epoch (default: a share of DATA)")  # fmt: skip
    train.add_argument("--valid-table", type=Path, metavar="FILE", help="of --valid-data")
    train.set_defaults(work=_train)


def add_crossval(families: Any) -> None:
    """Add ``brainage crossval tsan``."""
    crossval = families.add_parser(FAMILY, help="beside simple baselines, people left out in turn")
    _add_data(crossval)
    _add_recipe(crossval)
    crossval.add_argument("--output", type=Path, default=Path("crossval_tsan"), metavar="DIR")
    crossval.add_argument("--folds", type=positive, default=5, metavar="N")
    crossval.add_argument(
        "--only", nargs="+", default=(), metavar="ROW", help="only these rows of the table"
    )
    crossval.add_argument(
        "--ablation-folds", type=positive, metavar="N", help="folds of the ablations (default: all)"
    )
    crossval.set_defaults(work=_crossval)


def add_test(families: Any) -> None:
    """Add ``brainage test tsan``."""
    test = families.add_parser(FAMILY, help="on images of people of known age")
    test.add_argument("files", nargs="+", type=Path, metavar="DATA", help=DATA_HELP)
    test.add_argument("--table", type=Path, metavar="FILE", help=TABLE_HELP)
    test.add_argument("--female", choices=tuple(MALE), default="0", help="women in the table")
    test.add_argument("--model", required=True, help="folder of a model")
    test.add_argument(
        "--output", type=Path, default=Path("test_tsan"), metavar="DIR",
        help="where predictions (TSV, npz), scores and the scatter plot go (default: test_tsan)",
    )  # fmt: skip
    test.add_argument("--device", type=device, default="auto", metavar="auto|cpu|cuda[:N]")
    test.set_defaults(work=_test)


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", nargs="+", type=Path, metavar="DATA", help=DATA_HELP)
    parser.add_argument("--table", type=Path, metavar="FILE", help=TABLE_HELP)
    parser.add_argument("--female", choices=tuple(MALE), default="0", help="women in the table")


def _add_recipe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--width", choices=("figure", "released"), help="width of the networks")
    parser.add_argument("--stage", choices=("1", "2", "both"), default="both",
                        help="2 takes the first stage from the model in --output")  # fmt: skip
    parser.add_argument("--discretise", type=positive, metavar="YEARS", help="default: 5")
    parser.add_argument("--epochs", type=positive, metavar="N")
    parser.add_argument("--batch-size", type=positive, metavar="N")
    parser.add_argument("--seed", type=int, metavar="N")
    parser.add_argument(
        "--set",
        dest="settings",
        nargs="+",
        default=[],
        metavar="OPTION=VALUE",
        help="any other option of the recipe, for example rank_weight=0",
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on from checkpoints in the output"
    )
    parser.add_argument("--device", type=device, default="auto", metavar="auto|cpu|cuda[:N]")
    parser.add_argument("--threads", type=positive, default=available_cpus(), metavar="N")


def _recipe(options: argparse.Namespace) -> Any:
    from bids_brainage.training.tsan.recipe import TsanRecipe

    return changed_recipe(
        TsanRecipe(), options.settings, width=options.width, discretise=options.discretise,
        epochs=options.epochs, batch_size=options.batch_size, seed=options.seed,
        stages=1 if options.stage == "1" else None,
    )  # fmt: skip


def _people(folders: list[Path], table: Path | None, female: str) -> list[Any]:
    from bids_brainage.training.tsan.people import load_people

    if table is not None and len(folders) != 1:
        raise UsageError(f"--table with {len(folders)} folders", hint="give one folder")
    codes = {female: "F", MALE[female]: "M"}
    return [person for folder in folders for person in load_people(folder, table, codes)]


def _common(options: argparse.Namespace) -> dict[str, Any]:
    from bids_brainage.predict.device import resolve_device
    from bids_brainage.training.run import limit_threads

    limit_threads(options.threads)
    return {
        "people": _people(options.data, options.table, options.female),
        "output": options.output,
        "recipe": _recipe(options),
        "resume": options.resume,
        "device": resolve_device(options.device),
    }


def _train(options: argparse.Namespace) -> int:
    from bids_brainage.training.tsan.run import TsanTraining, run_tsan_training

    command = shlex.join(["brainage", *(Path(w).name if "/" in w else w for w in sys.argv[1:])])
    folder = run_tsan_training(TsanTraining(
        **_common(options), name=options.name, command=command,
        source="+".join(folder.resolve().name for folder in options.data),
        validation_people=_people(options.valid_data, options.valid_table, options.female),
        second_only=options.stage == "2",
    ), progress=say)  # fmt: skip
    say(f"model written to {folder}; use it with --models {folder}")
    return 0


def _crossval(options: argparse.Namespace) -> int:
    from bids_brainage.training.tsan.crossval import TsanCrossval, run_tsan_crossval

    folder = run_tsan_crossval(TsanCrossval(
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
