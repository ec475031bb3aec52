"""Connectivity extraction of one run, beside plain nilearn and giga_connectome's calls of nilearn.

Usage: python -m benchmarks.connectivity [BOLD.nii.gz …] [--atlas LABELS.nii.gz]
           [--denoising PRESET …] [--threads N …] [--repeat N]

Without a BOLD, the real run of the shared data is taken where it is there, and a generated one of
156 volumes at 3 mm. Mask and confounds are found beside the BOLD by their fMRIPrep names. Each
measurement is a process of its own, the ways take turns, and all begin with the packed file. Each
process does the run twice: as the first, with everything that is done once, and as a further one.

All ways read the same label file and mask; without ``--atlas`` it holds the packaged atlas, which
is also built of its maps, as the App does. The confounds, CompCor included, are made ready for the
others, while ours reads the table and computes what it lacks. giga_connectome cleans every voxel,
lays the cleaned series out as an image and takes its regions; its smoothing is left out and the
brain mask stands for its grey matter mask, so that all give the same numbers.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.generated_run import write_generated_run
from benchmarks.measure import ROOT, in_turns, peak_mb

SHARED = ROOT.parent / "shared"
REAL = SHARED / "bids" / "studyforrest"
LABELS = SHARED / "atlases" / "tpl-MNI152NLin2009cAsym_res-02_atlas-Schaefer100x7TianS1_dseg.nii.gz"
COLUMNS = {
    "seconds": "s, first",
    "cpu": "CPU s",
    "further": "s, further",
    "further_cpu": "CPU s",
    "import": "s, imports",
    "peak_mb": "peak MB",
}


def main(argv: list[str] | None = None) -> int:
    """Measure every way on every run and print tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bold", nargs="*", type=Path, help="preprocessed BOLD in MNI space")
    parser.add_argument("--atlas", type=Path, help="label file; default: the packaged atlas")
    parser.add_argument("--denoising", nargs="+", default=["24P", "compcor"])
    parser.add_argument("--threads", nargs="+", type=int, default=[2])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--child", choices=(*WAYS, "generate", "prepare"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.child == "generate":
        print(json.dumps({"bold": str(write_generated_run(options.folder))}))
        return 0
    if options.child == "prepare":
        prepare(options.bold[0], options.folder, options.denoising[0], options.atlas)
        return 0
    if options.child:
        measure_here(options)
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        runs = [(bold, options.atlas) for bold in options.bold]
        if not runs:
            runs += [(bold, LABELS) for bold in REAL.rglob("*_desc-preproc_bold.nii.gz")]
            if not runs:
                print(f"no real run: nothing below {REAL}")
            runs.append((generate(Path(temporary)), None))
        for bold, atlas in runs:
            for denoising in options.denoising:
                compare(bold, atlas, denoising, options.threads, options.repeat)
    return 0


def generate(folder: Path) -> Path:
    """Write the generated run in another process: this one's memory counts for its children."""
    command = [sys.executable, "-m", "benchmarks.connectivity", "--child", "generate"]
    command += ["--folder", str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT)
    return Path(json.loads(done.stdout)["bold"])


def compare(
    bold: Path, atlas: Path | None, denoising: str, threads: Sequence[int], repeat: int
) -> None:
    """Print the medians of all ways, their ratios to ours and the largest differences of r."""
    with tempfile.TemporaryDirectory() as temporary:
        call = ["-m", "benchmarks.connectivity", str(bold.resolve()), "--denoising", denoising]
        call += ["--folder", temporary, *(["--atlas", str(atlas.resolve())] if atlas else [])]
        in_turns({"prepare": [*call, "--child", "prepare"]}, 1, 1)
        ways = {way: [*call, "--child", way] for way in WAYS if way != BUILT or atlas is None}
        for number in threads:
            found = in_turns(ways, repeat, number)
            print(f"{bold.name}, {denoising}, threads: {number}, median of {repeat}")
            print(" " * 32 + "".join(f"{name:>12s}" for name in COLUMNS.values()))
            for way, row in found.items():
                print(f"  {way:30s}" + "".join(f"{row[key]:12.2f}" for key in COLUMNS))
            for way in (way for way in found if way != OURS):
                ratios = (found[way][key] / found[OURS][key] for key in COLUMNS)
                print(f"  {way + ' / ours':30s}" + "".join(f"{ratio:11.1f}x" for ratio in ratios))
                if found[way]["difference"] >= 0:
                    print(f"    largest difference of r: {found[way]['difference']:.0e}")
            sys.stdout.flush()


def measure_here(options: argparse.Namespace) -> None:
    """Do one way twice in this process and print its numbers."""
    warnings.simplefilter("ignore")
    import numpy as np

    begin = time.perf_counter(), time.process_time()
    work = WAYS[options.child](options.bold[0], options.folder, options.denoising[0], options.atlas)
    imported = time.perf_counter(), time.process_time()
    matrix = work()
    first = time.perf_counter(), time.process_time()
    peak = peak_mb()
    work()
    further = time.perf_counter(), time.process_time()
    expected = options.folder / "matrix.npy"
    if options.child == OURS:
        np.save(expected, matrix)
    if matrix is None:
        matrix = np.nan
    numbers = {
        "seconds": first[0] - imported[0],
        "cpu": first[1] - imported[1],
        "further": further[0] - first[0],
        "further_cpu": further[1] - first[1],
        "import": imported[0] - begin[0],
        "peak_mb": peak,
        "difference": float(np.nanmax(np.abs(matrix - np.load(expected)))),
    }
    print(json.dumps(numbers))


