import numpy as np
import pytest

from bids_brainage.evaluation.bias import Refit
from bids_brainage.evaluation.contrasts import Comparison, Contrast, LevelMean, holm
from bids_brainage.evaluation.covariates import Covariate
from bids_brainage.evaluation.group_analysis import GroupAnalysis, RefitOf, SitesOf
from bids_brainage.evaluation.group_effects import compare_gap
from bids_brainage.evaluation.site_effect import SiteEffect
from bids_brainage.records.session import SessionKey
from bids_brainage.report.group import write_group_report
from bids_brainage.report.group_analysis import analysis_view, p_value
from tests.report.test_group import Page

BAD = "<script>alert(1)</script>"


@pytest.fixture
def comparison():
    rng = np.random.default_rng(0)
    age, groups = rng.uniform(20, 60, 60), np.array([BAD, "control"] * 30)
    gap = rng.normal(size=60) + 2 * (groups == BAD)
    ages = Covariate("age", tuple(map(str, age)))
    return holm([compare_gap("mavae", "group", gap, age, groups, [ages])])[0]


def test_names_of_users_are_text_and_not_in_figures(tree, prediction, comparison):
    tree.group([prediction(SessionKey("01"))])
    analysis = GroupAnalysis(comparisons=(comparison,), caveats=(BAD,))
    page = Page(write_group_report(tree.root, analysis))
    assert "script" not in {tag for tag, _ in page.tags}
    assert f"{BAD} minus control" in page.text
    view = analysis_view(analysis)["comparisons"][0]
    assert view.figure.startswith("data:image/svg+xml;base64,")


def test_same_results_give_the_same_view(comparison):
    analysis = GroupAnalysis(comparisons=(comparison,))
    assert analysis_view(analysis) == analysis_view(analysis)


def test_lines_and_problems_of_a_refit_are_told(tree, prediction):
    fit = Refit("quadratic", 5.5, 1.3, -0.0145, 36, 20.0, 55.0, 2)
    analysis = GroupAnalysis(
        condition="everyone", method="quadratic",
        refits=(RefitOf("mavae", "morphometry", fit), RefitOf("mavae", "both", None, "3 people")),
    )  # fmt: skip
    view = analysis_view(analysis)
    assert view["refits"][0]["line"] == "5.50 + 1.300 age \N{MINUS SIGN} 0.0145 age²"
    assert view["refits"][1]["problem"] == "3 people"
    tree.group([prediction(SessionKey("01"))])
    assert "3 people" in Page(write_group_report(tree.root, analysis)).text


def test_sites_are_told_before_and_after(tree, prediction):
    effect = SiteEffect(
        0.6, 0.34, 0.005, 0.4, 0.28, 0.39, {"A": 1.0, "B": -1.0}, {"A": 20, "B": 22}
    )
    analysis = GroupAnalysis(
        site_column="site",
        sites=(SitesOf("mavae", effect, 3), SitesOf("volumes", None, problem="too few")),
    )
    tree.group([prediction(SessionKey("01"))])
    text = Page(write_group_report(tree.root, analysis)).text
    assert "60 % (p 0.005) 34 % (p 0.400) 28 to 39 %" in text
    assert "A 20 +1.00 B 22 \N{MINUS SIGN}1.00" in text
    assert "volumes too few" in text


def test_a_slope_and_a_comparison_without_result_have_a_place():
    slope = Contrast("", "", 40, 0, 0.012, -0.01, 0.034, 0.2, -0.1, 0.5, 0.3, 0.3)
    one = Comparison("m", "score", "slope", n=40, contrasts=(slope,), covariates=("age",),
                     values=np.arange(40.0), labels=np.arange(40.0))  # fmt: skip
    none = Comparison("m", "scanner", "groups", problem="everyone has A")
    first, second = analysis_view(GroupAnalysis(comparisons=(one, none)))["comparisons"]
    assert first.contrasts[0]["estimate"] == "+0.0120 [\N{MINUS SIGN}0.0100 to +0.0340]"
    assert first.summary == "40 people; covariates: age"
    assert (second.problem, second.figure, second.summary) == ("everyone has A", "", "")


def test_groups_are_drawn_in_the_order_of_their_table():
    levels = tuple(LevelMean(name, 9, 30, 20, 40, 0.0, -1.0, 1.0) for name in ("b", "a"))
    one = Comparison("m", "g", "groups", n=18, levels=levels, values=np.zeros(18),
                     labels=np.repeat(["a", "b"], 9))  # fmt: skip
    (view,) = analysis_view(GroupAnalysis(comparisons=(one,)))["comparisons"]
    assert view.caption.endswith("Groups: 1 b, 2 a.")


def test_small_p_values_are_not_zero():
    assert [p_value(p) for p in (0.0, 0.0123, float("nan"))] == ["< 0.001", "0.012", "n/a"]
