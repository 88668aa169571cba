"""The figures of surveys: what one found in one year, and its course over the years."""

from __future__ import annotations

import pandas as pd

from dashboards import charts, page, series, wording
from dashboards.figure import Figure

WARNING = (
    "Surveys reach different people and ask differently: shares of two surveys do not compare, nor do they add up to "
    "100 %, since respondents name several tools."
)


def asked(rows: pd.DataFrame) -> pd.Series[bool]:
    """Tell which rows of data.surveys were asked about and have a figure."""
    return rows["asked"].astype(bool) & (rows["share"].notna() | rows["respondents"].notna())


def one(rows: pd.DataFrame, known: pd.DataFrame, chosen: list[str], more: str = "") -> Figure:
    """Return the figure of one survey, population and year: shares, or votes where no base was published.

    `more` is said after the source.
    """
    first = rows.iloc[0]
    voted = bool(rows["share"].isna().all())
    look = charts.Look(chosen, page.colours(known), number_format=",.0f" if voted else ".1%", dark=page.is_dark())
    measure = (
        "Votes: no base was published, so there are no shares" if voted else "Share of respondents who named each tool"
    )
    base = f"base {wording.count(first['base'])}" if wording.known(first["base"]) else "base not stated"
    return Figure(
        "survey",
        f"{first['survey']} {first['year']}: {first['population']}",
        f"{measure}; labels as the survey wrote them",
        charts.bars(rows.assign(value=rows["respondents" if voted else "share"]), look),
        f"Source: {first['source_url']}, read on {wording.day(first['read_on'])} · {base}{_unverified(rows)}.{more}",
        rows.drop(columns="name"),
    )


def _unverified(rows: pd.DataFrame) -> str:
    return "" if rows["verified"].fillna(False).astype(bool).all() else " · read at second hand, not verified"


def years(rows: pd.DataFrame, known: pd.DataFrame, chosen: list[str]) -> Figure:
    """Return the figure of one survey and population over the years that asked and published a base."""
    days = pd.to_datetime(rows["year"].astype(str) + "-07-01")
    points = rows.assign(series=rows["framework_id"], label=rows["name"], day=days, value=rows["share"], rounded_to=0)
    points = points.assign(source=points["survey"] + " " + points["year"].astype(str))
    gaps = pd.DataFrame(columns=["subject", "period_start", "period_end"])
    broken = series.break_lines(points, gaps, series.LONGEST_STEP_DAYS["observed"])
    look = charts.Look(
        *(chosen, page.colours(known)),
        number_format=".1%",
        unit="share",
        dark=page.is_dark(),
        marks=True,
        yearly=True,
        height=320,
    )
    first = rows.iloc[0]
    return Figure(
        "survey-years",
        f"{first['survey']} over the years",
        f"Share of respondents who named each framework · {first['population']}",
        charts.lines(broken, look),
        f"Source: {first['survey']}, {wording.listing(sorted(set(rows['year'])))}. Years that did not ask, and those "
        "without a base, are left out; lines break there.",
        rows.drop(columns="name"),
    )
