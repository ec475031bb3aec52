"""Verbs that use models: predict, models, demo."""

import argparse
import json
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bids_brainage.cli import fetch_verb
from bids_brainage.cli.arguments import device, positive

PREDICTED = ("participant_id", "modalities", "predicted_age", "predicted_sex",
             "probability_female", "predicted_age_lower", "predicted_age_upper",
             "probability_older", "missing_measures", "distribution_percentile",
             "out_of_distribution", "warnings")  # fmt: skip


def add_verbs(verbs: Any) -> None:
    """Add the verbs to the ``brainage`` parser."""
    predict = verbs.add_parser("predict", help="arrays or a table of features in, age and sex out")
    predict.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="feature1.npy [feature2.npy], or one TSV with a column per measure",
    )
    predict.add_argument("--model", default="mavae", help="shipped model or folder")
    predict.add_argument("--output", type=Path, metavar="TSV", help="write there, too")
    predict.add_argument(
        "--explain", type=Path, metavar="TSV", help="write what each measure adds to each age"
    )
    predict.add_argument("--device", type=device, default="auto", metavar="auto|cpu|cuda[:N]")
    predict.add_argument("--batch-size", type=positive, default=64, metavar="N")
    predict.set_defaults(work=_predict)

    models = verbs.add_parser("models", help="list, explain or check models")
    models.add_argument("action", choices=("list", "info", "verify", "fetch"))
    models.add_argument(
        "name", nargs="?", default="",
        help="model for info and fetch (default: mavae), or to verify (default: all shipped ones)",
    )  # fmt: skip
    models.add_argument("--json", action="store_true", help="info as JSON, without long lists")
    fetch_verb.add_options(models)
    models.set_defaults(work=_models)

    demo = verbs.add_parser("demo", help="write a synthetic dataset and run the App on it")
    demo.add_argument("folder", nargs="?", type=Path, default=Path("demo"), metavar="FOLDER")
    demo.set_defaults(work=_demo)


def say(text: str) -> None:
    """Write a line to standard output."""
    sys.stdout.write(text + "\n")


def say_figures(folder: Path) -> None:
    """Draw the figures of a training, cross-validation or test, and name them."""
    from bids_brainage.app.generative import draw_figures

    for path in draw_figures(folder):
        say(f"figure {path}")


def say_table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Write rows as a TSV to standard output."""
    from bids_brainage.bids.outputs import format_table

    sys.stdout.write(format_table(rows, columns))


def _predict(options: argparse.Namespace) -> int:
    from bids_brainage.app.files import predict_files
    from bids_brainage.bids.outputs import write_tsv

    rows = predict_files(
        options.files, options.model, options.device, options.batch_size, options.explain
    )
    say_table(rows, PREDICTED)
    if options.output:
        write_tsv(options.output, rows, PREDICTED)
    return 0


def _models(options: argparse.Namespace) -> int:
    from bids_brainage.models.find import find_model, list_models
    from bids_brainage.models.store import load_any

    if options.action == "verify":
        for name in [options.name] if options.name else [card.name for card in list_models()]:
            card = load_any(name)[1]
            say(f"{card.name} {card.version}: weights and inputs match the card")
        return 0
    options.name = options.name or "mavae"
    if options.action == "fetch":
        return fetch_verb.fetch(options, say)
    if options.action == "info":
        card = load_any(options.name)[1]
        if not options.json:
            from bids_brainage.report.model_card import as_text

            say(as_text(card))
            say(f"\nInputs in order, and scores by site: {find_model(options.name) / 'card.json'}")
            return 0
        content = json.loads(card.to_json())
        for spec in content["inputs"].values():
            spec["names"] = [*spec["names"][:3], f"… {len(spec['names'])} in all"]
            spec.pop("typical", None)
            spec["regions"] = len(spec["regions"])
        say(json.dumps(content, indent=2, ensure_ascii=False))
        return 0
    cards = list_models()
    rows = [
        {
            "model": card.name,
            "version": card.version,
            "family": card.family,
            "inputs": ", ".join(card.inputs),
            "people": sum(sample.n for sample in card.training),
            "ages": _ages(card.age_range.values()),
            "status": "experimental" if card.experimental else "",
            "used": "by default" if card.default else "when asked for",
            "use": card.use,
        }
        for card in cards
    ]
    columns = ("model", "version", "family", "inputs", "people", "ages", "status", "used", "use")
    say_table(rows, columns)
    return 0


def _ages(ranges: Collection[tuple[float, float]]) -> str:
    """Youngest to oldest over all combinations of inputs; empty for a model without ages."""
    if not ranges:
        return ""
    return f"{min(low for low, _ in ranges):.0f}-{max(high for _, high in ranges):.0f}"


def _demo(options: argparse.Namespace) -> int:
    from bids_brainage.app.demo import run_demo

    return run_demo(options.folder, say)
