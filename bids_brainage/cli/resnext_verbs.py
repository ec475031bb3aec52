"""Train, cross-validate and test networks of the family ``resnext``."""

import argparse
from typing import Any

from bids_brainage.cli import image_verbs
from bids_brainage.cli.settings import changed_recipe

FAMILY = "resnext"


def add_train(families: Any) -> None:
    """Add ``brainage train resnext``."""
    train = families.add_parser(FAMILY, help="age from a T1w in template space, by one network")
    image_verbs.add_train(train, _chosen)
    _add_own(train)


def add_crossval(families: Any) -> None:
    """Add ``brainage crossval resnext``."""
    crossval = families.add_parser(FAMILY, help="beside simple baselines, people left out in turn")
    image_verbs.add_crossval(crossval, FAMILY, _chosen)
    _add_own(crossval)


def add_test(families: Any) -> None:
    """Add ``brainage test resnext``."""
    test = families.add_parser(FAMILY, help="on images of people of known age")
    image_verbs.add_test(test, FAMILY)


def _add_own(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--width",
        choices=("full", "compact"),
        default="full",
        help="size of network and image, and how it is trained (default: full)",
    )


def _chosen(options: argparse.Namespace) -> tuple[Any, Any]:
    from bids_brainage.training.resnext.recipe import WIDTHS, ResNeXtRecipe
    from bids_brainage.training.resnext.train import RESNEXT

    recipe = ResNeXtRecipe(**WIDTHS[options.width])
    chosen = image_verbs.recipe_options(options)
    return RESNEXT, changed_recipe(recipe, options.settings, **chosen)
