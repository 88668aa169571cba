"""Stars: one estimator at a time, never spliced; total or per month, logarithmic or linear; all of it in the URL."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboards import charts, controls, data, findings, page, series, wording
from dashboards.figure import Figure, show
from dashboards.reader import Published

MEANING = {
    "observed": "the count that the page showed on that day, read off by someone",
    "retained": "people who still star the repository today, by the day they starred; old days shrink as people unstar",
    "gross": "star events as they happened; stars taken back are not subtracted",
}
PER_MONTH, TOTAL = "per month", "total"
# What a point of a cumulative line is, and what is left out for it.
POINTS = {
    "observed": ("the newest reading of each month", ""),
    "retained": ("last whole day of each month", "Days that are not over are left out"),
    "gross": ("last whole day of each month", "Days that are not over are left out"),
}


def main() -> None:
    """Draw the page."""
    state = page.database_or_help()
    if state is None:
        return
    known = data.frameworks(state)
    heading = st.container()
    chosen = controls.frameworks(known)
    estimator, measure, scale = _choices()
    points = _points(state, estimator, measure)
    total = measure == TOTAL
    unit = "stars" if total or points.empty else f"stars in {wording.month(points['day'].max())}"
    with heading:
        page.title(
            findings.newest_values(points, chosen, unit, "GitHub stars"),
            f"GitHub stars, {estimator}: {MEANING[estimator]}. The three kinds of count are never mixed on one line.",
        )
    if points.empty:
        page.absent(
            f"No {estimator} stars {'per month ' if not total else ''}are known yet.", _remedy(estimator, total)
        )
        return
    _figure(points, known, chosen, estimator=estimator, total=total, log=scale == "logarithmic", state=state)


def _choices() -> tuple[str, str, str]:
    left, middle, right = st.columns(3)
    with left:
        estimator = controls.one_of("Kind of count", list(data.ESTIMATORS), "estimator")
    with middle:
        measure = controls.one_of("Measure", (TOTAL, PER_MONTH), "measure")
    with right:
        scale = controls.one_of("Scale", ("logarithmic", "linear"), "scale")
    return estimator, measure, scale


def _points(state: Published, estimator: str, measure: str) -> pd.DataFrame:
    found = data.star_points(state, estimator) if measure == TOTAL else data.stars_added(state, estimator)
    return found.rename(columns={"stars": "value"})


def _remedy(estimator: str, total: bool) -> str:
    if estimator == "observed" and not total:
        return "Readings months apart do not tell how many stars a month brought: choose *total*, or *retained*."
    if estimator == "gross":
        return "`dlpulse collect events`, then `dlpulse build`, counts the star events up to May 2025."
    return "`dlpulse collect stars`, then `dlpulse build`, fills this chart."


def _figure(
    points: pd.DataFrame,
    known: pd.DataFrame,
    chosen: list[str],
    *,
    estimator: str,
    total: bool,
    log: bool,
    state: Published,
) -> None:
    gaps = data.gaps(state, data.ESTIMATORS[estimator])
    step = series.LONGEST_STEP_DAYS[estimator if total else "monthly"]
    broken = series.break_lines(points, gaps, step)
    look = charts.Look(
        chosen, page.colours(known), log=log, dark=page.is_dark(), marks=estimator == "observed", height=480
    )
    unit = f"Cumulative stars, {POINTS[estimator][0]}" if total else "Stars added per whole month"
    show(
        Figure(
            "stars",
            f"{estimator.capitalize()} stars, {TOTAL if total else PER_MONTH}",
            f"{unit}, {'logarithmic' if log else 'linear'} scale",
            charts.lines(broken, look),
            _source(points, gaps, estimator, total=total),
            points.drop(columns="series"),
        )
    )
    if estimator == "retained":
        _disagreements(data.star_sums(state), chosen)


def _disagreements(sums: pd.DataFrame, chosen: list[str]) -> None:
    """Say where GitHub's own two tellings of a repository's stars are further apart than the tolerance."""
    for row in sums[sums["framework_id"].isin(chosen)].itertuples():
        st.warning(
            f"{row.repo_id}: the star history adds up to {row.stars_summed:,}, its record says "
            f"{row.stars_recorded:,} (read {wording.day(row.read_at)})."
        )


def _source(points: pd.DataFrame, gaps: pd.DataFrame, estimator: str, *, total: bool) -> str:
    newest = wording.day if total else wording.month
    notes = [
        f"Source: {wording.listing(points['source'])} · to {newest(points['day'].max())}",
        POINTS[estimator][1] if total else "Months that are not whole are left out",
        "Hollow points were rounded by their source" if (points["rounded_to"] > 0).any() else "",
        "Lines break where readings are missing",
        _outages(gaps[gaps["subject"].isin(("*", "stargazers lists"))], estimator),
    ]
    return ". ".join(filter(None, notes)) + "."


def _outages(outages: pd.DataFrame, estimator: str) -> str:
    """Say what was out of order, and when; the history that retained stars come from was not."""
    spans = [f"{wording.month(gap.period_start)} to {wording.month(gap.period_end)}" for gap in outages.itertuples()]
    if not spans:
        return ""
    if estimator == "retained":
        return (
            f"The stargazer lists were closed {wording.listing(spans)}; "
            "the history endpoint that this line is from covers these days"
        )
    return f"Known outages: {wording.listing(spans)}"


main()
