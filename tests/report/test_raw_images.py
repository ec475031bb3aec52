import json
from urllib.parse import unquote

import nibabel as nib
import numpy as np
import pytest

from bids_brainage.bids import outputs
from bids_brainage.records.session import SessionKey
from bids_brainage.report.mosaic import Contour, Row, brain_box, mosaic
from bids_brainage.report.participant import write_participant_report
from bids_brainage.report.reading_images import Volume, load_series, load_volume
from bids_brainage.report.volumes_panel import readable
from tests.report.page import Page
from tests.report.raw_outputs import NATIVE, RUN, STANDARD, ball, tissues, write_anatomy, write_run

SECTIONS = [
    "answer", "t1w", "standard", "coregistration", "motion", "connectome", "morphometry",
    "quality", "inputs", "methods",
]  # fmt: skip
PICTURES = [
    "desc-tissues_T1w.png",
    "space-MNI152NLin6Asym_desc-registration_T1w.png",
    f"{RUN}_desc-coregistration_bold.png",
    f"{RUN}_desc-motion_bold.svg",
    "desc-volumes_morph.svg",
]


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """Page of a session that has only what raw images gave."""
    root, key = tmp_path_factory.mktemp("raw"), SessionKey("01")
    write_anatomy(root, key)
    write_run(root, key)
    return write_participant_report(root, "01")


def test_steps_stand_in_the_order_of_the_work(raw):
    assert Page(raw).all("section", "id") == SECTIONS


def test_every_step_has_its_picture(raw):
    sources = [unquote(source) for source in Page(raw).all("img", "src")]
    assert sources == [f"sub-01/figures/sub-01_{name}" for name in PICTURES]
    assert all((raw.parent / source).stat().st_size < 400_000 for source in sources)
    assert all(len(text) > 40 for text in Page(raw).all("img", "alt"))


def test_pictures_are_the_same_bytes_when_made_again(raw):
    figures = sorted((raw.parent / "sub-01" / "figures").iterdir())
    before = [path.read_bytes() for path in (raw, *figures)]
    write_participant_report(raw.parent, "01")
    assert [path.read_bytes() for path in (raw, *figures)] == before


def test_captions_say_what_to_look_for_and_numbers(raw):
    text = Page(raw).text
    assert "The orange line must hold the whole brain" in text
    assert "24 volumes: mean framewise displacement (FD) 0.12 mm, 4 % above 0.5 mm" in text


def test_volumes_are_listed_left_and_right(raw):
    text = Page(raw).text
    assert "Hippocampus 4.10 3.90 +5 %" in text
    assert "Frontal GM 99.00 n/a n/a" in text
    assert "Grey matter 700 47 %" in text
    assert "Brain stem 20.00" in text


def test_methods_name_only_steps_that_ran(raw, tree, key):
    text = Page(raw).text
    for words in (
        "A residual U-Net (resunet 0.1.0)",
        "N4 inside the brain mask",
        "Slices were brought to one moment",
        "The first 3 volumes were not steady",
        "Geometric distortion was not corrected",
        "regions of AAL",
        "MRIQC",
    ):
        assert words in text
    tree.full(key)
    other = Page(write_participant_report(tree.root, "01")).text
    assert not {"Raw T1w", "Raw BOLD", "MRIQC"} & set(other.split(". "))


def test_answer_says_that_bold_was_preprocessed_here(tree, key):
    tree.full(key)
    write_run(tree.root, key)
    text = Page(write_participant_report(tree.root, "01")).text
    assert "functional connectivity (BOLD), 1 run preprocessed here" in text


