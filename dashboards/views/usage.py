"""Downloads and questions: two signals of use, each with its bias said beside it, sources never added up."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboards import controls, data, findings, page, usage, wording
from dashboards.figure import show
from dashboards.figures import usage as usagefigures
from dashboards.figures.usage import BIAS, QUESTIONS_BIAS
from dashboards.reader import Published


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
        page.title(
            findings.newest_values(points, chosen, unit, "Downloads and questions", write=wording.large, one_day=True),
            BIAS,
        )
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
    show(usagefigures.downloads(state, points, known, chosen, source, log=log))
    return points


def _questions(state: Published, known: pd.DataFrame, chosen: list[str], asked: pd.DataFrame) -> None:
    if asked.empty:
        page.absent(
            "No questions are known yet.", "`dlpulse collect questions`, then `dlpulse build`, fills this chart."
        )
        return
    show(usagefigures.questions(state, asked, known, chosen))


main()
