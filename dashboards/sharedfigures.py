"""The figures that stand on several pages: shares of papers, and what one survey found."""

from __future__ import annotations

import pandas as pd

from dashboards import charts, data, mentions, page, series, wording
from dashboards.figure import Figure
from dashboards.reader import Published


def papers(
    state: Published,
    known: pd.DataFrame,
    shown: pd.DataFrame,
    kind: mentions.Kind,
    chosen: list[str],
    thin: int,
    *,
    log: bool = False,
    height: int = 440,
) -> Figure:
    """Return the figure of monthly shares by one measure and one base."""
    # Cited figures are single readings a year apart; asked month by month, a missing month is a gap.
    cited = set(shown["source"]) == {"cited figure"}
    step = series.LONGEST_STEP_DAYS["observed" if cited else "monthly"]
    broken = series.break_lines(shown, data.gaps(state, "papers"), step).assign(rounded_to=0)
    look = charts.Look(
        chosen,
        page.colours(known),
        log=log,
        number_format=".2%",
        unit="share of papers",
        dark=page.is_dark(),
        marks=cited,
        height=height,
    )
    left_out = f" {thin} month{'s' if thin > 1 else ''} with fewer than {mentions.FEWEST_PAPERS} such papers left out."
    return Figure(
        "papers",
        "Share of papers naming each framework",
        f"{kind.subtitle}, by month of submission{', logarithmic scale' if log else ''}",
        charts.lines(broken.rename(columns={"share": "value"}), look),
        f"Source: {wording.listing(shown['source'])} · to {wording.month(shown['day'].max())}. "
        f"Lines break where readings are missing.{left_out if thin else ''}",
        shown.drop(columns="series"),
    )


def survey(rows: pd.DataFrame, known: pd.DataFrame, chosen: list[str], more: str = "") -> Figure:
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
