from bids_brainage.app.summary import MANY, Summary


def row(number, status="ok", reason="n/a"):
    return {"participant_id": f"sub-{number}", "session_id": "n/a", "model": "m",
            "status": status, "status_reason": reason}  # fmt: skip


def finish(rows, tmp_path):
    summary = Summary()
    summary.add(rows)
    lines: list[str] = []
    return summary.finish(tmp_path, lines.append), lines


def test_all_ok_is_one_line_and_0(tmp_path):
    code, lines = finish([row(1), row(2)], tmp_path)
    assert code == 0
    assert lines == [f"2 ok, 0 failed, 0 no_input; predictions are in {tmp_path}"]


def test_left_out_modality_is_told_but_no_failure(tmp_path):
    code, lines = finish([row(1, reason="connectivity left out: x")], tmp_path)
    assert code == 0
    assert lines[0] == "ok: sub-1 (m): connectivity left out: x"


def test_the_headline_decides_where_there_is_one(tmp_path):
    models = [row(1) | {"model": "fusion"}, row(1), row(1, "failed", "no input") | {"model": "x"}]
    code, lines = finish(models, tmp_path)
    assert code == 0
    assert lines[0] == "failed: sub-1 (x): no input"
    assert lines[-1].startswith("1 ok, 0 failed")
    code, lines = finish(models[1:], tmp_path)
    assert code == 1 and lines[-1].startswith("0 ok, 1 failed")


def test_failures_come_first_and_many_are_counted(tmp_path):
    rows = [row(n, reason="left out") for n in range(30)] + [row(99, "failed", "broken")]
    code, lines = finish(rows, tmp_path)
    assert code == 1
    assert lines[0] == "failed: sub-99 (m): broken"
    assert len(lines) == MANY + 2
    assert lines[-2].startswith("… and 11 more")
