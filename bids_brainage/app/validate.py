"""The BIDS validator, run on request."""

import json
import logging
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from bids_brainage.errors import DatasetError, MissingInputError

logger = logging.getLogger(__name__)
PROGRAM = "bids-validator-deno"


def validate_dataset(bids_dir: Path) -> None:
    """Log the validator's findings; errors stop the run.

    Raises
    ------
    MissingInputError
        If the validator is not installed.
    DatasetError
        If the dataset is not valid BIDS.
    """
    program = shutil.which(PROGRAM, path=str(Path(sys.executable).parent)) or shutil.which(PROGRAM)
    if program is None:
        raise MissingInputError(
            f"--validate needs {PROGRAM}", hint="pip install bids_brainage[validate]"
        )
    done = subprocess.run(
        [program, "--format", "json", "--ignoreNiftiHeaders", str(bids_dir)],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        issues: list[dict[str, Any]] = json.loads(done.stdout)["issues"]["issues"]
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            f"the BIDS validator gave no result: {done.stderr.strip()[-300:]}",
            place=bids_dir,
            hint="run without --validate",
        ) from error
    for (severity, code), places in _by_code(issues).items():
        logger.warning("BIDS %s %s in %d places, first %s", severity, code, len(places), places[0])
    errors = sorted({issue["code"] for issue in issues if issue.get("severity") == "error"})
    if errors:
        raise DatasetError(
            f"the dataset is not valid BIDS: {', '.join(errors)}",
            place=bids_dir,
            hint="mend it, or run without --validate",
        )


def _by_code(issues: list[dict[str, Any]]) -> dict[tuple[str, str], list[str]]:
    grouped: dict[tuple[str, str], list[str]] = {}
    for issue in issues:
        code = (str(issue.get("severity")), str(issue.get("code")))
        grouped.setdefault(code, []).append(str(issue.get("location", "/")))
    return grouped
