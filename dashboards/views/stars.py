"""Stars: one estimator at a time, never spliced; total or added, by date or by age, as known on any day."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboards import controls, data, findings, page, starcounts, wording
from dashboards.figure import show
from dashboards.figures import stars as starfigures
from dashboards.reader import Published

MEASURES = {"total": "", "per month": "month", "per week": "week"}
BY_DATE, BY_AGE = "date", "age"


def main() -> None:
    """Draw the page: what is counted above the figure, how it is laid out and since when it is known below it."""
    state = page.database_or_help()
    if state is None:
        return
    known = data.frameworks(state)
    heading = st.container()
    chosen = controls.frameworks(known)
    estimator, period, log = _counted()
    body = st.container()
    by_age, releases, known_on = _laid_out(state)
    view = starfigures.View(estimator, MEASURES[period], log=log, by_age=by_age, releases=releases, known_on=known_on)
    points = starfigures.points(state, view)
    with heading:
        page.title(
            findings.newest_values(
                points[~points["partial"]], chosen, _unit(points, view), "GitHub stars", one_day=bool(view.period)
            ),
            f"GitHub stars, {estimator}: {starfigures.MEANING[estimator]}. The three kinds of count are never mixed on "
            "one line.",
        )
    with body:
        if points.empty:
            page.absent(
                f"No {estimator} stars{f' {period}' if view.period else ''} are known{_then(view)}.", _remedy(view)
            )
            return
        show(starfigures.figure(state, known, points, view, chosen))
        if estimator == "retained":
            _disagreements(starcounts.sums(state), chosen)


def _counted() -> tuple[str, str, bool]:
    """Return the estimator, the measure and whether the scale is logarithmic, as the reader chooses."""
    left, middle, right = st.columns(3)
    with left:
        estimator = controls.one_of("Kind of count", list(starcounts.ESTIMATORS), "estimator")
    with middle:
        measure = controls.one_of("Measure", list(MEASURES), "measure")
    with right:
        scale = controls.one_of("Scale", ("logarithmic", "linear"), "scale")
    return estimator, measure, scale == "logarithmic"


def _laid_out(state: Published) -> tuple[bool, bool, str]:
    """Return whether lines are aligned by age, whether releases are shown, and the day on which it is looked at."""
    left, middle, right = st.columns(3)
    with left:
        aligned = controls.one_of("Aligned by", (BY_DATE, BY_AGE), "aligned")
    with middle:
        releases = controls.one_of("Releases", ("shown", "hidden"), "releases")
    with right:
        known_on = controls.known_on(data.known_days(state))
    return aligned == BY_AGE, releases == "shown", known_on


def _unit(points: pd.DataFrame, view: starfigures.View) -> str:
    whole = points.loc[~points["partial"], "day"]
    if not view.period or whole.empty:
        return "stars"
    newest = whole.max()
    return (
        f"stars in {wording.month(newest)}" if view.period == "month" else f"stars in the week of {wording.day(newest)}"
    )


def _then(view: starfigures.View) -> str:
    return f", as things were known when {wording.day(view.known_on)} began" if view.known_on else " yet"


def _remedy(view: starfigures.View) -> str:
    if view.estimator == "observed" and view.period:
        return "Readings months apart do not tell how many stars a period brought: choose *total*, or *retained*."
    if view.known_on:
        return "Choose a later day."
    if view.estimator == "gross":
        return "`dlpulse collect events`, then `dlpulse build`, counts the star events up to May 2025."
    return "`dlpulse collect stars`, then `dlpulse build`, fills this chart."


def _disagreements(sums: pd.DataFrame, chosen: list[str]) -> None:
    """Say where GitHub's own two tellings of a repository's stars are further apart than the tolerance."""
    for row in sums[sums["framework_id"].isin(chosen)].itertuples():
        st.warning(
            f"{row.repo_id}: the star history adds up to {row.stars_summed:,}, its record says "
            f"{row.stars_recorded:,} (read {wording.day(row.read_at)})."
        )


main()