def test_damaged_images_cost_their_figure_only(tree, key):
    tree.full(key)
    write_anatomy(tree.root, key)
    write_run(tree.root, key)
    anat, func = tree.root / "sub-01" / "anat", tree.root / "sub-01" / "func"
    whole = (anat / "sub-01_desc-preproc_T1w.nii.gz").read_bytes()
    (anat / "sub-01_desc-preproc_T1w.nii.gz").write_bytes(whole[: len(whole) // 2])
    (anat / "sub-01_space-MNI152NLin6Asym_res-2_desc-preproc_T1w.nii.gz").write_bytes(b"")
    (anat / "sub-01_dseg.json").write_text("[", encoding="utf-8")
    (func / f"sub-01_{RUN}_desc-confounds_timeseries.tsv").write_text("", encoding="utf-8")
    page = Page(write_participant_report(tree.root, "01"))
    kinds = [source.split("_desc-")[1] for source in page.all("img", "src")]
    assert kinds == [
        "coregistration_bold.png",
        "carpet_timeseries.svg",
        "connectome_relmat.svg",
        "volumes_morph.svg",
        "morphometry_morph.svg",
    ]
    assert page.text.count("No figure of") == 3
    assert "sub-01_desc-preproc_T1w.nii.gz" in page.text
    assert str(tree.root) not in page.text


def test_empty_mask_is_named(tree, key):
    write_anatomy(tree.root, key)
    path = tree.root / "sub-01" / "anat" / "sub-01_desc-brain_mask.nii.gz"
    nib.save(nib.Nifti1Image(np.zeros((40, 48, 42), dtype=np.uint8), NATIVE), path)
    assert "the brain mask is empty" in Page(write_participant_report(tree.root, "01")).text


def test_missing_images_give_no_figure_and_no_error(tree, key):
    write_anatomy(tree.root, key)
    write_run(tree.root, key)
    for path in [*tree.root.rglob("*_mask.nii.gz"), *tree.root.rglob("*_dseg.nii.gz")]:
        path.unlink()
    page = Page(write_participant_report(tree.root, "01"))
    assert "t1w" not in page.all("section", "id")
    assert "No figure of" not in page.text
    assert f"sub-01/figures/sub-01_{RUN}_desc-motion_bold.svg" in page.all("img", "src")


def test_session_without_raw_images_stands_beside_one_with(tree):
    write_anatomy(tree.root, SessionKey("01", "a"))
    tree.full(SessionKey("01", "b"))
    text = Page(write_participant_report(tree.root, "01")).text
    assert "Missing: there is no preprocessed T1w for ses-b." in text
    assert "Missing: there is no connectivity matrix for ses-a." in text


def test_pictures_without_their_source_are_removed(tree, key):
    write_anatomy(tree.root, key)
    write_run(tree.root, key)
    page = write_participant_report(tree.root, "01")
    for path in (tree.root / "sub-01").glob("*/*.*"):
        if path.parent.name != "figures":
            path.unlink()
    tree.log(key)
    write_participant_report(tree.root, "01")
    assert not list((page.parent / "sub-01" / "figures").iterdir())


def test_model_without_sex_and_model_without_age(tree, key, prediction):
    none = dict.fromkeys(("probability_female", "predicted_sex"))
    gaps = dict.fromkeys(("predicted_age", "brain_age_gap", "brain_age_gap_corrected"))
    rows = [
        prediction(key, model="mavae", status="failed", status_reason="no input", **gaps, **none),
        prediction(key, model="volumes", modalities="volumes", predicted_age=38.24, **none),
        prediction(key, model="v2", modalities="volumes", status_reason="too weak", **gaps, **none),
    ]
    tree.predictions(key, *rows)
    sidecar = outputs.predictions_file(tree.root, key).with_suffix(".json")
    models = {"Models": {"volumes": {"Status": "experimental"}}}
    sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | models))
    text = Page(write_participant_report(tree.root, "01")).text
    assert "This model made no prediction: no input" in text
    assert "Experimental model" in text
    assert "38.2 years" in text
    assert "not told by this model" in text
    assert "volumes of tissues and regions (raw T1w)" in text
    assert "The model gave no age for this session: too weak" in text
    assert "nan" not in text.lower().split()


def test_hostile_names_stay_text(tree):
    key = SessionKey("01")
    write_anatomy(tree.root, key)
    path = outputs.session_file(tree.root, key, "desc-volumes_morph.tsv", "anat")
    hostile = "<script>alert(1)</script>"
    rows = [{"measure": name, "value": 1000.0, "unit": "mm3"} for name in (hostile, "Left-$x$")]
    outputs.write_tsv(path, rows, ["measure", "value", "unit"])
    page = Page(write_participant_report(tree.root, "01"))
    assert "script" not in {tag for tag, _ in page.tags}
    figure = next(tree.root.rglob("*_desc-volumes_*.svg"))
    assert "<script" not in figure.read_text(encoding="utf-8")


def test_mosaic_is_a_small_picture_with_its_contours():
    label = Volume(tissues((40, 48, 42), NATIVE), NATIVE)
    box = brain_box(label)
    row = Row(label, "z", box.places("z", 5))
    plain = mosaic([row], box)
    outlined = Row(label, "z", box.places("z", 5), (Contour(label.equals(2), "#ff0000", "white"),))
    drawn = mosaic([outlined], box)
    assert plain.startswith(b"\x89PNG") and drawn.startswith(b"\x89PNG")
    assert drawn != plain
    assert brain_box(Volume(np.zeros((3, 3, 3)), np.eye(4))) is None


def test_volume_is_sampled_in_world_places(tmp_path):
    data = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
    affine = np.diag([-2.0, 2, 2, 1])
    nib.save(nib.Nifti1Image(data, affine), tmp_path / "x.nii.gz")
    volume = load_volume(tmp_path / "x.nii.gz")
    points = nib.affines.apply_affine(affine, [[0, 1, 2], [2, 3, 4], [40, 40, 40]])
    assert volume.sample(points).tolist() == [7.0, 59.0, 0.0]
    assert np.all(np.diag(volume.affine) > 0)


def test_series_are_read_in_parts(tmp_path):
    data = np.random.default_rng(0).normal(size=(4, 4, 4, 120)).astype(np.float32)
    nib.save(nib.Nifti1Image(data, np.eye(4)), tmp_path / "x.nii.gz")
    voxels = np.array([[0, 1, 2], [3, 3, 3]])
    assert np.array_equal(load_series(tmp_path / "x.nii.gz", voxels), data[(*voxels.T,)])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("CerebellumGM", "Cerebellum GM"),
        ("LateralVentricle", "Lateral ventricle"),
        ("VentralDC", "Ventral DC"),
        ("ExternalCSF", "External CSF"),
        ("Frontal_Pole", "Frontal pole"),
        ("", ""),
    ],
)
def test_region_names_become_words(name, words):
    assert readable(name) == words


def test_ball_lies_in_both_grids():
    assert ball((40, 48, 42), NATIVE, 60).any() and ball((31, 37, 31), STANDARD, 60).any()
