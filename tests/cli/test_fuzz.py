"""Configuration files of any content set valid options or are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bids_brainage.cli.app_parser import LEVELS, STAGES, build_parser
from bids_brainage.cli.config_file import apply_config_file
from bids_brainage.errors import UsageError
from tests.fuzzing import fuzz, mutated, no_hang, numbers, texts

VALID = (b'nprocs = 2\ntask-id = ["rest", "eyes"]\nstage = "extract"\nforce = true\nverbose = 1\n'
         b'fd_threshold = 0.5\nignore = ["slicetiming"]\ndevice = "cpu"\n')  # fmt: skip
KEYS = ("nprocs", "task-id", "stage", "force", "verbose", "fd_threshold", "ignore", "device",
        "batch", "participant-label", "output_dir", "analysis_level", "help", "x")  # fmt: skip
scalars = st.one_of(
    st.booleans().map(lambda b: str(b).lower()),
    numbers.map(lambda n: str(n)[:300]),
    texts.map(lambda t: "'" + "".join(c for c in t if c.isprintable() and c != "'") + "'"),
    st.sampled_from(["1979-05-27", "{a = 1}", "07:32:00", "'--force'", "'-x'", "''"]),
)
entries = st.tuples(
    st.sampled_from(KEYS),
    st.one_of(scalars, st.lists(scalars, max_size=3).map(lambda s: f"[{', '.join(s)}]")),
).map(lambda pair: f"{pair[0]} = {pair[1]}\n".encode())


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz") / "config.toml"


@fuzz
@given(st.one_of(mutated(VALID), entries))
def test_any_configuration_is_applied_or_refused(path, content):
    path.write_bytes(content)
    arguments = ["/bids", "/out", "participant", "--config-file", str(path)]
    parser = build_parser()
    with no_hang():
        try:
            apply_config_file(parser, arguments)
        except UsageError as error:
            assert error.place == str(path)
            return
        options = parser.parse_args(arguments)
    assert options.stage in STAGES and set(options.analysis_level) <= set(LEVELS)
    assert set(options.ignore) <= {"slicetiming", "derivatives"}
    assert options.nprocs is None or options.nprocs > 0
    assert str(options.bids_dir) == "/bids" and str(options.output_dir) == "/out"
