"""The figures of use: downloads as one source counts them, and the share of questions; each with its bias."""

from __future__ import annotations

import pandas as pd

from dashboards import charts, data, findings, page, series, wording
from dashboards.figure import Figure
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
            one_day=True,
        ),
        "Share of all questions of the month that carry the framework's tags",
        charts.lines(broken.assign(rounded_to=0), look),
        f"Source: Stack Exchange · to {wording.month(asked['day'].max())}. {QUESTIONS_BIAS} Months that were not over "
        "when they were asked for are left out.",
        asked.drop(columns="series"),
    )
