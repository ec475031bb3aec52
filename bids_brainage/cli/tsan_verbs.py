"""Train, cross-validate and test networks of the family ``tsan``."""

import argparse
from typing import Any

from bids_brainage.cli import image_verbs
from bids_brainage.cli.arguments import positive
from bids_brainage.cli.settings import changed_recipe

FAMILY = "tsan"


def add_train(families: Any) -> None:
    """Add ``brainage train tsan``."""
    train = families.add_parser(FAMILY, help="age from a T1w in template space, in two stages")
    image_verbs.add_train(train, _chosen)
    _add_own(train)
    train.add_argument("--stage", choices=("1", "2", "both"), default="both",
                       help="2 takes the first stage from the model in --output")  # fmt: skip


def add_crossval(families: Any) -> None:
    """Add ``brainage crossval tsan``."""
    crossval = families.add_parser(FAMILY, help="beside simple baselines, people left out in turn")
    image_verbs.add_crossval(crossval, FAMILY, _chosen)
    _add_own(crossval)
    crossval.set_defaults(stage="both")


def add_test(families: Any) -> None:
    """Add ``brainage test tsan``."""
    test = families.add_parser(FAMILY, help="on images of people of known age")
    image_verbs.add_test(test, FAMILY)


def _add_own(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--width", choices=("figure", "released"), help="width of the networks")
    parser.add_argument("--discretise", type=positive, metavar="YEARS", help="default: 5")


def _chosen(options: argparse.Namespace) -> tuple[Any, Any]:
    from bids_brainage.training.tsan.recipe import TsanRecipe
    from bids_brainage.training.tsan.train import TSAN, with_first_stage_of

    recipe = changed_recipe(
        TsanRecipe(), options.settings, width=options.width, discretise=options.discretise,
        stages=1 if options.stage == "1" else None, **image_verbs.recipe_options(options),
    )  # fmt: skip
    if options.stage == "2":
        return with_first_stage_of(options.output, recipe), recipe
    return TSAN, recipe
