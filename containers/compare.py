"""Compare predictions of two outputs: ``compare.py FIRST SECOND YEARS LABEL…``.

Every predictions table of the participants must be in both, with the same rows, and predicted ages
that differ by at most YEARS.
"""

import csv
import sys
from pathlib import Path


def main(first: Path, second: Path, years: float, labels: list[str]) -> int:
    """Print the largest difference and return 1 if it is above ``years`` or tables do not match."""
    ages = [read_ages(folder, labels) for folder in (first, second)]
    if not ages[0] or ages[0].keys() != ages[1].keys():
        odd = ages[0].keys() ^ ages[1].keys()
        sys.stdout.write(f"predictions that only one has, of {len(ages[0])}: {sorted(odd)}\n")
        return 1
    differences = [abs(ages[0][key] - ages[1][key]) for key in ages[0]]
    sys.stdout.write(f"largest of {len(differences)} differences: {max(differences):.2g} years\n")
    return 0 if max(differences) <= years else 1


def read_ages(folder: Path, labels: list[str]) -> dict[tuple[str, str], float]:
    """Predicted age of every table and model."""
    ages = {}
    for label in labels:
        for path in sorted(folder.glob(f"sub-{label}/**/*_predictions.tsv")):
            with path.open(encoding="utf-8", newline="") as file:
                for row in csv.DictReader(file, delimiter="\t"):
                    if row["predicted_age"] != "n/a":
                        ages[path.name, row["model"]] = float(row["predicted_age"])
    return ages


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]), sys.argv[4:]))
