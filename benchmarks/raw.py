"""Seconds and peak memory of the raw path, step by step, beside antspyx and nilearn used directly.

Usage: python -m benchmarks.raw [--t1w T1w.nii.gz --bold BOLD.nii.gz] [--only ours|direct]

Each way is a process of its own with the same number of threads. The direct way is what a user
of the two libraries writes with their default settings: N4, template-based brain extraction (SyN),
Atropos with three classes, SyN of the brain to MNI152, motion correction, rigid registration to
the T1w, one resampling to MNI152, EPI mask and CompCor. It gives no regions and no slice timing.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SUBJECT = ROOT.parent / "shared" / "bids" / "studyforrest" / "sub-02"


def main(argv: list[str] | None = None) -> int:
    """Measure both ways and print seconds per step, their sums and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--t1w", type=Path, default=SUBJECT / "anat" / "sub-02_T1w.nii.gz")
    bold = SUBJECT / "func" / "sub-02_task-oneback_run-1_bold.nii.gz"
    parser.add_argument("--bold", type=Path, default=bold)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", choices=("ours", "direct"))
    parser.add_argument("--child", choices=("ours", "direct"), help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if not (options.t1w.is_file() and options.bold.is_file()):
        print(f"no images at {options.t1w} and {options.bold}; give their paths", file=sys.stderr)
        return 66
    if options.child:
        warnings.simplefilter("ignore")
        steps = {"ours": ours, "direct": direct}[options.child](options)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"steps": steps, "peak_mb": peak}))
        return 0
    results = {
        way: start(way, options) for way in ("ours", "direct") if options.only in (None, way)
    }
    for way, result in results.items():
        for step, seconds in result["steps"]:
            print(f"{way}\t{step}\t{seconds:.1f} s")
        for part in ("T1w", "BOLD"):
            print(f"{way}\t{part} in all\t{total(result, part):.1f} s")
        print(f"{way}\tpeak memory\t{result['peak_mb']:.0f} MB")
    if len(results) == 2:
        for part in ("T1w", "BOLD"):
            ratio = total(results["direct"], part) / total(results["ours"], part)
            print(f"# {part}: the direct way takes {ratio:.1f} times as long")
        ratio = results["direct"]["peak_mb"] / results["ours"]["peak_mb"]
        print(f"# peak memory: the direct way takes {ratio:.1f} times as much")
    return 0


def total(result: dict[str, Any], part: str) -> float:
    """Seconds of all steps of one part."""
    return sum(seconds for step, seconds in result["steps"] if step.startswith(part))


def start(way: str, options: argparse.Namespace) -> dict[str, Any]:
    """Run one way in a fresh process and a fresh work folder."""
    command = [sys.executable, "-m", "benchmarks.raw", "--child", way]
    command += ["--t1w", str(options.t1w.resolve()), "--bold", str(options.bold.resolve())]
    command += ["--threads", str(options.threads)]
    threads = str(options.threads)
    names = ("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    environment = os.environ | dict.fromkeys(names, threads)
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    )
    return json.loads(done.stdout.splitlines()[-1])