def find_run(bold: Path):
    """Mask and confounds beside a BOLD file, by fMRIPrep's names."""
    import nibabel as nib

    from bids_brainage.records.inputs import BoldRun

    mask = bold.with_name(bold.name.replace("desc-preproc_bold", "desc-brain_mask"))
    stem = re.sub(r"_space-.*", "", bold.name)
    tables = sorted(bold.parent.glob(f"{stem}_*desc-confounds_*.tsv"))
    space = re.search(r"_space-([A-Za-z0-9]+)", bold.name)
    return BoldRun(
        bold=bold,
        mask=mask if mask.is_file() else None,
        confounds=tables[0] if tables else None,
        repetition_time=float(nib.load(bold).header.get_zooms()[3]) or None,
        space=space.group(1) if space else "",
    )


def prepare(bold: Path, folder: Path, denoising: str, atlas: Path | None) -> None:
    """Labels and confounds for the other ways, made once and not measured."""
    import nibabel as nib
    import numpy as np

    from bids_brainage.preprocessing.atlas import load_atlas
    from bids_brainage.preprocessing.bold import open_bold, read_signals
    from bids_brainage.preprocessing.confounds import read_confounds
    from bids_brainage.preprocessing.denoising import load_preset
    from bids_brainage.preprocessing.design import confound_design, needs_tissues

    loaded = load_atlas(atlas) if atlas else load_atlas()
    nib.save(loaded.labels, folder / "labels.nii.gz")
    run = find_run(bold)
    image = open_bold(run)
    preset = load_preset(denoising)
    table = read_confounds(run.confounds, image.shape[3])
    signals = read_signals(run, image, loaded, needs_tissues(preset, table))
    steady = np.ones(image.shape[3], dtype=bool)
    design = confound_design(preset, table, signals, steady, run.repetition_time)
    np.save(folder / "confounds.npy", design.matrix(image.shape[3]))
    print("{}")


def ours(bold: Path, folder: Path, denoising: str, atlas: Path | None) -> Callable:
    """``extract_run`` and ``combine_runs`` on the label file, as the App does for each session."""
    return packaged(bold, folder, denoising, folder / "labels.nii.gz")


def packaged(bold: Path, folder: Path, denoising: str, atlas: Path | None) -> Callable:
    """The same, with the packaged atlas built of its maps if there is no file."""
    from bids_brainage.features.connectivity import combine_runs, extract_run
    from bids_brainage.preprocessing.atlas import load_atlas
    from bids_brainage.preprocessing.denoising import load_preset

    def work():
        loaded = load_atlas(atlas) if atlas else load_atlas()
        return combine_runs([extract_run(find_run(bold), loaded, load_preset(denoising))]).matrix

    return work


def plain(bold: Path, folder: Path, denoising: str, atlas: Path | None) -> Callable:
    """nilearn as its users write it."""
    import numpy as np
    from nilearn.maskers import NiftiLabelsMasker

    measure = correlation()

    def work():
        confounds = np.load(folder / "confounds.npy")
        masker = NiftiLabelsMasker(
            labels_img=str(folder / "labels.nii.gz"),
            mask_img=str(find_run(bold).mask),
            standardize="zscore_sample",
            reports=False,
        )
        return measure.fit_transform([masker.fit_transform(str(bold), confounds=confounds)])[0]

    return work


def giga(bold: Path, folder: Path, denoising: str, atlas: Path | None) -> Callable:
    """The calls of giga_connectome 0.6: labels to the mask's grid, voxels cleaned, then regions."""
    import numpy as np
    from nilearn.image import resample_to_img
    from nilearn.maskers import NiftiLabelsMasker, NiftiMasker

    measure = correlation()

    def work():
        mask = str(find_run(bold).mask)
        confounds = np.load(folder / "confounds.npy")
        labels = folder / "resampled.nii.gz"
        resample_to_img(
            str(folder / "labels.nii.gz"), mask, interpolation="nearest",
            force_resample=True, copy_header=True,
        ).to_filename(labels)  # fmt: skip
        voxels = NiftiMasker(mask_img=mask, standardize=None, reports=False)
        series = voxels.fit_transform(str(bold), confounds=confounds)
        cleaned = voxels.inverse_transform(series)
        regions = NiftiLabelsMasker(labels_img=str(labels), standardize=None)
        return measure.fit_transform([regions.fit_transform(cleaned)])[0]

    return work


def reading(bold: Path, folder: Path, denoising: str, atlas: Path | None) -> Callable:
    """What no way can do without: unpack the volumes and look at none of them."""
    from bids_brainage.preprocessing.bold import open_bold
    from bids_brainage.preprocessing.stored_volumes import stored_volumes

    def work():
        for _ in stored_volumes(open_bold(find_run(bold))):
            pass

    return work


def correlation():
    """Pearson correlation of both other ways."""
    from nilearn.connectome import ConnectivityMeasure
    from sklearn.covariance import EmpiricalCovariance

    return ConnectivityMeasure(
        cov_estimator=EmpiricalCovariance(store_precision=False),
        kind="correlation",
        standardize="zscore_sample",
    )


OURS = "bids_brainage"
BUILT = "bids_brainage, atlas built"
WAYS = {
    OURS: ours,
    BUILT: packaged,
    "its reading alone": reading,
    "nilearn": plain,
    "giga_connectome's way": giga,
}

if __name__ == "__main__":
    sys.exit(main())
