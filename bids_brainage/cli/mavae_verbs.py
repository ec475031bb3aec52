"""Train, cross-validate and test models of the family ``mavae``."""

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from bids_brainage.cli.arguments import available_cpus, positive, setting_value
from bids_brainage.cli.model_verbs import say
from bids_brainage.cli.settings import command_line
from bids_brainage.errors import UsageError

FAMILY = "mavae"
DATA_HELP = (
    "folder with morphometry.tsv.gz (and abide1_timeseries_HarvardOxford.npz), an OUTPUT_DIR of "
    "the participant level, or a folder with features1.npy, features2.npy, labels_Age.npy and "
    "labels_Gender.npy (0 male, 1 female)"
)
TEST_FILES = ("Test_features1.npy", "Test_features2.npy", "Test_labels_Age.npy",
              "Test_labels_Gender.npy")  # fmt: skip


def add_train(families: Any) -> None:
    """Add ``brainage train mavae``."""
    train = families.add_parser(FAMILY, help="age and sex from morphometry and connectivity")
    _add_data(train)
    _add_recipe(train)
    train.add_argument("--output", type=Path, required=True, metavar="DIR", help="the new model")
    train.add_argument(
        "--from",
        dest="start",
        default="",
        metavar="MODEL",
        help="fine-tune this shipped or own model",
    )
    train.add_argument("--name", default="", help="name of the model (default: that of DIR)")
    train.set_defaults(work=_train)


def add_crossval(families: Any) -> None:
    """Add ``brainage crossval mavae``."""
    crossval = families.add_parser(FAMILY, help="beside reference models, on site-grouped folds")
    _add_data(crossval)
    _add_recipe(crossval)
    crossval.add_argument("--output", type=Path, default=Path("crossval"), metavar="DIR")
    crossval.add_argument("--no-ablations", action="store_true", help="leave the ablations out")
    crossval.add_argument(
        "--within-sites",
        action="store_true",
        help="deal people of every site into all folds: no test site is unseen",
    )
    crossval.add_argument(
        "--harmonise",
        choices=("combat",),
        help="also rows whose measures had the mean differences between training sites taken out",
    )
    crossval.add_argument("--only", nargs="+", default=(), metavar="ROW", help="only these rows")
    crossval.set_defaults(work=_crossval)


def add_test(families: Any) -> None:
    """Add ``brainage test mavae``."""
    test = families.add_parser(FAMILY, help="on the system's own test files")
    test.add_argument("files", nargs="+", type=Path, metavar="FILE", help=", ".join(TEST_FILES))
    test.add_argument("--model", default="mavae", help="shipped model or folder")
    test.add_argument(
        "--output",
        type=Path,
        default=Path("test_mavae.json"),
        metavar="JSON",
        help="where the scores are written (default: test_mavae.json)",
    )
    test.set_defaults(work=_test)


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", type=Path, metavar="DATA", help=DATA_HELP)
    parser.add_argument(
        "--folds", type=int, default=5, metavar="N", help="site-grouped folds (default: 5)"
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on from checkpoints in the output"
    )
    parser.add_argument("--threads", type=positive, default=available_cpus(), metavar="N")


def _add_recipe(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("recipe (see --set for every option)")
    group.add_argument(
        "--recipe",
        choices=("default", "specified", "quick"),
        default="default",
        help="specified: the original widths 800-500-200-120-60; quick: a look",
    )
    group.add_argument("--epochs", type=positive, metavar="N")
    group.add_argument("--batch-size", type=positive, metavar="N")
    group.add_argument("--learning-rate", type=float, metavar="RATE")
    group.add_argument(
        "--selected-features",
        type=positive,
        metavar="N",
        help="features that the filter keeps per modality, at most 800",
    )
    group.add_argument("--seed", type=int, metavar="N")
    group.add_argument("--no-adversary", action="store_true", help="ablation: no discriminator")
    group.add_argument("--no-variational", action="store_true", help="ablation: plain codes")
    group.add_argument("--no-sex", action="store_true", help="ablation: no sex task")
    group.add_argument(
        "--modality",
        choices=("morphometry", "connectivity"),
        help="ablation: train on one modality",
    )
    group.add_argument(
        "--set",
        dest="settings",
        nargs="+",
        default=[],
        metavar="OPTION=VALUE",
        help="any other option of the recipe, for example lambda_kl=0.1",
    )


def recipe_options(options: argparse.Namespace) -> dict[str, Any]:
    """Collect the recipe options that the command line changes.

    Raises
    ------
    UsageError
        If a ``--set`` is not ``option=value`` with a number, true, false or a word.
    """
    changed: dict[str, Any] = {
        name: value
        for name in ("epochs", "batch_size", "learning_rate", "seed")
        if (value := getattr(options, name)) is not None
    }
    if options.selected_features:
        changed["selected_morphometry"] = options.selected_features
        changed["selected_connectivity"] = options.selected_features
    for flag, name in (("no_adversary", "adversarial"), ("no_variational", "variational"),
                       ("no_sex", "predict_sex")):  # fmt: skip
        if getattr(options, flag):
            changed[name] = False
    if options.modality:
        changed["single_modality"] = options.modality
    for setting in options.settings:
        name, separator, text = setting.partition("=")
        if not separator:
            raise UsageError(f"--set {setting}", hint="write option=value")
        changed[name] = setting_value(text)
    return changed


def _recipe(options: argparse.Namespace) -> Any:
    from bids_brainage.training import recipe
    from bids_brainage.training.run import fine_tune_recipe, limit_threads

    limit_threads(options.threads)
    changed = recipe_options(options)
    unknown = sorted(set(changed) - {f.name for f in dataclasses.fields(recipe.Recipe)})
    if unknown:
        raise UsageError(
            f"--set {unknown[0]}: the recipe has no such option",
            hint="brainage models info mavae shows the recipe's options",
        )
    if getattr(options, "start", ""):
        return fine_tune_recipe(**changed)
    start = {"specified": recipe.specified, "quick": recipe.quick, "default": recipe.Recipe}
    try:
        return start[options.recipe]().changed(**changed)
    except TypeError as error:
        raise UsageError(f"--set {' '.join(options.settings)}: {error}") from error


def _train(options: argparse.Namespace) -> int:
    from bids_brainage.training.run import TrainOptions, run_training

    folder = run_training(TrainOptions(
        data=options.data, output=options.output, recipe=_recipe(options), name=options.name,
        start=options.start, n_folds=options.folds, resume=options.resume, command=command_line(),
    ))  # fmt: skip
    say(f"model written to {folder}; use it with --models {folder}")
    return 0


def _crossval(options: argparse.Namespace) -> int:
    from bids_brainage.training.crossval import CrossvalOptions, run_crossval

    folder = run_crossval(CrossvalOptions(
        data=options.data, output=options.output, recipe=_recipe(options), n_folds=options.folds,
        ablations=not options.no_ablations, resume=options.resume, only=tuple(options.only),
        within_sites=options.within_sites, harmonise=bool(options.harmonise),
    ))  # fmt: skip
    say((folder / "crossval.md").read_text(encoding="utf-8"))
    return 0


def _test(options: argparse.Namespace) -> int:
    from bids_brainage.app.files import score_arrays
    from bids_brainage.bids.outputs import write_json

    scores = score_arrays(options.files, options.model)
    for name, value in scores.items():
        say(f"{name}\t{value:.4f}" if isinstance(value, float) else f"{name}\t{value}")
    write_json(options.output, scores)
    return 0