class Clock:
    """Seconds between the names of steps."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, float]] = []
        self._begin = time.perf_counter()

    def lap(self, step: str) -> None:
        """End a step."""
        now = time.perf_counter()
        self.steps.append((step, now - self._begin))
        self._begin = now

    def follow(self, part: str) -> Callable[[str], None]:
        """Give a progress callback: each message ends the step before it."""
        before = ["start"]

        def progress(text: str) -> None:
            self.lap(f"{part}: {before[0]}")
            before[0] = text

        return progress


def ours(options: argparse.Namespace) -> list[tuple[str, float]]:
    """The paths of the App on one session, nothing cached."""
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        from bids_brainage.features.tissue_volumes import tissue_volumes
        from bids_brainage.preprocessing.anatomical.outputs import write_anatomical
        from bids_brainage.preprocessing.anatomical.pipeline import preprocess_t1w
        from bids_brainage.preprocessing.functional.outputs import write_functional
        from bids_brainage.preprocessing.functional.pipeline import preprocess_bold
        from bids_brainage.preprocessing.segmentation import segment
        from bids_brainage.preprocessing.step_cache import StepCache
        from bids_brainage.records.raw import RawBold, RawT1w

        progress = clock.follow("T1w")
        anatomy = preprocess_t1w(
            RawT1w(options.t1w),
            StepCache(None),
            segmenter=segment,
            threads=options.threads,
            progress=progress,
        )
        progress("volumes and writing")
        tissue_volumes(anatomy.segmentation)
        write_anatomical(anatomy, Path(folder), "sub-x", [])
        progress("end")
        metadata = json.loads(sidecar(options.bold).read_text()) if sidecar(options.bold) else {}
        seconds = metadata.get("RepetitionTime")
        run = RawBold(options.bold, (("sub", "x"), ("task", "rest")), metadata, seconds)
        progress = clock.follow("BOLD")
        result = preprocess_bold(
            run, anatomy, StepCache(None), threads=options.threads, progress=progress
        )
        progress("writing")
        write_functional(result, Path(folder), "sub-x_task-rest", [])
        progress("end")
    return clock.steps


def sidecar(image: Path) -> Path | None:
    """JSON beside an image, if there is one."""
    path = image.with_name(image.name.split(".")[0] + ".json")
    return path if path.is_file() else None


def direct(options: argparse.Namespace) -> list[tuple[str, float]]:
    """antspyx and nilearn with their default settings."""
    import ants
    from nilearn.datasets import load_mni152_brain_mask, load_mni152_template
    from nilearn.image import high_variance_confounds
    from nilearn.masking import compute_epi_mask

    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        load_mni152_template(resolution=2).to_filename(place / "template.nii.gz")
        load_mni152_brain_mask(resolution=2).to_filename(place / "mask.nii.gz")
        template = ants.image_read(str(place / "template.nii.gz"))
        template_mask = ants.image_read(str(place / "mask.nii.gz"))
        clock.lap("T1w: start")
        t1w = ants.n4_bias_field_correction(ants.image_read(str(options.t1w)))
        clock.lap("T1w: bias correction (n4_bias_field_correction)")
        to_head = ants.registration(t1w, template, "SyN")
        mask = ants.apply_transforms(
            t1w, template_mask, to_head["fwdtransforms"], "nearestNeighbor"
        )
        brain = t1w * mask
        clock.lap("T1w: brain extraction (SyN of the template)")
        ants.atropos(t1w, mask, i="kmeans[3]", m="[0.2,1x1x1]", c="[5,0]")
        clock.lap("T1w: tissues (atropos)")
        to_mni = ants.registration(template, brain, "SyN")
        clock.lap("T1w: registration to MNI152 (SyN)")
        bold = ants.image_read(str(options.bold))
        moved = ants.motion_correction(bold)["motion_corrected"]
        clock.lap("BOLD: motion correction (motion_correction)")
        mean = ants.get_average_of_timeseries(moved)
        to_t1w = ants.registration(brain, mean, "Rigid")
        clock.lap("BOLD: registration to the T1w (Rigid)")
        zooms = bold.spacing[0]
        grid = ants.resample_image(template, (zooms,) * 3)
        transforms = [*to_mni["fwdtransforms"], *to_t1w["fwdtransforms"]]
        standard = ants.apply_transforms(grid, moved, transforms, imagetype=3)
        clock.lap("BOLD: resampling to MNI152 (apply_transforms)")
        ants.image_write(standard, str(place / "bold.nii.gz"))
        mask_image = compute_epi_mask(str(place / "bold.nii.gz"))
        high_variance_confounds(str(place / "bold.nii.gz"), mask_img=mask_image)
        clock.lap("BOLD: writing, mask and CompCor (nilearn)")
    return clock.steps


if __name__ == "__main__":
    sys.exit(main())
