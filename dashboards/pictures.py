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
    spec = _seen(_whole(chart))
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
    return {
        **spec,
        "layer": [*spec["layer"], note],
        "title": heading,
        "width": WIDTH,
        "padding": 20,
        "config": {**spec.get("config", {}), **_look(dark)},
    }


def bare(chart: alt.TopLevelMixin, width: int) -> dict[str, Any]:
    """Return the chart's specification for a page that says the rest: as wide as `width` pixels, labels and all."""
    return {
        **_seen(_whole(chart)),
        "width": width,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "config": {**_look(False), "background": None},
    }


def _whole(chart: alt.TopLevelMixin) -> dict[str, Any]:
    """Return the specification with all its rows: Altair's limit of 5,000 is for notebooks that are kept."""
    with alt.data_transformers.disable_max_rows():
        return dict(chart.to_dict())


def _seen(spec: dict[str, Any]) -> dict[str, Any]:
    """Return the specification without what only a pointer finds: unseen targets, and what a click selects."""
    layers = [layer for layer in spec["layer"] if _mark(layer).get("opacity") != 0]
    return {key: value for key, value in spec.items() if key != "params"} | {"layer": layers}


def _mark(layer: dict[str, Any]) -> dict[str, Any]:
    mark = layer["mark"]
    return mark if isinstance(mark, dict) else {"type": mark}


def _look(dark: bool) -> dict[str, Any]:
    """Return the Vega-Lite configuration: faces, sizes and greys as on the pages."""
    return {
        "background": ink.PAPER[dark],
        # Pages say in words what a picture shows; Vega would label marks and leave some nameless.
        "mark": {"aria": False},
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
