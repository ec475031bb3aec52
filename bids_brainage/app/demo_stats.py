"""FreeSurfer ``stats`` files written from a table of measures, for synthetic datasets."""

import math
from collections.abc import Mapping
from pathlib import Path

_ASEG_IDS = {
    "Left-Lateral-Ventricle": 4, "Left-Inf-Lat-Vent": 5, "Left-Cerebellum-White-Matter": 7,
    "Left-Cerebellum-Cortex": 8, "Left-Thalamus-Proper": 10, "Left-Caudate": 11,
    "Left-Putamen": 12, "Left-Pallidum": 13, "3rd-Ventricle": 14, "4th-Ventricle": 15,
    "Brain-Stem": 16, "Left-Hippocampus": 17, "Left-Amygdala": 18, "CSF": 24,
    "Left-Accumbens-area": 26, "Left-VentralDC": 28, "Left-choroid-plexus": 31,
    "Right-Lateral-Ventricle": 43, "Right-Inf-Lat-Vent": 44, "Right-Cerebellum-White-Matter": 46,
    "Right-Cerebellum-Cortex": 47, "Right-Thalamus-Proper": 49, "Right-Caudate": 50,
    "Right-Putamen": 51, "Right-Pallidum": 52, "Right-Hippocampus": 53, "Right-Amygdala": 54,
    "Right-Accumbens-area": 58, "Right-VentralDC": 60, "Right-choroid-plexus": 63,
    "WM-hypointensities": 77, "Optic-Chiasm": 85, "CC_Posterior": 251, "CC_Mid_Posterior": 252,
    "CC_Central": 253, "CC_Mid_Anterior": 254, "CC_Anterior": 255,
}  # fmt: skip
_REVISIONS = {"5": "1.75.2.9 2013/02/16 00:09:33", "6": "1.121 2016/05/31 17:27:11"}
_APARC = "StructName NumVert SurfArea GrayVol ThickAvg ThickStd MeanCurv GausCurv FoldInd CurvInd"
_ASEG = "Index SegId NVoxels Volume_mm3 StructName normMean normStdDev normMin normMax normRange"


def write_stats(folder: Path, values: Mapping[str, float], version: str = "7.4.1") -> Path:
    """Write ``aseg.stats`` and both ``aparc.a2009s.stats`` below ``folder/stats``.

    Parameters
    ----------
    folder
        Subject folder; made if absent.
    values
        Measures by their training-table names; NaN and absent ones are not written.
    version
        FreeSurfer version whose spellings and header are used (5.3.0, 6.0.0, 7.4.1, 8.0.0 …).
    """
    stats = folder / "stats"
    stats.mkdir(parents=True, exist_ok=True)
    known = {name: float(v) for name, v in values.items() if v is not None and not math.isnan(v)}
    (stats / "aseg.stats").write_text(_aseg(known, version), encoding="utf-8")
    for hemisphere in ("lh", "rh"):
        path = stats / f"{hemisphere}.aparc.a2009s.stats"
        path.write_text(_aparc(known, hemisphere, version), encoding="utf-8")
    return folder


def _program(version: str) -> str:
    revision = _REVISIONS.get(version[0])
    return f"$Id: mri_segstats.c,v {revision} greve Exp $" if revision else version


def _aseg(values: Mapping[str, float], version: str) -> str:
    lines = [
        "# Title Segmentation Statistics ",
        "# ",
        "# generating_program mri_segstats",
        f"# cvs_version {_program(version)}",
        "# anatomy_type volume",
    ]
    for name, value in values.items():
        if name in _ASEG_IDS or name.endswith("_thickness"):
            continue
        unit = "unitless" if "SurfaceHoles" in name else "mm^3"
        short, spelled = name.removesuffix("Vol"), name
        if name == "EstimatedTotalIntraCranialVol":
            short, spelled = name, "eTIV"
        if version.startswith("5"):
            spelled = spelled.replace("CerebralWhiteMatter", "CorticalWhiteMatter")
        lines.append(f"# Measure {short}, {spelled}, Words, and more words, {value!r}, {unit}")
    lines += ["# TableCol  4 ColHeader Volume_mm3", "# TableCol  4 Units     mm^3"]
    lines += [f"# NTableCols {len(_ASEG.split())}", f"# ColHeaders  {_ASEG}  "]
    rows = [(name, number) for name, number in _ASEG_IDS.items() if name in values]
    for index, (name, number) in enumerate(rows, 1):
        spelled = name if version[0] in "56" else name.replace("Thalamus-Proper", "Thalamus")
        value = values[name]
        lines.append(
            f"{index:3d} {number:3d} {round(value):9d} {value!r:>10}  {spelled:30s}"
            "  80.0 8.0 20.0 110.0 90.0"
        )
    return "\n".join(lines) + "\n"


def _aparc(values: Mapping[str, float], hemisphere: str, version: str) -> str:
    lines = [
        "# Table of FreeSurfer cortical parcellation anatomical statistics ",
        "# generating_program mris_anatomical_stats",
        f"# cvs_version {version if version[0] not in '56' else '$Id: mris_anatomical_stats.c $'}",
        f"# hemi {hemisphere}",
        "# Measure Cortex, NumVert, Number of Vertices, 120000, unitless",
    ]
    mean = values.get(f"{hemisphere}_MeanThickness_thickness")
    if mean is not None:
        lines.append(f"# Measure Cortex, MeanThickness, Mean Thickness, {mean!r}, mm")
    lines += ["# TableCol  5 ColHeader ThickAvg ", "# TableCol  5 Units     mm"]
    lines += [f"# NTableCols {len(_APARC.split())}", f"# ColHeaders {_APARC}"]
    for name, value in values.items():
        if not name.startswith(f"{hemisphere}_") or "MeanThickness" in name:
            continue
        structure = name.removeprefix(f"{hemisphere}_").removesuffix("_thickness")
        spelled = structure.replace("&", "_and_")
        lines.append(f"{spelled:40s} 1000 700 2000 {value!r} 0.500 0.130 0.030 13 1.1")
    return "\n".join(lines) + "\n"
