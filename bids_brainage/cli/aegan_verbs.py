"""Train, cross-validate and test the generative models of the family ``aegan``, in three parts."""

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from bids_brainage.cli.arguments import device, positive
from bids_brainage.cli.image_verbs import MALE
from bids_brainage.cli.model_verbs import say, say_figures
from bids_brainage.cli.settings import add_settings, changed_recipe, command_line
from bids_brainage.errors import UsageError

FAMILY = "aegan"
PARTS = ("morphometry", "images", "gan")
PART_HELP = (
    "morphometry: autoencoder of FreeSurfer measures (default); images: autoencoder of T1w; gan: "
    "generated T1w, with its latent encoder and sex classifier"
)
DATA_HELP = (
    "morphometry: a folder with morphometry.tsv.gz, an OUTPUT_DIR of the participant level, or a "
    "folder with a FreeSurfer CSV, age.csv and sex.npy; images and gan: OUTPUT_DIRs on raw T1w, a "
    "folder of brains (NIfTI) with --table, or a folder with tensors.npy, age.npy and sex.npy"
)
TABLE_HELP = "images and gan: file name, age and sex of each brain in a folder"
# Options that only some parts have, by their name in the command.
OF_IMAGES = {"table": "--table", "female": "--female"}


def add_train(families: Any) -> None:
    """Add ``brainage train aegan``."""
    train = families.add_parser(FAMILY, help="autoencoders and GAN of morphometry or T1w images")
    _add_data(train, "data")
    _add_recipe(train)
    train.add_argument("--output", type=Path, required=True, metavar="DIR", help="the new model")
    train.add_argument("--name", default="", help="name of the model (default: that of DIR)")
    train.set_defaults(work=_train)


def add_crossval(families: Any) -> None:
    """Add ``brainage crossval aegan``."""
    crossval = families.add_parser(FAMILY, help="what codes know of age and sex, beside the input")
    _add_data(crossval, "data")
    _add_recipe(crossval)
    crossval.add_argument("--output", type=Path, default=Path("crossval_aegan"), metavar="DIR")
    crossval.add_argument("--folds", type=positive, default=5, metavar="N")
    crossval.add_argument("--only", nargs="+", default=(), metavar="ROW", help="only these rows")
    crossval.set_defaults(work=_crossval)


def add_test(families: Any) -> None:
    """Add ``brainage test aegan``."""
    test = families.add_parser(FAMILY, help="on people of known age and sex")
    _add_data(test, "files")
    test.add_argument("--model", required=True, metavar="DIR", help="folder of a model")
    test.add_argument(
        "--output", type=Path, default=Path("test_aegan"), metavar="DIR",
        help="where scores and figures go (default: test_aegan)",
    )  # fmt: skip
    test.set_defaults(work=_test)


def _add_data(parser: argparse.ArgumentParser, name: str) -> None:
    parser.add_argument(name, nargs="+", type=Path, metavar="DATA", help=DATA_HELP)
    parser.add_argument("--part", choices=PARTS, help=PART_HELP)
    parser.add_argument("--table", type=Path, metavar="FILE", help=TABLE_HELP)
    parser.add_argument("--female", choices=tuple(MALE), help="women in the table (default: 0)")
    parser.add_argument(
        "--bins", nargs="+", metavar="YEARS", help="age bins (default: 22-25 26-30 31-35 36+)"
    )
    parser.add_argument(
        "--age-codes",
        choices=("appearance", "years"),
        help="what the numbers of age.npy mean: bins in order of their years, or as the "
        "published file has them (0 is 26-30, 1 is 22-25, 2 is 31-35, 3 is 36+)",
    )
    parser.add_argument("--device", type=device, default="auto", metavar="auto|cpu|cuda[:N]")


def _add_recipe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--width",
        choices=("full", "compact"),
        help="images and gan: channels as published, or a small network for a few cores",
    )
    parser.add_argument("--bottleneck", type=positive, metavar="N", help="numbers in a code")
    parser.add_argument("--epochs", type=positive, metavar="N")
    parser.add_argument("--batch-size", type=positive, metavar="N")
    parser.add_argument("--seed", type=int, metavar="N")
    add_settings(parser, "learning_rate=0.001")


def _recipe(options: argparse.Namespace) -> Any:
    from bids_brainage.training.aegan_parts import PARTS as KNOWN

    part = options.part or PARTS[0]
    kind = KNOWN[part].recipe_class
    fields = {field.name for field in dataclasses.fields(kind)}
    own = {name: getattr(options, name) for name in ("epochs", "batch_size", "seed", "bottleneck")}
    for name, value in own.items():
        if value is not None and name not in fields:
            raise _no_option(part, f"--{name.replace('_', '-')}")
    if options.width is not None and not hasattr(kind, options.width):
        raise _no_option(part, "--width")
    start = getattr(kind, options.width)() if options.width else kind()
    return changed_recipe(start, options.settings, **own)


def _no_option(part: str, option: str) -> UsageError:
    return UsageError(f"{option}: part {part} has no such option",
                      hint="brainage train aegan --help tells which part has what")  # fmt: skip


def _common(options: argparse.Namespace, data: list[Path], part: str) -> dict[str, Any]:
    from bids_brainage.predict.device import resolve_device

    for name, option in OF_IMAGES.items():
        if part == PARTS[0] and getattr(options, name) is not None:
            raise _no_option(part, option)
    given = {"bins": tuple(options.bins) if options.bins else None, "female": options.female,
             "table": options.table, "age_codes": options.age_codes}  # fmt: skip
    return {
        "data": tuple(data),
        "output": options.output,
        "device": resolve_device(options.device),
        **{name: value for name, value in given.items() if value is not None},
    }


def _training(options: argparse.Namespace) -> tuple[Any, dict[str, Any]]:
    """Part, and its options."""
    from bids_brainage.training.aegan_parts import PARTS as KNOWN
    from bids_brainage.training.run import limit_threads

    limit_threads(options.threads)
    part = options.part or PARTS[0]
    return KNOWN[part], {
        **_common(options, options.data, part),
        "recipe": _recipe(options),
        "resume": options.resume,
        "command": command_line(),
    }


def _train(options: argparse.Namespace) -> int:
    from bids_brainage.training.aegan import AeganOptions

    part, given = _training(options)
    folder = part.run_training(AeganOptions(**given, name=options.name), say)
    say_figures(folder)
    say(f"model written to {folder}")
    return 0


def _crossval(options: argparse.Namespace) -> int:
    from bids_brainage.training.aegan import AeganOptions

    part, given = _training(options)
    chosen = AeganOptions(**given, n_folds=options.folds, only=tuple(options.only))
    folder = part.run_crossval(chosen, say)
    say((folder / "crossval.md").read_text(encoding="utf-8"))
    say_figures(folder)
    return 0


def _test(options: argparse.Namespace) -> int:
    from bids_brainage.training import aegan_parts
    from bids_brainage.training.aegan import AeganOptions

    part = aegan_parts.part_of_model(options.model)
    if options.part not in (None, part):
        raise UsageError(f"--part {options.part}: the model is one of part {part}",
                         place=options.model)  # fmt: skip
    chosen = AeganOptions(**_common(options, options.files, part), model=options.model)
    for name, value in aegan_parts.PARTS[part].run_test(chosen, say).items():
        say(f"{name}\t{value:.4f}" if isinstance(value, float) else f"{name}\t{value}")
    say_figures(options.output)
    return 0
