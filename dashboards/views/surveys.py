"""Surveys: one survey and one population at a time, a year's shares and their course; what was not asked is said."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboards import controls, data, page, wording
from dashboards.figure import show
from dashboards.figures import surveys as surveyfigures

NOT_ASKED = "not asked"


def main() -> None:
    """Draw the page."""
    state = page.database_or_help()
    if state is None:
        return
    known = data.frameworks(state)
    rows = data.surveys(state)
    heading = st.container()
    chosen = controls.frameworks(known)
    if rows.empty:
        with heading:
            page.title("What surveys found", surveyfigures.WARNING)
        page.absent("No survey figures yet.", "They are part of the cited facts: `dlpulse build` publishes them.")
        return
    kinds = rows["survey"] + ": " + rows["population"]
    # Those with figures first: a survey that left the question out is no beginning.
    options = dict.fromkeys([*kinds[surveyfigures.asked(rows)], *kinds])
    left, right = st.columns(2)
    with left:
        kind = controls.from_list("Survey and whom it asked", list(options), "population")
    own = rows[kinds == kind]
    with right:
        year = controls.one_of("Year", _years(own), "year")
    year = year.removesuffix(NOT_ASKED).rstrip(", ")
    own_year = own[own["year"].astype(str) == year]
    with heading:
        page.title(_finding(own_year, chosen), surveyfigures.WARNING)
    if not surveyfigures.asked(own_year).any():
        page.absent(
            f"{own_year['survey'].iloc[0]} {year} did not ask about these frameworks.",
            "That is no zero: nobody had the choice to name one.",
        )
    else:
        show(surveyfigures.one(own_year, known, chosen))
    course = own[surveyfigures.asked(own) & own["share"].notna()]
    if course["year"].nunique() > 1:
        show(surveyfigures.years(course, known, chosen))


def _years(rows: pd.DataFrame) -> list[str]:
    """Return the survey's years: first those that asked, newest first, then those that did not, which say so."""
    asked = set(rows.loc[surveyfigures.asked(rows), "year"])
    every = sorted(set(rows["year"]), key=lambda year: (year not in asked, -year))
    return [str(year) if year in asked else f"{year}, {NOT_ASKED}" for year in every]


def _finding(rows: pd.DataFrame, chosen: list[str]) -> str:
    """Return the shares of up to three chosen frameworks, largest first; votes where there is no base."""
    voted = bool(rows["share"].isna().all())
    values = rows.assign(value=rows["respondents" if voted else "share"])
    values = values[values["framework_id"].isin(chosen) & values["value"].notna()]
    values = values.sort_values("value", ascending=False).head(3)
    write = wording.count if voted else wording.percent
    said = [f"{row.label} {write(row.value)}" for row in values.itertuples()]
    survey = f"{rows['survey'].iloc[0]} {rows['year'].iloc[0]}"
    return f"{survey}: {' · '.join(said)}{' votes' if voted else ''}" if said else f"What {survey} found"


main()
