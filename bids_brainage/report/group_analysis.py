"""What the options of the group level found, as the group page shows it."""

import math
from dataclasses import dataclass
from typing import Any

from bids_brainage.evaluation.contrasts import Comparison, Contrast
from bids_brainage.evaluation.group_analysis import GroupAnalysis, RefitOf, SitesOf
from bids_brainage.report import group_effect_figures, pages

METHODS = {
    "beheshti": "the gap expected at that age is taken from the gap (Beheshti et al. 2019; "
    "de Lange & Cole 2020)",
    "cole": "the intercept is taken from predicted age, which is divided by the slope "
    "(Cole et al. 2018)",
    "quadratic": "the gap expected at that age, with age squared, is taken from the gap "
    "(Smith et al. 2019)",
}
SMALL_P = 0.001


@dataclass(frozen=True)
class ComparisonView:
    """A comparison as the template shows it; `figure` is a data URI or empty."""

    title: str
    problem: str
    summary: str
    levels: list[dict[str, str]]
    contrasts: list[dict[str, str]]
    slope: bool
    joint: str
    figure: str
    caption: str


def analysis_view(analysis: GroupAnalysis) -> dict[str, Any]:
    """Contents of the page's sections on comparisons, age bias and sites."""
    return {
        "comparisons": [_comparison(one) for one in analysis.comparisons],
        "n_tests": sum(len(one.contrasts) for one in analysis.comparisons),
        "caveats": analysis.caveats,
        "condition": analysis.condition,
        "method": METHODS.get(analysis.method, ""),
        "refits": [_refit(one) for one in analysis.refits],
        "site_column": analysis.site_column,
        "preserved": "age and sex" if analysis.sex_preserved else "age",
        "sites": [_sites(one) for one in analysis.sites],
    }


def _comparison(one: Comparison) -> ComparisonView:
    told = [f"{one.n} people", f"covariates: {', '.join(one.covariates) or 'none'}"]
    told = [*(told if one.n else []), *(["remarks: " + ", ".join(one.notes)] if one.notes else [])]
    figure = caption = ""
    if one.levels:
        figure = pages.data_uri(group_effect_figures.group_gaps(one.values, one.labels, one.levels))
        names = ", ".join(f"{i} {level.level}" for i, level in enumerate(one.levels, start=1))
        caption = f"Everyone's gap at equal covariates; mean with 95 % interval. Groups: {names}."
    elif one.contrasts:
        figure = pages.data_uri(
            group_effect_figures.slope_gaps(one.values, one.labels, one.contrasts[0].estimate)
        )
        caption = f"Everyone's gap at equal covariates against {one.column}, with the fitted line."
    joint = "" if math.isnan(one.joint_p) else f"All groups alike: p {p_value(one.joint_p)}"
    return ComparisonView(
        title=f"{one.column} ({one.model})",
        problem=one.problem,
        summary=_sentence("; ".join(told)),
        levels=[
            {
                "level": level.level,
                "n": str(level.n),
                "age": f"{level.age_mean:.1f} ({level.age_min:.0f} to {level.age_max:.0f})",
                "adjusted": _interval(level.adjusted, level.lower, level.upper),
            }
            for level in one.levels
        ],
        contrasts=[_contrast(c) for c in one.contrasts],
        slope=one.kind == "slope",
        joint=joint,
        figure=figure,
        caption=caption,
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _contrast(c: Contrast) -> dict[str, str]:
    digits = 2 if abs(c.estimate) >= 0.1 or c.n_reference else 4
    return {
        "what": f"{c.level} minus {c.reference}" if c.level else "per unit",
        "n": f"{c.n} and {c.n_reference}" if c.level else str(c.n),
        "estimate": _interval(c.estimate, c.lower, c.upper, digits),
        "effect": _interval(c.effect, c.effect_lower, c.effect_upper),
        "p": p_value(c.p),
        "p_adjusted": p_value(c.p_adjusted),
    }


def _interval(value: float, lower: float, upper: float, digits: int = 2) -> str:
    ends = " to ".join(pages.decimals(end, digits, signed=True) for end in (lower, upper))
    return f"{pages.decimals(value, digits, signed=True)} [{ends}]"


def p_value(p: float) -> str:
    """A p value with three decimals, or that it is smaller."""
    if not math.isfinite(p):
        return "n/a"
    return "< 0.001" if p < SMALL_P else f"{p:.3f}"


def _refit(one: RefitOf) -> dict[str, str]:
    row = {"model": one.model, "inputs": one.modalities, "problem": one.problem}
    if one.fit is None:
        return row
    fit = one.fit
    square = f" {_signed(fit.quadratic, 4)} age\N{SUPERSCRIPT TWO}" if fit.quadratic else ""
    return row | {
        "n": str(fit.n),
        "ages": f"{fit.age_min:.0f} to {fit.age_max:.0f}",
        "line": f"{pages.decimals(fit.intercept)} {_signed(fit.slope, 3)} age{square}",
        "outside": str(fit.n_outside),
    }


def _signed(value: float, digits: int) -> str:
    sign = "\N{MINUS SIGN}" if value < 0 else "+"
    return f"{sign} {abs(value):.{digits}f}"


def _sites(one: SitesOf) -> dict[str, Any]:
    row: dict[str, Any] = {"model": one.model, "problem": one.problem}
    if one.effect is None:
        return row
    found = one.effect
    return row | {
        "n": str(sum(found.counts.values())),
        "n_left_out": str(one.n_left_out),
        "before": f"{pages.percent(found.before)} (p {p_value(found.p_before)})",
        "after": f"{pages.percent(found.after)} (p {p_value(found.p_after)})",
        "chance": f"{100 * found.chance_lower:.0f} to {100 * found.chance_upper:.0f} %",
        "shifts": [
            {"site": site, "n": str(found.counts[site]), "shift": pages.decimals(s, signed=True)}
            for site, s in found.shifts.items()
        ],
    }
