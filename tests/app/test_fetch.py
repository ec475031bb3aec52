"""Weights are fetched with a hash or not at all, and nothing is left of what is refused."""

import hashlib
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bids_brainage.cli.tool_command import main
from bids_brainage.models.user_weights import git_blob
from tests.models.sfcn_files import write_state


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *words):
        pass


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    write_state(folder / "age.p", legacy=True)
    (folder / "page.p").write_text("<html>this is not the file you are looking for</html>")
    return folder


@pytest.fixture(scope="module")
def server(files):
    served = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(files)))
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{served.server_port}"
    served.shutdown()
    served.server_close()


def fetch(folder, url, *words):
    return main(["models", "fetch", "sfcn", "--to", str(folder), "--url", url, *words])


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("by", ["sha256", "blob"])
def test_weights_of_the_expected_hash_are_kept(files, server, tmp_path, capsys, by):
    wanted = sha256(files / "age.p") if by == "sha256" else git_blob((files / "age.p").read_bytes())
    assert fetch(tmp_path / "new", f"{server}/age.p", f"--{by}", wanted.upper()) == 0
    (found,) = (tmp_path / "new").iterdir()
    assert found.name == "age.p"
    assert found.read_bytes() == (files / "age.p").read_bytes()
    assert "tells age" in capsys.readouterr().out


def test_file_urls_are_taken(files, tmp_path):
    url = (files / "age.p").as_uri()
    assert fetch(tmp_path / "new", url, "--sha256", sha256(files / "age.p")) == 0


def refused(tmp_path, capsys, code, message, *words):
    folder = tmp_path / "new"
    assert fetch(folder, *words) == code
    assert message in capsys.readouterr().err
    assert not folder.exists() or not list(folder.iterdir())


def test_another_hash_is_refused_and_nothing_is_left(files, server, tmp_path, capsys):
    words = (f"{server}/age.p", "--sha256", "0" * 64)
    refused(tmp_path, capsys, 66, "it is not kept", *words)


def test_expected_file_that_is_no_network_is_refused(files, server, tmp_path, capsys):
    words = (f"{server}/page.p", "--sha256", sha256(files / "page.p"))
    refused(tmp_path, capsys, 66, "cannot be read as weights", *words)


@pytest.mark.parametrize(
    ("url", "words", "code", "message"),
    [
        ("{}/age.p", (), 2, "no expected hash"),
        ("{}/age.p", ("--sha256", "abc"), 2, "has not 64 hexadecimal digits"),
        ("{}/", ("--sha256", "0" * 64), 2, "cannot fetch"),
        ("ftp://example.org/age.p", ("--sha256", "0" * 64), 2, "cannot fetch"),
        ("{}/absent.p", ("--sha256", "0" * 64), 66, "404"),
        ("file:///nowhere/age.p", ("--sha256", "0" * 64), 66, "cannot fetch the weights"),
    ],
)
def test_what_cannot_be_fetched_is_told(server, tmp_path, capsys, url, words, code, message):
    refused(tmp_path, capsys, code, message, url.format(server), *words)


def test_folder_in_the_place_of_the_file_is_told(files, tmp_path, capsys):
    (tmp_path / "age.p").mkdir()
    words = ((files / "age.p").as_uri(), "--sha256", sha256(files / "age.p"))
    assert fetch(tmp_path, *words) == 73
    assert "cannot write the weights" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["age.p"]


def test_shipped_models_are_not_fetched(tmp_path, capsys):
    words = ["--to", str(tmp_path), "--url", "https://example.org/a.p", "--sha256", "0" * 64]
    assert main(["models", "fetch", "mavae", *words]) == 2
    assert "nothing to fetch for model 'mavae'" in capsys.readouterr().err
    assert main(["models", "fetch", "sfcn"]) == 2
    assert "--to and --url not given" in capsys.readouterr().err
