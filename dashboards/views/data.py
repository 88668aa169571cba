"""Data: how fresh, what is missing, the last runs, what each column means, and a box for SQL of the reader's own."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from dashboards import controls, data, holdings, page, wording
from dashboards.reader import Published
from warehouse import queries, spreadsheets, sqlbox
from warehouse.errors import DlpulseError

ROWS = 10_000
SECONDS = 20.0
OWN = "your own"
FIRST = "select name, stars_observed, stars_growth_12m, paper_share\nfrom rpt_frameworks\norder by stars_observed desc"
INSTANT = "D MMM YYYY, HH:mm"


def main() -> None:
    """Draw the page."""
    state = page.database_or_help()
    if state is None:
        return
    fresh = holdings.freshness(state)
    page.title(
        _finding(data.as_known_at(state)), "How fresh each source is, what is missing and why, and your own SQL."
    )
    _fresh(fresh)
    _missing(holdings.missing(state))
    _ask(state)
    _schema(state)
    _runs(holdings.runs(state))
    _whole(state)


def _finding(newest: pd.DataFrame) -> str:
    if newest.empty or not newest["answers"].iloc[0]:
        return "Nothing is known yet"
    return (
        f"{wording.count(newest['answers'].iloc[0])} answers, the newest of {wording.day(newest['fetched_at'].iloc[0])}"
    )


def _fresh(fresh: pd.DataFrame) -> None:
    st.markdown("### Sources")
    if fresh.empty:
        page.absent("No source has answered yet.", "`dlpulse collect`, then `dlpulse build`, brings the first answers.")
        return
    st.caption("`dlpulse status` says the same against each source's schedule. Times are UTC.")
    st.dataframe(
        fresh.assign(bytes=fresh["bytes"].astype(float) / 1e6),
        hide_index=True,
        width="stretch",
        column_config={
            "answers": st.column_config.NumberColumn("answers", format="localized"),
            "newest": st.column_config.DatetimeColumn("newest answer", format=INSTANT),
            "refused": st.column_config.NumberColumn("refused", help="status 400 and above"),
            "bytes": st.column_config.NumberColumn("MB, unpacked", format="%.1f"),
        },
    )


def _missing(missing: pd.DataFrame) -> None:
    st.markdown("### What is not known, and why")
    if missing.empty:
        st.caption("No period is missing.")
        return
    st.caption("Absent is never zero: a line breaks here, and SQL has NULL. An open end has no date.")
    st.dataframe(
        missing,
        hide_index=True,
        width="stretch",
        column_config={
            "why": st.column_config.TextColumn("why", width="large"),
            "since": st.column_config.DateColumn("since"),
            "until": st.column_config.DateColumn("until"),
        },
    )


def _ask(state: Published) -> None:
    st.markdown("### Ask in SQL")
    st.caption(
        f"Read-only, without files and network, {SECONDS:.0f} seconds and {ROWS:,} rows at most. The worked queries "
        "say first what they answer and what they cannot tell."
    )
    worked = {query.name: query for query in queries.load()}
    chosen = controls.from_list("Begin with", [OWN, *worked], "query")
    with st.form("sql", border=False):
        written = st.text_area(
            "SQL", worked[chosen].sql if chosen in worked else FIRST, height=260, key=f"sql-{chosen}"
        )
        asked = st.form_submit_button("Run")
    if asked:
        _answer(state, written)


def _answer(state: Published, sql: str) -> None:
    try:
        with st.spinner("Asking…"):
            found = sqlbox.fetch(Path(state.path), sql, rows_limit=ROWS, seconds=SECONDS).to_pandas()
    except DlpulseError as error:
        st.error(str(error), icon=":material/error:")
        return
    st.caption(f"{wording.count(len(found))} row{'' if len(found) == 1 else 's'}")
    st.dataframe(found, hide_index=True, width="stretch")
    st.download_button(
        "Download CSV", spreadsheets.csv(found), "dlpulse-answer.csv", "text/csv", on_click="ignore", key="answer-csv"
    )


def _schema(state: Published) -> None:
    st.markdown("### Tables and what their columns mean")
    tables = holdings.tables(state)
    table = controls.from_list("Table", list(tables["name"]), "table")
    one = tables[tables["name"] == table]
    described = not one.empty and wording.known(one["description"].iloc[0])
    st.caption(str(one["description"].iloc[0]) if described else "")
    st.dataframe(
        holdings.columns(state, table),
        hide_index=True,
        width="stretch",
        column_config={"description": st.column_config.TextColumn("description", width="large")},
    )


def _runs(runs: pd.DataFrame) -> None:
    st.markdown("### The last runs")
    if runs.empty:
        st.caption("No run is recorded yet.")
        return
    failed = int(runs["error"].notna().sum())
    st.caption(f"{len(runs)} runs, {failed} of them with an error. Times are UTC.")
    st.dataframe(
        runs.assign(error=runs["error"].fillna("")),
        hide_index=True,
        width="stretch",
        column_config={
            "started_at": st.column_config.DatetimeColumn("started", format=INSTANT),
            "took_s": st.column_config.NumberColumn("seconds", format="%.1f"),
            "error": st.column_config.TextColumn("error", width="large"),
        },
    )


def _whole(state: Published) -> None:
    st.markdown("### Take it along")
    path = Path(state.path)
    st.caption(
        "The whole database is one file that any DuckDB opens. `dlpulse export DIR` writes all tables as Parquet and "
        "CSV with their descriptions and licences."
    )
    st.download_button(
        f"Download dlpulse.duckdb ({path.stat().st_size / 1e6:,.0f} MB)",
        path.read_bytes,
        "dlpulse.duckdb",
        "application/octet-stream",
        on_click="ignore",
    )


main()
