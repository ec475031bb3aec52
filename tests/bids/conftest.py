"""Small BIDS trees, and the published examples, for the tests of the room."""

import json
import tarfile
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

STATS = ("aseg.stats", "lh.aparc.a2009s.stats", "rh.aparc.a2009s.stats")


class Tree:
    """Writes files below a dataset root; images are tiny but real."""

    def __init__(self, root: Path, image: bytes) -> None:
        self.root = root
        self._image = image

    def put(self, name: str, content: str | bytes | dict | None = None) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            content = self._image if name.endswith(".nii.gz") else "x\n"
        if isinstance(content, dict):
            content = json.dumps(content)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def describe(self, folder: str = "", **content: object) -> None:
        self.put(
            f"{folder}dataset_description.json", {"Name": "t", "BIDSVersion": "1.10.0", **content}
        )

    def raw(self, stem: str, *names: str) -> None:
        for name in names:
            kind = "anat" if "T1w" in name else "func"
            self.put(f"{stem.replace('_', '/')}/{kind}/{stem}_{name}")

    def fmriprep(self, stem: str, *names: str, root: str = "derivatives/fmriprep") -> None:
        for name in names:
            self.put(f"{root}/{stem.replace('_', '/')}/func/{stem}_{name}")

    def recon(self, name: str, home: str = "derivatives/freesurfer") -> None:
        for stats in STATS:
            self.put(f"{home}/{name}/stats/{stats}")


@pytest.fixture(scope="session")
def tiny_image(tmp_path_factory) -> bytes:
    image = nib.Nifti1Image(np.zeros((3, 3, 3, 4), dtype=np.int16), np.eye(4))
    image.header.set_xyzt_units("mm", "sec")
    image.header["pixdim"][4] = 2.0
    path = tmp_path_factory.mktemp("image") / "tiny.nii.gz"
    nib.save(image, path)
    return path.read_bytes()


@pytest.fixture
def tree(tmp_path, tiny_image) -> Tree:
    made = Tree(tmp_path / "ds", tiny_image)
    made.describe()
    return made


@pytest.fixture(scope="session")
def bids_examples(shared, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("examples")
    with tarfile.open(shared / "bids" / "bids-examples.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return folder
