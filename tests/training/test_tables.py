import gzip

import numpy as np
import pytest

from bids_brainage.errors import InputError, MissingInputError
from bids_brainage.models.cards import edge_names
from bids_brainage.training.mavae_card import input_spec
from bids_brainage.training.sources import load_table
from bids_brainage.training.tables import (
    NOT_COMPARABLE,
    atlas_regions,
    correlations,
)


def test_an_empty_folder_is_no_table(tmp_path):
    with pytest.raises(MissingInputError, match="no training table"):
        load_table(tmp_path)


def test_the_atlas_has_110_regions_and_5995_connections():
    numbers, names = atlas_regions()
    assert len(numbers) == len(set(numbers)) == len(set(names)) == 110
    assert 3455 not in numbers
    assert len(edge_names(names)) == 5995


def test_a_constant_region_has_missing_correlations():
    series = np.random.default_rng(0).normal(size=(50, 4))
    series[:, 2] = 1.0
    first, second = np.triu_indices(4, 1)
    missing = np.isnan(correlations(series))
    assert (missing == ((first == 2) | (second == 2))).all()


def test_correlations_are_pearsons():
    series = np.random.default_rng(0).normal(size=(50, 4))
    expected = np.corrcoef(series.T)[np.triu_indices(4, 1)]
    assert np.allclose(correlations(series), expected)


def test_people_are_counted_by_modality(table):
    assert table.has("morphometry").all()
    assert 0 < table.has_both().sum() < len(table)
    assert len(table.subset(table.has_both())) == table.has_both().sum()


def test_the_public_tables_load(shared):
    table = load_table(shared / "data")
    assert table.has("morphometry").sum() == 2614
    assert table.has("connectivity").sum() == 910
    assert table.has_both().sum() == 851
    assert not NOT_COMPARABLE & set(table.names["morphometry"])
    assert not (table.measures["morphometry"] == 0).any()
    assert np.nanmax(np.abs(table.measures["connectivity"])) <= 1 + 1e-9
    incomplete = np.isnan(table.measures["connectivity"][table.has("connectivity")]).any(axis=1)
    assert incomplete.sum() == 37


def test_a_table_of_measures_needs_its_columns_and_whole_rows(tmp_path):
    def written(text, encoding="utf-8"):
        path = tmp_path / "morphometry.tsv.gz"
        path.write_bytes(gzip.compress(text.encode(encoding)))
        return tmp_path

    head = "participant_id\tdataset\tsite\tage\tsex\tBrain-Stem\tempty\n"
    rows = "".join(f"sub-{i}\ta\ts\t{20 + i}\tF\t{20000 + i}\tn/a\n" for i in range(4))
    table = load_table(written(head + rows, "utf-8-sig"))
    assert table.participants[0] == "sub-0" and len(table) == 4
    typical = input_spec(table, "morphometry").typical
    assert typical["Brain-Stem"] == 20001.5 and np.isnan(typical["empty"])
    with pytest.raises(InputError, match="no column site"):
        load_table(written(head.replace("site", "place") + rows))
    with pytest.raises(InputError, match="a row is longer or shorter than the header"):
        load_table(written(head + rows + "sub-9\ta\ts\n"))
