"""The figures of papers: shares by month, and which frameworks are named together."""

from __future__ import annotations

import altair as alt
import pandas as pd

from dashboards import charts, data, matrices, mentions, page, series, wording
from dashboards.figure import Figure
from dashboards.reader import Published

ALL_YEARS = "all"


def shares(
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


def together(cells: pd.DataFrame, year: str, chosen: list[str]) -> Figure:
    """Return the figure of literature.together: of a year's papers, or of ALL_YEARS."""
    when = "of all years" if year == ALL_YEARS else f"of {year}"
    tooltip = [
        alt.Tooltip("row:N", title="papers naming"),
        alt.Tooltip("papers:Q", title="how many", format=","),
        alt.Tooltip("column:N", title="that name also"),
        alt.Tooltip("both:Q", title="both", format=","),
        alt.Tooltip("share:Q", title="share", format=".1%"),
    ]
    named = cells.rename(columns={"name": "row", "beside": "column"})
    return Figure(
        "together",
        _closest(cells, chosen),
        f"Of the papers {when} that name the framework at the left, per cent that also name the one above",
        matrices.matrix(named, tooltip, dark=page.is_dark()),
        "Source: arXiv, title and abstract. Naming two says neither which was used nor why both are named.",
        cells,
    )


def _closest(cells: pd.DataFrame, chosen: list[str]) -> str:
    """Say of the chosen frameworks which pair is named together most."""
    own = cells[cells["framework_id"].isin(chosen) & (cells["both"] > 0)]
    if own.empty:
        return "Which frameworks are named together"
    most = own.iloc[int(own["share"].to_numpy(dtype=float).argmax())]
    return f"{wording.percent(most['share'])} of the papers that name {most['name']} name {most['beside']} too"
