import json

import pytest
from bids.layout import BIDSLayout, BIDSLayoutIndexer, Query
from bids.layout.models import Config

from bids_brainage.bids.entities import name_file
from bids_brainage.bids.filters import ENTITIES, parse_filters, read_filters
from bids_brainage.errors import MissingInputError, UsageError


def test_entity_names_are_those_of_pybids():
    known = {name for c in ("bids", "derivatives") for name in Config.load(c).entities}
    assert known == ENTITIES - {"cohort"}


NAMES = (
    "sub-01_task-rest_bold.nii.gz",
    "sub-01_task-rest_acq-mb_bold.nii.gz",
    "sub-01_task-rest_acq-seq_run-01_bold.nii.gz",
    "sub-01_task-rest_run-2_bold.nii.gz",
    "sub-01_task-nback_run-10_bold.nii",
)


@pytest.mark.parametrize(
    ("written", "queried"),
    [
        ({"task": "rest"}, {"task": "rest"}),
        ({"acquisition": None}, {"acquisition": Query.NONE}),
        ({"acquisition": "*"}, {"acquisition": Query.ANY}),
        ({"acquisition": "Query.ANY"}, {"acquisition": Query.ANY}),
        ({"acquisition": [None, "mb"]}, {"acquisition": [None, "mb"]}),
        ({"run": 1}, {"run": 1}),
        ({"run": [1, 10]}, {"run": [1, 10]}),
        ({"run": []}, {"run": []}),
        ({"run": "Query.OPTIONAL"}, {"run": Query.OPTIONAL}),
        ({"task": "re", "regex_search": True}, {"task": "re", "regex_search": True}),
        ({"task": "^nb", "regex_search": True}, {"task": "^nb", "regex_search": True}),
        ({"extension": ".nii"}, {"extension": ".nii"}),
        ({"session": None, "task": "rest"}, {"session": Query.NONE, "task": "rest"}),
    ],
)
def test_queries_select_what_pybids_selects(tree, written, queried):
    for name in NAMES:
        tree.put(f"sub-01/func/{name}", "")
    indexer = BIDSLayoutIndexer(validate=False, index_metadata=False)
    layout = BIDSLayout(tree.root, indexer=indexer)
    queried = {"suffix": "bold", "return_type": "filename", **queried}
    expected = {path.rsplit("/", 1)[1] for path in layout.get(**queried)}
    query = parse_filters({"bold": {"suffix": "bold", **written}})["bold"]
    files = [name_file(tree.root, tree.root / "sub-01" / "func" / name) for name in NAMES]
    assert {f.path.name for f in files if not query.failing(f.entities)} == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "not an object"),
        ({"bald": {}}, "unknown query 'bald'"),
        ({"bold": "rest"}, "query 'bold'"),
        ({"bold": {"acq": "x"}}, "Write acquisition"),
        ({"bold": {"task": {"a": 1}}}, "bold.task"),
        ({"bold": {"task": True}}, "bold.task"),
        ({"bold": {"task": "(", "regex_search": True}}, "regular expression"),
        ({"bold": {"regex_search": "yes"}}, "regex_search"),
    ],
)
def test_a_filter_without_meaning_names_file_and_key(tmp_path, content, message):
    path = tmp_path / "filter.json"
    path.write_text(json.dumps(content))
    with pytest.raises(UsageError, match=message) as caught:
        read_filters(path)
    assert "filter.json" in str(caught.value) and caught.value.exit_code == 2


def test_other_queries_of_fmriprep_are_accepted(tmp_path):
    path = tmp_path / "filter.json"
    path.write_text('{"fmap": {"datatype": "fmap"}, "t1w": {"session": "1"}}')
    assert set(read_filters(path)) == {"fmap", "t1w"}


def test_broken_and_missing_filter_files_are_refused(tmp_path):
    path = tmp_path / "filter.json"
    with pytest.raises(MissingInputError):
        read_filters(path)
    path.write_text("{")
    with pytest.raises(UsageError, match="not JSON"):
        read_filters(path)
