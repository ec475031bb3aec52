import numpy as np
import pytest

from bids_brainage.cli.tool_command import main


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "t.tsv"
    lines = ["age\tpredicted_age\tsex\tprobability_female", "10\t12\tF\t0.9", "20\t21\tM\t0.2",
             "30\tn/a\tM\t0.1"]  # fmt: skip
    path.write_text("\n".join(lines) + "\n")
    return path


def test_any_predictions_are_scored(table, capsys):
    assert main(["evaluate", str(table)]) == 0
    told = capsys.readouterr()
    head, line = told.out.splitlines()
    row = dict(zip(head.split("\t"), line.split("\t"), strict=True))
    assert (row["model"], row["n"], row["mae"], row["sex_auc"]) == ("t", "2", "1.5", "1")
    assert row["mae_lower"] == "n/a"
    assert "of 3 rows left out: 1 without a prediction" in told.err
    assert "too few participants to resample (2)" in told.err


def test_columns_of_other_tools_are_named(tmp_path, capsys):
    rng = np.random.default_rng(0)
    lines = [f"{age:.1f},{age + rng.normal(0, 4):.1f},s{i % 8}"
             for i, age in enumerate(rng.uniform(20, 70, 80))]  # fmt: skip
    path = tmp_path / "other.csv"
    path.write_text("\n".join(["years,guess,place", *lines]) + "\n")
    output = tmp_path / "out"
    command = ["evaluate", str(path), "--age-column", "years", "--predicted-column", "guess",
               "--site-column", "place", "--cluster", "site", "--draws", "50", "--reference-age",
               "40", "--output", str(output)]  # fmt: skip
    assert main(command) == 0
    assert (output / "evaluation.html").is_file()
    assert "clusters\t" in capsys.readouterr().out


def test_several_columns_are_several_models(tmp_path, capsys):
    path = tmp_path / "wide.csv"
    path.write_text("age,a,b\n10,11,13\n20,21,23\n")
    assert main(["evaluate", str(path), "--predicted-column", "a", "--predicted-column", "b"]) == 0
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    place = lines[0].index("mae")
    assert [(line[0], line[place]) for line in lines[1:]] == [("a", "1"), ("b", "3")]


def test_wrong_tables_and_options_end_with_their_codes(table, tmp_path, capsys):
    assert main(["evaluate", str(tmp_path / "no.tsv")]) == 66
    assert main(["evaluate", str(table), "--predicted-column", "sex"]) == 1
    assert "nobody has both age and sex" in capsys.readouterr().err
    twice = ["--probability-column", "sex"] * 2
    assert main(["evaluate", str(table), *twice]) == 2
    with pytest.raises(SystemExit, match="2"):
        main(["evaluate", str(table), "--reference-age", "old"])
