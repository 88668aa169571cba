"""A chart with all that must travel with it: finding, measure and unit, source and date, its data, its pictures."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import altair as alt
import pandas as pd
import streamlit as st

from dashboards import controls, data, page, pictures, wording
from dashboards.charts import PICKED, READING
from dashboards.reader import database, published
from warehouse import spreadsheets

CHART, TABLE = "Chart", "Table"
CLICK = "Click a point for the answer it was read from."
PICK = "Click a line or row to bring its framework into colour on the whole page."


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
        """Return the rows as CSV (UTF-8), harmless to spreadsheets."""
        return spreadsheets.csv(self.rows)

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


class Clicked(NamedTuple):
    """The point that the reader clicked."""

    response_id: str
    series: str
    day: pd.Timestamp


def show(figure: Figure, *, picks: Mapping[str, str] | None = None) -> Clicked | None:
    """Draw the figure: chart or table as the reader chooses, and under it source, date and downloads.

    A click on a point that tells its response_id shows the answer that it was read from; returns that point. With
    `picks` (names by framework_id) a click, on a chart drawn for it, brings that framework into colour.
    """
    if figure.title:
        st.markdown(f"#### {figure.title}")
    st.caption(figure.subtitle)
    body = st.container()
    traced = READING in figure.rows
    st.caption(" ".join([figure.source, *([CLICK] if traced else []), *([PICK] if picks else [])]))
    with st.container(horizontal=True, vertical_alignment="center"):
        view = controls.view((CHART, TABLE), f"{figure.key}-view")
        with st.popover("Download", icon=":material/download:"):
            _downloads(figure)
    with body:
        if view == TABLE:
            st.dataframe(figure.rows, hide_index=True, width="stretch")
            return None
        return _drawn(figure, traced=traced, picks=picks or {})


def _drawn(figure: Figure, *, traced: bool, picks: Mapping[str, str]) -> Clicked | None:
    """Draw the chart; return the point that was clicked, if it tells its answer."""
    key = f"{figure.key}-chart"
    # Vega's own labels leave marks nameless; the words stand for the picture, and the table for its data.
    chart, alt = figure.chart.configure_mark(aria=False), f"{figure.title or ''}. {figure.subtitle}".lstrip(". ")
    if not traced and not picks:
        st.altair_chart(chart, width="stretch", key=key, alt=alt)
        return None
    react = partial(_pick, key, dict(picks)) if picks else "rerun"
    points = st.altair_chart(chart, width="stretch", key=key, alt=alt, on_select=react)["selection"]
    # Nothing clicked is an empty dictionary, not an empty list.
    for point in list(points.get(READING) or [])[:1]:
        if not point.get(READING):  # a mark that is no reading: a release, an outage
            return None
        clicked = Clicked(point[READING], point["series"], pd.Timestamp(point["day"], unit="ms"))
        _answer(clicked.response_id)
        return clicked
    return None


def _pick(key: str, names: Mapping[str, str]) -> None:
    """Bring the clicked framework into colour."""
    for point in list(st.session_state[key]["selection"].get(PICKED) or []):
        if point.get("framework_id") in names:
            controls.add_framework(names[point["framework_id"]])


def _answer(response_id: str) -> None:
    """Tell where an answer came from, when, and how to see its body."""
    state = published(database())
    for answer in data.answer(state, response_id).to_dict("records") if state else []:
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
