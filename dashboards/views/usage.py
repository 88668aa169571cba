"""Downloads and questions: two signals of use, each with its bias said beside it, sources never added up."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboards import charts, controls, data, findings, page, series, usage, wording
from dashboards.figure import Figure, show
from dashboards.reader import Published

# What each source counts, and what its counts are not.
COUNTS = {
    "clickhouse": "Every file that PyPI handed out, to mirrors too",
    "pypistats": "PyPI without mirrors, of which it tells the last half year",
    "conda": "Packages of Anaconda's public channels",
}
BIAS = (
    "Downloads count machines: automated builds dominate, keras comes along with tensorflow, CUDA builds bypass PyPI."
)
QUESTIONS_BIAS = "The whole site shrank after 2023, so only the share of its questions says something."


def main() -> None:
    """Draw the page."""
    state = page.database_or_help()
    if state is None:
        return
    known = data.frameworks(state)
    heading = st.container()
    chosen = controls.frameworks(known)
    sources = usage.sources(state)
    asked = usage.questions(state)
    if sources.empty and asked.empty:
        with heading:
            page.title("Downloads and questions", f"{BIAS} {QUESTIONS_BIAS}")
        page.absent(
            "No downloads or questions are known yet.",
            "`dlpulse collect downloads questions`, then `dlpulse build`, fills this page.",
        )
        return
    points = _downloads(state, known, chosen, sources)
    with heading:
        unit = f"downloads in {wording.month(points['day'].max())}" if not points.empty else ""
        page.title(findings.newest_values(points, chosen, unit, "Downloads and questions", write=wording.large), BIAS)
    _questions(state, known, chosen, asked)


def _downloads(state: Published, known: pd.DataFrame, chosen: list[str], sources: pd.DataFrame) -> pd.DataFrame:
    """Draw one source's downloads; returns what is drawn."""
    if sources.empty:
        page.absent(
            "No downloads are known yet.", "`dlpulse collect downloads`, then `dlpulse build`, fills this chart."
        )
        return pd.DataFrame(columns=["series", "framework_id", "label", "day", "value"])
    left, right = st.columns(2)
    with left:
        source = controls.one_of("Counted by", list(sources["source"]), "source")
    with right:
        log = controls.one_of("Scale", ("logarithmic", "linear"), "scale") == "logarithmic"
    points = usage.downloads(state, source)
    if points.empty:
        page.absent(f"{source}: no whole month is known yet.", "`dlpulse collect downloads` adds days.")
        return points
    show(downloads(state, points, known, chosen, source, log=log))
    return points


def downloads(
    state: Published, points: pd.DataFrame, known: pd.DataFrame, chosen: list[str], source: str, *, log: bool
) -> Figure:
    """Return the figure of one source's downloads per month."""
    broken = series.break_lines(points, data.gaps(state, "downloads"), series.LONGEST_STEP_DAYS["monthly"])
    look = charts.Look(chosen, page.colours(known), log=log, unit="downloads", dark=page.is_dark())
    return Figure(
        "downloads",
        f"Downloads per month, as {source} counts them",
        f"{COUNTS.get(source, source)}; one line per package{', logarithmic scale' if log else ''}",
        charts.lines(broken.assign(rounded_to=0), look),
        f"Source: {source} · to {wording.month(points['day'].max())}. {BIAS} Months that are not whole are left out; "
        "lines break where days are missing.",
        points.drop(columns="series"),
    )


def _questions(state: Published, known: pd.DataFrame, chosen: list[str], asked: pd.DataFrame) -> None:
    if asked.empty:
        page.absent(
            "No questions are known yet.", "`dlpulse collect questions`, then `dlpulse build`, fills this chart."
        )
        return
    show(questions(state, asked, known, chosen))


def questions(state: Published, asked: pd.DataFrame, known: pd.DataFrame, chosen: list[str]) -> Figure:
    """Return the figure of each framework's share of all questions of a month."""
    step = series.LONGEST_STEP_DAYS["monthly"]
    broken = series.break_lines(asked.assign(value=asked["share"]), data.gaps(state, "questions"), step)
    look = charts.Look(
        chosen, page.colours(known), number_format=".2%", unit="share of questions", dark=page.is_dark(), height=360
    )
    return Figure(
        "questions",
        findings.newest_values(
            broken,
            chosen,
            f"of Stack Overflow's questions in {wording.month(asked['day'].max())}",
            "Questions on Stack Overflow",
            write=wording.percent,
        ),
        "Share of all questions of the month that carry the framework's tags",
        charts.lines(broken.assign(rounded_to=0), look),
        f"Source: Stack Exchange · to {wording.month(asked['day'].max())}. {QUESTIONS_BIAS} Months that were not over "
        "when they were asked for are left out.",
        asked.drop(columns="series"),
    )


main()
