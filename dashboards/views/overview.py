"""Overview: the answer first, then a row per framework, and trends beside this machine's benchmarks."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboards import (
    controls,
    data,
    findings,
    measurements,
    mentions,
    overview_table,
    page,
    series,
    wording,
)
from dashboards.figure import show
from dashboards.figures import benchmarks as benchfigures
from dashboards.figures import papers as paperfigures
from dashboards.figures import stars as starfigures
from dashboards.figures import surveys as surveyfigures
from dashboards.reader import Published
from warehouse.statistics import LEAST_RANKED


def main() -> None:
    """Draw the page."""
    state = page.database_or_help()
    if state is None:
        return
    known = data.frameworks(state)
    figures = data.figures(state)
    page.title(
        findings.overview(figures, page.names(known)),
        "One row per framework: how much it is used beside how fast it is here. Hover or tap a figure for its source.",
    )
    answer = st.container()
    chosen = controls.frameworks(known)
    run = measurements.newest(state)
    with answer:
        st.markdown(_answer(figures, known, chosen, run))
    view = starfigures.View(releases=False)
    points = starfigures.points(state, view)
    lines = series.break_lines(points, data.gaps(state, None), series.LONGEST_STEP_DAYS["observed"])
    noisy = set(measurements.noisy_speeds(state).itertuples(index=False, name=None))
    st.html(overview_table.table(known, figures, lines, chosen, noisy=noisy, dark=page.is_dark()))
    st.caption(_note(figures))
    left, right = st.columns(2, gap="large")
    with left:
        _stars(state, known, points, view, chosen)
    with right:
        _speeds(run, known, chosen)
    left, right = st.columns(2, gap="large")
    with left:
        papers(state, known, figures, chosen)
    with right:
        surveys(state, known, chosen)


def _answer(figures: pd.DataFrame, known: pd.DataFrame, chosen: list[str], run: measurements.Newest | None) -> str:
    """Return what the data say of the chosen frameworks, and of this machine where they resolve it."""
    told = [findings.gains(figures, chosen, page.names(known))]
    if run is not None:
        unresolved = "Which framework trains faster on this machine is not resolved: `dlpulse bench run` measures more."
        told.append(findings.speeds(run) or unresolved)
    return " ".join(filter(None, told))


def _stars(
    state: Published, known: pd.DataFrame, points: pd.DataFrame, view: starfigures.View, chosen: list[str]
) -> None:
    st.markdown("### Trend")
    if points.empty:
        page.absent("No observed stars are known yet.", "`dlpulse collect stars`, then `dlpulse build`, reads them.")
        return
    show(starfigures.figure(state, known, points, view, chosen, height=340, picks=True), picks=page.names(known))


def _speeds(run: measurements.Newest | None, known: pd.DataFrame, chosen: list[str]) -> None:
    """Draw the training throughput that the table's speeds are of, with the chosen frameworks in colour."""
    st.markdown("### This machine")
    rows = run.headline() if run is not None else pd.DataFrame()
    if run is None or rows.empty:
        page.absent(
            "This machine has not been measured yet.", "`dlpulse bench run --quick`, then `dlpulse build`, does it."
        )
        return
    measure = benchfigures.MEASURES[0]
    shown = benchfigures.ordered(benchfigures.labelled(rows), measure)
    trials = run.trials.merge(shown[[*measurements.PROGRAM, "label"]], on=list(measurements.PROGRAM))
    colour = shown["colour"].where(shown["framework_id"].isin(chosen), None)
    end = benchfigures.top(shown, trials)
    figure = benchfigures.spread(
        shown.assign(colour=colour), trials, measure, str(shown["tuning"].iloc[0]), end, key="speeds", picks=True
    )
    show(figure, picks=page.names(known))


def _note(figures: pd.DataFrame) -> str:
    if figures.empty:
        return "No figures yet: `dlpulse build` publishes the cited ones, `dlpulse collect` asks for today's."
    speeds = figures[figures["measure"].isin([measure.name for measure in overview_table.MACHINE])]
    circumstances = "; ".join(dict.fromkeys(speeds["base"].dropna().astype(str)))
    machine = f" Speeds: {circumstances}." if circumstances else ""
    sources = wording.listing(figures[figures["measure"] == "stars_observed"]["source"])
    return (
        f"Stars as read off on the date given ({sources or 'no source yet'}).{_papers_base(figures)} Surveys are "
        f"multi-select and do not compare with each other. *{wording.ABSENT}* means that nobody asked or answered; it "
        f"is not zero. *{wording.UNRANKED}*: fewer than {LEAST_RANKED} launches, or they differ too much.{machine}"
    )


def _papers_base(figures: pd.DataFrame) -> str:
    shares = figures[figures["measure"] == "paper_share"]
    if shares.empty:
        return ""
    first = shares.iloc[0]
    base = wording.PAPER_BASES.get(first["base"], str(first["base"]))
    since, until = wording.month(first["since"]), wording.month(first["as_of"])
    return f" Papers: share of the {base}, {since} to {until}."


def papers(state: Published, known: pd.DataFrame, figures: pd.DataFrame, chosen: list[str]) -> None:
    """Draw each framework's monthly share of arXiv papers, by one measure and one base at a time."""
    st.markdown("### Papers that name a framework")
    points = data.mentions(state)
    if points.empty:
        page.absent(
            "arXiv has not been asked yet.", "`dlpulse collect papers`, then `dlpulse build`, fills this chart."
        )
        return
    kinds = {kind.label: kind for kind in mentions.kinds(points, figures)}
    kind = kinds[controls.from_list("Named in · share of", list(kinds), "papers")]
    shown, thin = mentions.drawable(points, kind)
    if shown.empty:
        page.absent(
            f"No month with {mentions.FEWEST_PAPERS} such papers is known yet.",
            "A share of fewer says nothing; `dlpulse collect papers`, then `dlpulse build`, adds months.",
        )
        return
    show(paperfigures.shares(state, known, shown, kind, chosen, thin, height=300))


def surveys(state: Published, known: pd.DataFrame, chosen: list[str]) -> None:
    """Draw the shares of one survey, the newest at first."""
    st.markdown("### What surveys found")
    rows = data.surveys(state)
    answered = rows[surveyfigures.asked(rows)]
    if answered.empty:
        page.absent("No survey figures yet.", "They are part of the cited facts: `dlpulse build` publishes them.")
        return
    kinds = answered["survey"] + " " + answered["year"].astype(str) + ": " + answered["population"]
    rows_shown = answered[kinds == controls.from_list("Survey", list(dict.fromkeys(kinds)), "survey")]
    show(surveyfigures.one(rows_shown, known, chosen, _not_asked(rows)))


def _not_asked(rows: pd.DataFrame) -> str:
    left_out = rows[~rows["asked"].astype(bool)]
    years = wording.listing(sorted(set(left_out["survey"] + " " + left_out["year"].astype(str))))
    return f" Not asked in {years}." if years else ""


main()
