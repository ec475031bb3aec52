"""Model cards of any content are read or refused."""

import json
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bids_brainage.errors import ModelError
from bids_brainage.models.cards import CARD_NAME, read_card
from bids_brainage.models.find import find_model
from tests.fuzzing import fuzz, json_values, mutated, no_hang

KEYS = ("name", "inputs", "training", "metrics", "age_range", "bias_correction", "config",
        "references", "sha256", "default", "out_of_range_limit")  # fmt: skip


@pytest.fixture(scope="module")
def card():
    """A whole card with few inputs."""
    content = asdict(read_card(find_model("mavae") / CARD_NAME))
    content["inputs"] = {}
    return content


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz") / CARD_NAME


def read(path):
    with no_hang():
        try:
            return read_card(path)
        except ModelError as error:
            assert error.place == str(path)
    return None


@fuzz
@given(st.data())
def test_any_card_is_read_or_refused_with_its_place(path, card, data):
    path.write_bytes(data.draw(mutated(json.dumps(card).encode())))
    read(path)


@fuzz
@given(st.sampled_from(KEYS), json_values)
def test_entries_of_any_type_are_read_or_refused(path, card, key, value):
    path.write_text(json.dumps(card | {key: value}))
    found = read(path)
    if found is not None:
        found.age_range_of("morphometry")
        found.to_json().encode()


@fuzz
@given(
    st.one_of(json_values, st.lists(json_values)),
    json_values,
    st.sampled_from(["names", "regions"]),
)
def test_inputs_of_any_type_are_read_or_refused(path, card, value, sha256, key):
    spec = {"names": ["a", "b"], "sha256": sha256, key: value}
    path.write_text(json.dumps(card | {"inputs": {"morphometry": spec}}))
    found = read(path)
    assert found is None or all(isinstance(n, str) for s in found.inputs.values() for n in s.names)
