"""A chart with all that must travel with it: finding, measure and unit, source and date, its data, its pictures."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from dashboards import controls, data, page, pictures, wording
from dashboards.charts import READING
from dashboards.reader import database, published

CHART, TABLE = "Chart", "Table"
CLICK = "Click a point for the answer it was read from."


@dataclass(frozen=True)
class Figure:
    """What one figure shows. `key` names it in the address and in downloaded files; `source` says whence and when.

    `rows` are what is drawn, as the table view and the downloads show them. Without a `title` the page's own says it.
    The chart's colours are for the reader's background, light or dark; its pictures have the same.
    """

    key: str
    title: str | None
    subtitle: str
    chart: alt.TopLevelMixin
    source: str
    rows: pd.DataFrame
    dark: bool = field(default_factory=page.is_dark)

    def csv(self) -> bytes:
        """Return the rows as CSV (UTF-8)."""
        return self.rows.to_csv(index=False).encode()

    def parquet(self) -> bytes:
        """Return the rows as Parquet."""
        file = io.BytesIO()
        self.rows.to_parquet(file, index=False)
        return file.getvalue()

    def svg(self) -> bytes:
        """Return the chart as SVG, with title, subtitle and source on it."""
        return pictures.svg(self._framed()).encode()

    def png(self) -> bytes:
        """Return the chart as PNG at twice the screen's resolution, with title, subtitle and source on it."""
        return pictures.png(self._framed())

    def _framed(self) -> dict[str, Any]:
        return pictures.framed(self.chart, self.title or "", self.subtitle, self.source, dark=self.dark)


def show(figure: Figure) -> None:
    """Draw the figure: chart or table as the reader chooses, and under it source, date and downloads.

    A click on a point that tells its response_id shows the answer that it was read from.
    """
    if figure.title:
        st.markdown(f"#### {figure.title}")
    st.caption(figure.subtitle)
    body = st.container()
    traced = READING in figure.rows
    st.caption(f"{figure.source} {CLICK}" if traced else figure.source)
    with st.container(horizontal=True, vertical_alignment="center"):
        view = controls.view((CHART, TABLE), f"{figure.key}-view")
        with st.popover("Download", icon=":material/download:"):
            _downloads(figure)
    with body:
        if view == TABLE:
            st.dataframe(figure.rows, hide_index=True, width="stretch")
        elif traced:
            clicked = st.altair_chart(figure.chart, width="stretch", key=figure.key, on_select="rerun")
            _answers(clicked["selection"].get(READING, []))
        else:
            st.altair_chart(figure.chart, width="stretch", key=figure.key)


def _answers(clicked: list[dict[str, str]]) -> None:
    """Tell of a clicked point where it was read, when, and how to see the answer's body."""
    state = published(database())
    if not clicked or state is None:
        return
    response_id = clicked[0][READING]
    for answer in data.answer(state, response_id).to_dict("records"):
        address = f"[{answer['url']}]({answer['url']})" if wording.known(answer["url"]) else "no address is known"
        status = f", status {answer['status']:.0f}" if wording.known(answer["status"]) else ""
        st.info(
            f"Read on {wording.instant(answer['fetched_at'])} from {address}{status}. "
            f"The answer itself: `dlpulse raw show {response_id}`",
            icon=":material/link:",
        )


def _downloads(figure: Figure) -> None:
    """Offer the data and the picture; each is made only when it is asked for."""
    makers: dict[str, tuple[str, Callable[[], bytes], str]] = {
        "Data, CSV": ("csv", figure.csv, "text/csv"),
        "Data, Parquet": ("parquet", figure.parquet, "application/vnd.apache.parquet"),
        "Picture, PNG": ("png", figure.png, "image/png"),
        "Picture, SVG": ("svg", figure.svg, "image/svg+xml"),
    }
    for label, (ending, make, mime) in makers.items():
        name = f"dlpulse-{figure.key}.{ending}"
        st.download_button(label, make, name, mime, key=f"{figure.key}-{ending}", width="stretch", on_click="ignore")
