import json
from dataclasses import replace

import numpy as np
import pytest

from bids_brainage.app.run import run
from bids_brainage.bids.outputs import read_tsv
from bids_brainage.config import GroupOptions, RunConfig
from bids_brainage.errors import MissingInputError, UsageError
from bids_brainage.records.prediction import columns
from tests.app.made_up import make_cohort


def group(cohort, **options):
    config = RunConfig(cohort.bids, cohort.output, levels=("group",))
    return run(replace(config, group=GroupOptions(**options)), lambda _: None)


def table(cohort, name="group_brainage.tsv"):
    return read_tsv(cohort.output / name)


def numbers(cohort, column):
    cells = [row[column] for row in table(cohort)]
    return np.array([float("nan") if cell == "n/a" else float(cell) for cell in cells])


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return make_cohort(tmp_path_factory.mktemp("cohort"))


@pytest.fixture(scope="module")
def analysed(cohort):
    assert group(cohort, bias_fit="group == 'control'", harmonise="combat",
                 group_by=("group", "score", "scanner")) == 0  # fmt: skip
    return cohort


def test_the_gap_is_refitted_on_the_controls(analysed):
    controls = np.array([row["group"] == "control" for row in analysed.rows])
    refit, age = numbers(analysed, "brain_age_gap_refit"), numbers(analysed, "age")
    assert abs(np.corrcoef(age[controls], refit[controls])[0, 1]) < 0.05
    assert refit[~controls].mean() - refit[controls].mean() == pytest.approx(4, abs=1.5)
    entry = json.loads((analysed.output / "group_brainage.json").read_text())["brain_age_gap_refit"]
    (fit,) = entry["Fits"]
    assert (fit["n"], entry["FittedOn"], fit["method"]) == (78, "group == 'control'", "beheshti")
    assert fit["slope"] == pytest.approx(0.75, abs=0.1)


def test_sites_are_harmonised_and_the_effect_is_told(analysed):
    gap, site = numbers(analysed, "brain_age_gap_harmonised"), [r["site"] for r in analysed.rows]
    means = [gap[np.array(site) == name].mean() for name in ("Aachen", "Bergen", "Cadiz")]
    assert np.ptp(means) < 1.5
    entry = json.loads((analysed.output / "group_brainage.json").read_text())
    (found,) = entry["brain_age_gap_harmonised"]["Fits"]
    assert found["before"] > found["chance_upper"] > found["after"]


def test_comparisons_are_written_with_covariates_and_corrected(analysed):
    rows = {row["column"]: row for row in table(analysed, "group_brainage_effects.tsv")}
    patients = rows["group"]
    assert (patients["level"], patients["reference"]) == ("patient", "control")
    assert patients["covariates"] == "age+sex+site+mean_fd"
    assert float(patients["lower"]) < 4 < float(patients["upper"])
    assert float(patients["p_holm"]) == pytest.approx(2 * float(patients["p"]))
    assert rows["score"]["kind"] == "slope"
    assert rows["scanner"]["remarks"] == "everyone has one"
    meanings = json.loads((analysed.output / "group_brainage_effects.json").read_text())
    assert set(meanings) == set(patients)


def test_tables_carry_the_new_columns_and_nothing_else_changes(analysed, cohort):
    rows = table(analysed)
    assert list(rows[0]) == [*columns(), "brain_age_gap_refit", "brain_age_gap_harmonised"]
    phenotype = table(analysed, "phenotype/brainage.tsv")
    assert [row["brain_age_gap_refit"] for row in phenotype] == [
        row["brain_age_gap_refit"] for row in rows
    ]
    described = json.loads((analysed.output / "phenotype" / "brainage.json").read_text())
    assert set(phenotype[0]) == set(described) - {"MeasurementToolMetadata"}


def test_the_page_shows_results_beside_their_caveats(analysed):
    page = (analysed.output / "group_brainage.html").read_text()
    assert "not a rate of ageing" in page
    assert "patient minus control" in page
    assert "Age bias by this dataset" in page and "Site told before" in page


def test_without_options_everything_is_as_before(tmp_path):
    cohort = make_cohort(tmp_path, 30)
    group(cohort)
    plain = (cohort.output / "group_brainage.tsv").read_bytes()
    group(cohort, bias_fit="everyone", group_by=("group",), nipoppy_table=True)
    assert (cohort.output / "group_brainage_effects.tsv").is_file()
    assert (cohort.output / "idp" / "brainage.tsv").is_file()
    group(cohort)
    assert (cohort.output / "group_brainage.tsv").read_bytes() == plain
    assert not list(cohort.output.glob("group_brainage_effects.*"))
    assert not (cohort.output / "idp" / "brainage.tsv").is_file()


