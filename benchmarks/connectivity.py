"""Seconds and peak memory of connectivity extraction beside plain nilearn, on the same runs.

Usage: python benchmarks/connectivity.py [BOLD.nii.gz …] [--denoising PRESET] [--repeat N]

Each measurement is a process of its own. Mask and confounds are found beside the BOLD by their
fMRIPrep names. Plain nilearn gets the same labels, mask and confounds and does
``NiftiLabelsMasker.fit_transform`` and ``ConnectivityMeasure.fit_transform``.
"""

import argparse
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DEFAULT = ROOT.parent / "shared" / "bids" / "studyforrest"


def main() -> int:
    """Measure both ways on every run and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bold", nargs="*", type=Path, help="preprocessed BOLD in MNI space")
    parser.add_argument("--denoising", default="24P")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child = {"ours": ours, "nilearn": plain, "prepare": prepare}[options.child]
        print(json.dumps(child(options.bold[0], options.folder, options.denoising)))
        return 0
    runs = options.bold or sorted(DEFAULT.rglob("*_desc-preproc_bold.nii.gz"))
    if not runs:
        print(f"no BOLD below {DEFAULT}; give the path of one", file=sys.stderr)
        return 66
    print("run\tdenoising\tway\tseconds\tatlas_seconds\tpeak_MB\tvolumes")
    for bold in runs:
        compare(bold, options.denoising, options.repeat)
    return 0


def compare(bold: Path, denoising: str, repeat: int) -> None:
    """Print the medians of both ways, their ratios and the largest difference."""
    import numpy as np

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        start("prepare", bold, folder, denoising)
        medians = {}
        for way in ("ours", "nilearn"):
            results = [start(way, bold, folder, denoising) for _ in range(repeat)]
            median = {key: float(np.median([r[key] for r in results])) for key in results[0]}
            medians[way] = median
            print(
                f"{bold.name}\t{denoising}\t{way}\t{median['seconds']:.2f}\t"
                f"{median['atlas']:.2f}\t{median['peak_mb']:.0f}\t{median['volumes']:.0f}"
            )
        difference = np.abs(np.load(folder / "ours.npy") - np.load(folder / "nilearn.npy"))
    a, b = medians["ours"], medians["nilearn"]
    print(
        f"# ours / nilearn: time {a['seconds'] / b['seconds']:.2f} "
        f"(with the atlas {(a['seconds'] + a['atlas']) / b['seconds']:.2f}), "
        f"peak memory {a['peak_mb'] / b['peak_mb']:.2f}; "
        f"largest difference of r {np.nanmax(difference):.1e}"
    )


def start(way: str, bold: Path, folder: Path, denoising: str) -> dict:
    """Run one measurement in a fresh process."""
    command = [sys.executable, __file__, str(bold), "--denoising", denoising]
    command += ["--child", way, "--folder", str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    return json.loads(done.stdout.splitlines()[-1])


def find_run(bold: Path):
    """Mask and confounds beside a BOLD file, by fMRIPrep's names."""
    from bids_brainage.records.inputs import BoldRun

    mask = bold.with_name(bold.name.replace("desc-preproc_bold", "desc-brain_mask"))
    stem = re.sub(r"_space-.*", "", bold.name)
    tables = sorted(bold.parent.glob(f"{stem}_*desc-confounds_*.tsv"))
    space = re.search(r"_space-([A-Za-z0-9]+)", bold.name)
    import nibabel as nib

    return BoldRun(
        bold=bold,
        mask=mask if mask.is_file() else None,
        confounds=tables[0] if tables else None,
        repetition_time=float(nib.load(bold).header.get_zooms()[3]) or None,
        space=space.group(1) if space else "",
    )


def prepare(bold: Path, folder: Path, denoising: str) -> dict:
    """Labels and confounds for plain nilearn, made once and not timed."""
    import nibabel as nib
    import numpy as np

    from bids_brainage.preprocessing.atlas import load_atlas
    from bids_brainage.preprocessing.bold import open_bold, read_signals
    from bids_brainage.preprocessing.confounds import read_confounds
    from bids_brainage.preprocessing.denoising import load_preset
    from bids_brainage.preprocessing.design import confound_design, needs_tissues

    atlas = load_atlas()
    nib.save(atlas.labels, folder / "labels.nii.gz")
    run = find_run(bold)
    image = open_bold(run)
    preset = load_preset(denoising)
    table = read_confounds(run.confounds, image.shape[3])
    signals = read_signals(run, image, atlas, needs_tissues(preset, table))
    steady = np.ones(image.shape[3], dtype=bool)
    design = confound_design(preset, table, signals, steady, run.repetition_time)
    np.save(folder / "confounds.npy", design.matrix(image.shape[3]))
    return {}


def ours(bold: Path, folder: Path, denoising: str) -> dict:
    """``extract_run`` and ``combine_runs``."""
    import numpy as np

    from bids_brainage.features.connectivity import combine_runs, extract_run
    from bids_brainage.preprocessing.atlas import load_atlas
    from bids_brainage.preprocessing.denoising import load_preset

    begin = time.perf_counter()
    atlas = load_atlas()
    middle = time.perf_counter()
    series = extract_run(find_run(bold), atlas, load_preset(denoising))
    connectivity = combine_runs([series])
    end = time.perf_counter()
    np.save(folder / "ours.npy", connectivity.matrix)
    return report(end - middle, middle - begin, series.n_volumes)


def plain(bold: Path, folder: Path, denoising: str) -> dict:
    """nilearn as its users write it."""
    warnings.simplefilter("ignore")
    import numpy as np
    from nilearn.connectome import ConnectivityMeasure
    from nilearn.maskers import NiftiLabelsMasker
    from sklearn.covariance import EmpiricalCovariance

    run = find_run(bold)
    confounds = np.load(folder / "confounds.npy")
    begin = time.perf_counter()
    masker = NiftiLabelsMasker(
        labels_img=str(folder / "labels.nii.gz"),
        mask_img=str(run.mask) if run.mask else None,
        standardize="zscore_sample",
        reports=False,
    )
    series = masker.fit_transform(str(bold), confounds=confounds if confounds.size else None)
    measure = ConnectivityMeasure(
        cov_estimator=EmpiricalCovariance(store_precision=False),
        kind="correlation",
        standardize="zscore_sample",
    )
    matrix = measure.fit_transform([series])[0]
    end = time.perf_counter()
    np.save(folder / "nilearn.npy", matrix)
    return report(end - begin, 0.0, len(series))


def report(seconds: float, atlas: float, volumes: int) -> dict:
    """One measurement of this process."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "atlas": atlas, "peak_mb": peak, "volumes": volumes}


if __name__ == "__main__":
    sys.exit(main())
