"""Train, cross-validate and test the conditional autoencoders of the family ``cvae``."""

import argparse
from pathlib import Path
from typing import Any

from bids_brainage.cli.arguments import positive
from bids_brainage.cli.model_verbs import say, say_figures
from bids_brainage.cli.settings import add_settings, changed_recipe, command_line

FAMILY = "cvae"
DATA_HELP = (
    "folder with morphometry.tsv.gz, an OUTPUT_DIR of the participant level, or a folder with "
    "features1.npy, labels_Age.npy and labels_Gender.npy (0 male, 1 female)"
)


def add_train(families: Any) -> None:
    """Add ``brainage train cvae``."""
    train = families.add_parser(FAMILY, help="morphometry given age and sex, and the reverse")
    _add_common(train)
    train.add_argument("--output", type=Path, required=True, metavar="DIR", help="the new model")
    train.add_argument("--name", default="", help="name of the model (default: that of DIR)")
    train.set_defaults(work=_train)


def add_crossval(families: Any) -> None:
    """Add ``brainage crossval cvae``."""
    crossval = families.add_parser(FAMILY, help="age, sex and deviations, on site-grouped folds")
    _add_common(crossval)
    crossval.add_argument("--output", type=Path, default=Path("crossval_cvae"), metavar="DIR")
    crossval.add_argument("--only", nargs="+", default=(), metavar="ROW", help="only these rows")
    crossval.set_defaults(work=_crossval)


def add_test(families: Any) -> None:
    """Add ``brainage test cvae``."""
    test = families.add_parser(FAMILY, help="on people of known age and sex")
    test.add_argument("files", nargs="+", type=Path, metavar="DATA", help=DATA_HELP)
    test.add_argument("--model", default="cvae", help="shipped model or folder (default: cvae)")
    test.add_argument(
        "--output",
        type=Path,
        default=Path("test_cvae.json"),
        metavar="JSON",
        help="where the scores are written (default: test_cvae.json)",
    )
    test.set_defaults(work=_test)


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", type=Path, metavar="DATA", help=DATA_HELP)
    parser.add_argument(
        "--folds", type=positive, default=5, metavar="N", help="site-grouped folds (default: 5)"
    )
    parser.add_argument("--epochs", type=positive, metavar="N")
    parser.add_argument("--batch-size", type=positive, metavar="N")
    parser.add_argument("--learning-rate", type=float, metavar="RATE")
    parser.add_argument("--members", type=positive, metavar="N", help="networks averaged")
    parser.add_argument("--latent", type=positive, metavar="N", help="numbers in a code")
    parser.add_argument("--seed", type=int, metavar="N")
    add_settings(parser, "contrast=0")


def _chosen(options: argparse.Namespace, **own: Any) -> Any:
    from bids_brainage.training.cvae.recipe import CvaeRecipe
    from bids_brainage.training.cvae.run import CvaeOptions
    from bids_brainage.training.run import limit_threads

    limit_threads(options.threads)
    recipe = changed_recipe(
        CvaeRecipe(), options.settings, epochs=options.epochs, batch_size=options.batch_size,
        learning_rate=options.learning_rate, members=options.members, n_latent=options.latent,
        seed=options.seed,
    )  # fmt: skip
    return CvaeOptions(
        data=options.data, output=options.output, recipe=recipe, n_folds=options.folds,
        resume=options.resume, command=command_line(), **own,
    )  # fmt: skip


def _train(options: argparse.Namespace) -> int:
    from bids_brainage.training.cvae.run import run_training

    folder = run_training(_chosen(options, name=options.name))
    say_figures(folder)
    say(f"model written to {folder}; use it with --models {folder}, or brainage traverse --model")
    return 0


def _crossval(options: argparse.Namespace) -> int:
    from bids_brainage.training.cvae.run import run_crossval

    folder = run_crossval(_chosen(options, only=tuple(options.only)))
    say((folder / "crossval.md").read_text(encoding="utf-8"))
    say_figures(folder)
    return 0


def _test(options: argparse.Namespace) -> int:
    from bids_brainage.training.cvae.run import run_test

    for name, value in run_test(options.files, options.model, options.output).items():
        say(f"{name}\t{value:.4f}" if isinstance(value, float) else f"{name}\t{value}")
    return 0
