"""Fill the image's TemplateFlow home: from a folder, else from TemplateFlow, else leave it empty.

Usage: ``templates.py GIVEN HOME``. TemplateFlow's skeleton has empty files in the place of images;
none of them gets into HOME. Without templates the App uses those of the packages it installs.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nibabel as nib
import numpy as np

SPACE = "MNI152NLin6Asym"
SHAPE = (91, 109, 91)
PAIR = (f"tpl-{SPACE}_res-02_T1w.nii.gz", f"tpl-{SPACE}_res-02_desc-brain_mask.nii.gz")
FETCH = (
    "from templateflow.api import get;"
    f"get('{SPACE}', resolution=2, desc=None, suffix='T1w', extension='.nii.gz');"
    f"get('{SPACE}', resolution=2, desc='brain', suffix='mask', extension='.nii.gz')"
)
PATIENCE = 300


def main(given: Path, home: Path) -> int:
    """Fill ``home``, say how, and return the exit code: 1 if an image is not whole."""
    home.mkdir(parents=True, exist_ok=True)
    copy_filled(sorted(given.glob("tpl-*/**/*")), given, home)
    pair = [home / f"tpl-{SPACE}" / name for name in PAIR]
    source = str(given)
    if not any(path.exists() for path in pair):
        with tempfile.TemporaryDirectory() as folder:
            if fetch(Path(folder)):
                source = "TemplateFlow"
                names = (*PAIR, "template_description.json")
                fetched = [Path(folder, f"tpl-{SPACE}", name) for name in names]
                copy_filled(fetched, Path(folder), home)
    images = sorted(home.rglob("*.nii.gz"))
    broken = [path.name for path in images if not whole(path)]
    if broken:
        sys.stderr.write(f"not whole: {', '.join(broken)}; put complete files in {given}\n")
        return 1
    found = f"{len(images)} images from {source}" if images else "none, the packages' own serve"
    sys.stdout.write(f"brain templates: {found}\n")
    return 0


def copy_filled(paths: list[Path], source: Path, home: Path) -> None:
    """Copy the files that hold something."""
    for path in paths:
        if path.is_file() and path.stat().st_size > 0:
            target = home / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)


def fetch(folder: Path) -> bool:
    """Fetch the pair; without network that fails, which is no error."""
    environment = os.environ | {"TEMPLATEFLOW_HOME": str(folder)}
    try:
        done = subprocess.run(
            [sys.executable, "-c", FETCH],
            env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        sys.stdout.write(f"TemplateFlow did not answer in {PATIENCE} s\n")
        return False
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        sys.stdout.write(f"TemplateFlow cannot be reached: {reason[0]}\n")
    return done.returncode == 0


def whole(path: Path) -> bool:
    """Whether an image can be read to its end, has values, and, of the pair, the size it must."""
    try:
        data = np.asarray(nib.load(path).dataobj)
    except (OSError, EOFError, ValueError, nib.filebasedimages.ImageFileError):
        return False
    return bool(data.any()) and (path.name not in PAIR or data.shape == SHAPE)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
