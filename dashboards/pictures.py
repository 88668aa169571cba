"""Charts as pictures that stand alone: title, subtitle and source are drawn onto them. No network, no browser."""

from __future__ import annotations

import re
import textwrap
from typing import Any

import altair as alt
import vl_convert

from dashboards import ink

WIDTH = 860
"""Pixels of the drawing, which all pictures share."""
SCALE = 2
_TITLE_SIZE, _SMALL_SIZE = 20, 12
# Letters of these sizes that fit into the width, in a face of usual breadth.
_TITLE_LETTERS, _SMALL_LETTERS = 78, 138
_LINE = 1.35
_CLIP = re.compile(r"\bclip(\d+)\b")


def framed(chart: alt.TopLevelMixin, title: str, subtitle: str, source: str, *, dark: bool = False) -> dict[str, Any]:
    """Return the chart's Vega-Lite specification with its circumstances on it."""
    spec: dict[str, Any] = chart.to_dict()
    note = {
        "data": {"values": [{}]},
        "mark": {
            **{"type": "text", "text": textwrap.wrap(source, _SMALL_LETTERS), "align": "left", "baseline": "top"},
            # Below the axis and its labels, at the chart's left edge.
            **{"x": 0, "y": {"expr": "height + 44"}, "clip": False},
            **{"fontSize": _SMALL_SIZE, "lineHeight": _SMALL_SIZE * _LINE, "color": ink.MUTED[dark]},
        },
    }
    heading = {
        **{"text": textwrap.wrap(title, _TITLE_LETTERS) or "", "subtitle": textwrap.wrap(subtitle, _SMALL_LETTERS)},
        **{"anchor": "start", "frame": "group", "offset": 14},
    }
    spec["layer"] = [*spec["layer"], note]
    return {
        **spec,
        "title": heading,
        "width": WIDTH,
        "padding": 20,
        "config": {**spec.get("config", {}), **_look(dark)},
    }


def _look(dark: bool) -> dict[str, Any]:
    """Return the Vega-Lite configuration: faces, sizes and greys as on the pages."""
    return {
        "background": ink.PAPER[dark],
        "font": ink.FONT,
        "view": {"stroke": None},
        "title": {
            **{"font": ink.HEADING_FONT, "fontSize": _TITLE_SIZE, "lineHeight": 26, "color": ink.TEXT[dark]},
            **{"subtitleFont": ink.FONT, "subtitleFontSize": 13, "subtitleColor": ink.MUTED[dark]},
            **{"subtitlePadding": 8, "subtitleLineHeight": 18},
        },
        "axis": {"labelColor": ink.MUTED[dark], "labelFontSize": 12, "labelPadding": 8, "gridColor": ink.GRID[dark]},
    }


def svg(spec: dict[str, Any]) -> str:
    """Return a framed specification as SVG; the same specification gives the same text."""
    drawn = str(vl_convert.vegalite_to_svg(spec))
    # Vega numbers what it clips by on through all pictures of a process.
    numbers = {number: str(place) for place, number in enumerate(dict.fromkeys(_CLIP.findall(drawn)))}
    return _CLIP.sub(lambda found: f"clip{numbers[found[1]]}", drawn)


def png(spec: dict[str, Any]) -> bytes:
    """Return a framed specification as PNG."""
    return bytes(vl_convert.vegalite_to_png(spec, scale=SCALE))
