import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from bids_brainage import __version__

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "containers"
DOCKERFILE = (ROOT / "Dockerfile").read_text()
DEFINITION = (ROOT / "singularity").read_text()
SCRIPTS = sorted(FOLDER.glob("*.sh"))


def instructions(word):
    """Arguments of one instruction of the Dockerfile, continued lines joined."""
    joined = DOCKERFILE.replace("\\\n", " ")
    return re.findall(rf"^{word} +(.+)$", joined, flags=re.MULTILINE)


def section(name):
    return re.search(rf"^%{name}\n(.*?)(?=^%|\Z)", DEFINITION, flags=re.MULTILINE | re.DOTALL)[1]


def test_every_stage_stands_on_the_base_that_can_be_named():
    stages = instructions("FROM")
    assert len(stages) >= 3
    assert {stage.split()[0] for stage in stages} <= {"${BASE_IMAGE}", "install"}
    assert stages[-1] == "${BASE_IMAGE}"
    assert instructions("ARG")[0].startswith("BASE_IMAGE=docker.io/library/python:")


def test_package_is_installed_from_a_wheel():
    (build,) = (line for line in instructions("RUN") if "pip wheel" in line)
    assert "--no-deps" in build
    assert any("/wheels/*.whl" in line for line in instructions("RUN"))
    assert not re.search(r"pip install [^\n]*(-e |--editable)", DOCKERFILE)


def test_torch_for_cpus_is_the_default_and_can_be_changed():
    (index,) = (value for value in instructions("ARG") if value.startswith("TORCH_INDEX="))
    assert index.endswith("/cpu")


def test_image_has_a_plain_user_and_no_health_check():
    assert instructions("USER") == ["1000:1000"]
    assert not instructions("HEALTHCHECK")
    assert instructions("ENTRYPOINT") == ['["/usr/local/bin/bids_brainage"]']


def test_versions_are_those_of_the_package():
    assert f"VERSION={__version__}" in instructions("ARG")
    assert f"\nFrom: bids/bids_brainage:{__version__}\n" in DEFINITION
    assert re.search(r"Version (\S+)", section("labels"))[1] == __version__


def test_definition_has_its_sections():
    assert "\nBootstrap: docker\n" in DEFINITION
    assert set(re.findall(r"^%(\w+)", DEFINITION, flags=re.MULTILINE)) == {
        "environment", "help", "labels", "runscript", "test"
    }  # fmt: skip
    assert "--nv" in section("help")
    assert section("runscript").split() == ["exec", "/usr/local/bin/bids_brainage", '"$@"']


def test_image_and_definition_set_the_same_paths():
    environment = dict(re.findall(r"(\w+)=(\S+)", " ".join(instructions("ENV"))))
    for name in ("TEMPLATEFLOW_HOME", "TEMPLATEFLOW_AUTOUPDATE", "PYTHONNOUSERSITE"):
        assert f"export {name}={environment[name]}\n" in section("environment")


def test_context_holds_what_is_copied():
    allowed = re.findall(r"^!(\S+)", (ROOT / ".dockerignore").read_text(), flags=re.MULTILINE)
    wanted = {
        source
        for line in instructions("COPY")
        if not line.startswith("--from")
        for source in line.split()[:-1]
    }
    assert wanted <= {path.split("/")[0] for path in allowed}
    assert all((ROOT / path).exists() for path in allowed)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_script_parses(script):
    subprocess.run(["bash", "-n", script], check=True)


def test_scripts_please_shellcheck():
    if shutil.which("shellcheck") is None:
        pytest.skip("needs shellcheck")
    done = subprocess.run(
        ["shellcheck", "-x", "-P", ROOT, *SCRIPTS], capture_output=True, text=True, check=False
    )
    assert not done.stdout


@pytest.fixture(scope="module")
def templates():
    spec = importlib.util.spec_from_file_location("templates", FOLDER / "templates.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_pair(templates, home):
    for name in templates.PAIR:
        path = home / f"tpl-{templates.SPACE}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        nib.save(nib.Nifti1Image(np.ones(templates.SHAPE, np.uint8), np.eye(4)), path)
    return path


def test_given_templates_get_into_the_image_and_placeholders_do_not(templates, tmp_path, capsys):
    given, home = tmp_path / "given", tmp_path / "home"
    write_pair(templates, given)
    (given / "README.md").touch()
    empty = given / "tpl-Other" / "tpl-Other_res-01_T1w.nii.gz"
    empty.parent.mkdir()
    empty.touch()
    assert templates.main(given, home) == 0
    assert {path.name for path in home.rglob("*") if path.is_file()} == set(templates.PAIR)
    assert "2 images from" in capsys.readouterr().out


def test_a_truncated_template_ends_the_build(templates, tmp_path, capsys):
    path = write_pair(templates, tmp_path / "given")
    path.write_bytes(path.read_bytes()[:-20])
    assert templates.main(tmp_path / "given", tmp_path / "home") == 1
    assert path.name in capsys.readouterr().err


def test_without_templates_and_network_none_are_shipped(templates, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(templates, "FETCH", "raise OSError('no network')")
    (tmp_path / "given").mkdir()
    assert templates.main(tmp_path / "given", tmp_path / "home") == 0
    assert not list((tmp_path / "home").iterdir())
    assert "cannot be reached: OSError: no network" in capsys.readouterr().out


def test_fetched_templates_are_the_pair_only(templates, tmp_path, monkeypatch):
    def fetch(folder):
        path = write_pair(templates, folder)
        path.with_name("tpl-MNI152NLin6Asym_res-01_T1w.nii.gz").write_bytes(b"more")
        return True

    monkeypatch.setattr(templates, "fetch", fetch)
    (tmp_path / "given").mkdir()
    assert templates.main(tmp_path / "given", tmp_path / "home") == 0
    assert {path.name for path in (tmp_path / "home").rglob("*.gz")} == set(templates.PAIR)
