"""Make the shell script of a Nextflow task from the module, as Nextflow would."""

import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "integrations" / "nextflow"


def task_script(
    command: str, bids_dir: str, derivatives: str = "", args: str = "", cpus: int = 2
) -> str:
    """The module's script with its variables filled in; for inputs staged by the caller."""
    module = (FOLDER / "main.nf").read_text(encoding="utf-8")
    (script,) = re.findall(r'script:.*?"""\n(.*?)"""', module, re.DOTALL)
    values = {
        "bids_dir": bids_dir,
        "command": command,
        "prepared": f"--derivatives {derivatives}" if derivatives else "",
        "args": args,
        "task.cpus": str(cpus),
    }
    # A backslash keeps a dollar sign and another backslash for the shell.
    text = re.sub(r"(?<!\\)\$\{([\w.]+)\}", lambda found: values[found[1]], script)
    return re.sub(r"\\([\\$])", r"\1", text)
