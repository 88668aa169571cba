"""A matrix of shares: row by column, darker where the share is larger, each cell written. DataFrame -> alt.Chart."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd

from dashboards import ink

CELL_PIXELS = 34
# What a column's name takes when it lies; with less room for each they stand.
_LABEL_PIXELS = 90
_DARKEST = {False: "#1D3D63", True: "#8FB8E8"}
# From this part of the largest share on, the cell is too dark for the page's own text colour.
_INVERTED = 0.55


def matrix(
    cells: pd.DataFrame, tooltip: list[alt.Tooltip], *, columns: Sequence[str] = (), dark: bool = False
) -> alt.LayerChart:
    """Draw `cells` (row, column, share 0..1), rows in the order in which they first come, and as `columns` says.

    Without `columns` these are among the rows, and in their order. A cell's `said` stands in it, without one the share
    in per cent. What has no cell stays empty; a share of zero is written.
    """
    rows, there = list(dict.fromkeys(cells["row"])), set(cells["column"])
    largest = float(cells["share"].max()) or 1.0
    cells = cells.astype({"share": float})
    said = cells["said"] if "said" in cells else [_short(share) for share in cells["share"]]
    data = cells.assign(said=said, deep=cells["share"] >= _INVERTED * largest)
    order = [name for name in columns or rows if name in there]
    axis = {"title": None, "domain": False, "ticks": False, "labelFontSize": 12}
    narrow = f"width < {_LABEL_PIXELS * len(order)}"
    upright = {
        "labelAngle": alt.ExprRef(f"{narrow} ? -90 : 0"),
        "labelAlign": alt.ExprRef(f"{narrow} ? 'left' : 'center'"),
        "labelBaseline": alt.ExprRef(f"{narrow} ? 'middle' : 'bottom'"),
    }
    base = alt.Chart(data).encode(
        x=alt.X("column:N", sort=order, axis=alt.Axis(orient="top", **axis, **upright)),
        y=alt.Y("row:N", sort=rows, axis=alt.Axis(labelPadding=8, **axis)),
        tooltip=tooltip,
    )
    shades = alt.Scale(domain=[0, largest], range=[ink.GRID[dark], _DARKEST[dark]])
    filled = base.mark_rect(stroke=ink.PAPER[dark], strokeWidth=2).encode(
        color=alt.Color("share:Q", scale=shades, legend=None)
    )
    words = base.mark_text(fontSize=11).encode(
        text="said:N", color=alt.condition("datum.deep", alt.value(ink.PAPER[dark]), alt.value(ink.TEXT[dark]))
    )
    return alt.layer(filled, words).properties(
        height=CELL_PIXELS * len(rows) + 40, padding={"left": 4, "top": 4, "bottom": 4, "right": 4}
    )


def _short(share: float) -> str:
    """Write a share in as little room as can be: 0, <1, 4, 61 (per cent)."""
    return "<1" if 0 < share < 0.01 else f"{100 * share:.0f}"
