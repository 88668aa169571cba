"""Papers: how often each framework is named, which are named together, and the papers themselves."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboards import controls, data, findings, literature, mentions, page, wording
from dashboards.figure import Clicked, show
from dashboards.figures import papers as paperfigures
from dashboards.figures.papers import ALL_YEARS
from dashboards.reader import Published

ARXIV = "https://arxiv.org/abs/"
HONEST = "A paper counts when its title or abstract names the framework, by rules kept under a version."


def main() -> None:
    """Draw the page."""
    state = page.database_or_help()
    if state is None:
        return
    known = data.frameworks(state)
    points = data.mentions(state)
    heading = st.container()
    chosen = controls.frameworks(known)
    if points.empty:
        with heading:
            page.title("Papers that name a framework", HONEST)
        page.absent("arXiv has not been asked yet.", "`dlpulse collect papers`, then `dlpulse build`, fills this page.")
        return
    kinds = {kind.label: kind for kind in mentions.kinds(points, data.figures(state))}
    left, right = st.columns(2)
    with left:
        kind = kinds[controls.from_list("Named in · share of", list(kinds), "papers")]
    with right:
        log = controls.one_of("Scale", ("linear", "logarithmic"), "scale") == "logarithmic"
    shown, thin = mentions.drawable(points, kind)
    with heading:
        page.title(_finding(shown, chosen), kind.standfirst)
    clicked = None
    if shown.empty:
        page.absent(
            f"No month with {mentions.FEWEST_PAPERS} such papers is known yet.",
            "A share of fewer says nothing; `dlpulse collect papers`, then `dlpulse build`, adds months.",
        )
    else:
        clicked = show(paperfigures.shares(state, known, shown, kind, chosen, thin, log=log))
    _together(state, chosen)
    _list(state, known, chosen, clicked)


def _finding(shown: pd.DataFrame, chosen: list[str]) -> str:
    """Return the newest share of up to three chosen frameworks, largest first."""
    unit = f"of papers in {wording.month(shown['day'].max())}" if not shown.empty else ""
    values = shown.rename(columns={"share": "value"})
    return findings.newest_values(
        values, chosen, unit, "Papers that name a framework", write=wording.percent, one_day=True
    )


def _together(state: Published, chosen: list[str]) -> None:
    years = literature.years(state)
    if years.empty:
        return
    options = [ALL_YEARS, *(str(year) for year in years["year"])]
    st.markdown("### Named together")
    year = controls.from_list("Papers of the year", options, "year")
    cells = literature.together(state, year)
    if cells.empty:
        page.absent(f"No paper of {year} names two of these frameworks.", "Choose another year.")
        return
    show(paperfigures.together(cells, year, chosen))


def _list(state: Published, known: pd.DataFrame, chosen: list[str], clicked: Clicked | None) -> None:
    """List the papers behind a clicked point, or the newest that name a chosen framework."""
    names = page.names(known)
    frameworks, month = tuple(chosen), ""
    if clicked is not None and clicked.series in names:
        frameworks, month = (clicked.series,), f"{clicked.day:%Y-%m-01}"
    said = wording.listing(names[one] for one in frameworks)
    st.markdown("### The papers themselves")
    found = literature.newest(state, frameworks, month)
    if found.empty:
        page.absent("No paper is known for this choice.", "Choose a framework above, or click a point of the chart.")
        return
    when = f"in {wording.month(month)}" if month else "newest first"
    most = ", 200 at most" if len(found) == literature.MOST else ""
    st.caption(f"Papers that name {said}, {when}{most}. Click a point of the first chart for its month.")
    st.dataframe(
        found.assign(arxiv_id=ARXIV + found["arxiv_id"].astype(str)),
        hide_index=True,
        width="stretch",
        column_config={
            "arxiv_id": st.column_config.LinkColumn("arXiv", display_text=r"abs/(.*)$", width="small"),
            "submitted_on": st.column_config.DateColumn("submitted", width="small"),
            "title": st.column_config.TextColumn("title", width="large"),
            "names": st.column_config.TextColumn("names"),
            "named_in": st.column_config.TextColumn("named in", width="small"),
            "category": st.column_config.TextColumn("category", width="small"),
        },
    )


main()