def test_wrong_columns_and_empty_conditions_are_told(cohort):
    with pytest.raises(UsageError, match=r"no column 'groupp'.*Did you mean group\?"):
        group(cohort, group_by=("groupp",))
    with pytest.raises(UsageError, match=r"nobody with a prediction .*Group holds control, pat"):
        group(cohort, bias_fit="group == 'controls'")
    with pytest.raises(UsageError, match="no column 'centre'"):
        group(cohort, harmonise="combat", site_column="centre")
    with pytest.raises(UsageError, match="needs two sites or more"):
        group(cohort, harmonise="combat", site_column="scanner")


def test_a_condition_on_columns_of_the_group_table_needs_no_dataset(cohort, tmp_path):
    away = replace(cohort, bids=tmp_path / "gone")
    assert group(away, bias_fit="age > 30 and mean_fd < 0.5") == 0
    with pytest.raises(MissingInputError):
        group(away, group_by=("group",))


def test_of_several_sessions_the_first_is_compared(tmp_path):
    cohort = make_cohort(tmp_path, 60, lambda i, row: row.update(sessions=("a", "b")))
    group(cohort, group_by=("group",), bias_fit="group == 'control'")
    (row,) = table(cohort, "group_brainage_effects.tsv")
    assert row["n_model"] == "60"
    assert np.isfinite(numbers(cohort, "brain_age_gap_refit")).sum() == 120
    assert "several sessions the first" in (cohort.output / "group_brainage.html").read_text()


def test_people_without_age_row_or_group_are_left_out_and_told(tmp_path):
    def change(i, row):
        if i < 3:
            row["age"] = None
        if 3 <= i < 5:
            row["group"] = None

    cohort = make_cohort(tmp_path, 90, change)
    lines = (cohort.bids / "participants.tsv").read_text().splitlines()
    kept = [line for line in lines if not line.startswith("sub-007")]
    (cohort.bids / "participants.tsv").write_text("\n".join(kept))
    group(cohort, group_by=("group",), bias_fit="everyone", harmonise="combat")
    (row,) = table(cohort, "group_brainage_effects.tsv")
    assert (row["n_model"], row["n_left_out"]) == ("84", "3")
    assert row["remarks"] == "3 without group"
    assert np.isnan(numbers(cohort, "brain_age_gap_refit")[:3]).all()
    assert np.isnan(numbers(cohort, "brain_age_gap_harmonised")[7])


def test_the_headline_is_compared_where_there_is_one(tmp_path):
    cohort = make_cohort(tmp_path, 60, lambda i, row: row.update(model=("mavae", "fusion")[i > 5]))
    group(cohort, group_by=("group",))
    assert [r["model"] for r in table(cohort, "group_brainage_effects.tsv")] == ["fusion"]


def test_a_dataset_of_the_training_list_is_told(tmp_path):
    cohort = make_cohort(tmp_path, 30)
    (cohort.bids / "dataset_description.json").write_text(
        '{"Name": "ABIDE", "BIDSVersion": "1.10.0"}'
    )
    group(cohort, group_by=("group",))
    assert (
        "among those a model was trained on" in (cohort.output / "group_brainage.html").read_text()
    )


def test_without_ages_nothing_is_compared_and_it_says_so(tmp_path):
    cohort = make_cohort(tmp_path, 12, lambda _, row: row.update(age=None))
    assert group(cohort, group_by=("group",)) == 0
    (row,) = table(cohort, "group_brainage_effects.tsv")
    assert row["remarks"] == "nobody has a prediction and a known age"
    with pytest.raises(UsageError, match="nobody with a prediction has a site and known age"):
        group(cohort, harmonise="combat")


def test_a_refused_option_leaves_nothing_of_an_earlier_run(tmp_path):
    cohort = make_cohort(tmp_path, 40)
    assert group(cohort, bias_fit="age > 0", group_by=("group",)) == 0
    assert "brain_age_gap_refit" in (cohort.output / "group_brainage.html").read_text()
    with pytest.raises(UsageError, match="no column 'nope'"):
        group(cohort, group_by=("nope",))
    assert not (cohort.output / "group_brainage_effects.tsv").exists()
    for name in ("group_brainage.html", "group_brainage.json", "group_brainage.tsv"):
        assert "brain_age_gap_refit" not in (cohort.output / name).read_text(), name
    assert (cohort.output / "phenotype" / "brainage.tsv").is_file()
