"""The charts, their lines and their words, checked on values worked out by hand."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import altair as alt
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards import charts, findings, ink, overview_table, pictures, series, spreads, wording

NO_GAPS = pd.DataFrame({"subject": [], "period_start": [], "period_end": []})


def points(*rows: tuple[str, str, float]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["series", "day", "value"])
    frame["day"] = pd.to_datetime(frame["day"])
    return frame.assign(framework_id=frame["series"], label=frame["series"], source="EvanLi", rounded_to=0)


def rows_of(spec: dict[str, Any], layer: int) -> list[dict[str, Any]]:
    name = spec["layer"][layer].get("data", spec.get("data"))["name"]
    rows: list[dict[str, Any]] = spec["datasets"][name]
    return rows


def test_a_line_breaks_at_a_long_step_and_at_a_gap_that_lies_within_a_step() -> None:
    readings = points(("a", "2024-01-01", 1), ("a", "2024-01-31", 2), ("a", "2024-05-01", 3), ("b", "2024-01-01", 1))
    assert list(series.break_lines(readings, NO_GAPS, 62)["segment"]) == [0, 0, 1, 0]
    gap = pd.DataFrame({"subject": ["a"], "period_start": ["2024-01-05"], "period_end": ["2024-01-20"]})
    assert list(series.break_lines(readings, gap, 400)["segment"]) == [0, 1, 1, 0]
    elsewhere = gap.assign(subject="c")
    assert list(series.break_lines(readings, elsewhere, 400)["segment"]) == [0, 0, 0, 0]


def test_a_gap_that_is_not_over_breaks_nothing() -> None:
    readings = points(("a", "2024-01-01", 1), ("a", "2024-01-31", 2))
    still = pd.DataFrame({"subject": ["*"], "period_start": ["2024-01-05"], "period_end": [None]})
    assert list(series.break_lines(readings, still, 400)["segment"]) == [0, 0]


def test_labels_near_each_other_are_moved_apart_and_keep_their_order() -> None:
    assert series.spread([50.0, 51.0, 99.0], 0, 100, 0.1, log=False) == pytest.approx([50, 60, 99])
    assert series.spread([99.0, 100.0], 0, 100, 0.1, log=False) == pytest.approx([90, 100])
    assert series.spread([10.0, 1000.0], 10, 1000, 0.1, log=True) == pytest.approx([10, 1000])


@given(st.lists(st.floats(0, 100), min_size=1, max_size=11))
def test_spread_labels_never_collide(values: list[float]) -> None:
    places = sorted(series.spread(values, 0, 100, 0.05, log=False))
    assert all(later - earlier >= 5 - 1e-6 for earlier, later in pairwise(places))


def test_only_the_chosen_are_coloured_and_everyone_is_named() -> None:
    readings = series.break_lines(
        points(("keras", "2024-01-01", 10), ("keras", "2025-01-01", 20), ("jax", "2025-01-01", 5)), NO_GAPS, 460
    )
    spec = charts.lines(readings, charts.Look(["keras"], {"keras": "#C2255C", "jax": "#7048E8"})).to_dict()
    drawn = {row["series"]: (row["colour"], row["chosen"], row["alone"]) for row in rows_of(spec, 0)}
    assert drawn == {"keras": ("#C2255C", True, False), "jax": (ink.FAINT[False], False, True)}
    assert spec["layer"][0]["encoding"]["y"]["scale"] == {"domain": [0.0, 20.8], "nice": False, "type": "linear"}
    assert [row["label"] for row in rows_of(spec, 4)] == ["jax"]
    assert [row["label"] for row in rows_of(spec, 5)] == ["keras"]
    assert {channel["field"] for channel in spec["layer"][0]["encoding"]["detail"]} == {"series", "segment"}


@pytest.mark.parametrize(("number", "picks", "kept"), [(4_998, False, 2), (4_999, False, 3), (4_999, True, 2)])
def test_of_very_many_readings_only_the_chosen_can_be_pointed_at(number: int, picks: bool, kept: int) -> None:
    days = pd.date_range("2010-01-01", periods=number).strftime("%Y-%m-%d")
    readings = series.break_lines(
        points(*(("a", day, 1) for day in days), ("b", "2024-01-01", 5), ("b", "2024-01-02", 6)), NO_GAPS, 460
    )
    chart = charts.lines(readings, charts.Look(["b"], {}, picks=picks))
    assert len(pictures.framed(chart, "", "", "")["layer"]) == 6, "a picture holds them all"
    with alt.data_transformers.disable_max_rows():
        spec = chart.to_dict()
    # Both lines are drawn of their own readings; the third layer with this filter is that of the targets.
    assert [layer.get("transform") for layer in spec["layer"]].count([{"filter": "datum.chosen"}]) == kept - 1


def test_a_logarithmic_scale_leaves_out_what_it_cannot_show() -> None:
    readings = series.break_lines(
        points(("a", "2024-01-01", 0), ("a", "2024-02-01", 200), ("a", "2024-03-01", 2000)), NO_GAPS, 62
    )
    spec = charts.lines(readings, charts.Look(["a"], {}, log=True)).to_dict()
    assert [row["value"] for row in rows_of(spec, 0)] == [200, 2000]
    y = spec["layer"][0]["encoding"]["y"]
    assert y["scale"]["type"] == "log" and y["axis"]["values"] == [100, 200, 500, 1000, 2000]


def test_only_zeros_are_drawn_on_a_linear_scale() -> None:
    readings = series.break_lines(points(("a", "2024-01-01", 0)), NO_GAPS, 62)
    spec = charts.lines(readings, charts.Look(["a"], {}, log=True)).to_dict()
    assert spec["layer"][0]["encoding"]["y"]["scale"] == {"domain": [0.0, 1.0], "nice": False, "type": "linear"}


def test_a_line_that_ended_says_when() -> None:
    readings = series.break_lines(points(("a", "2018-12-18", 5), ("b", "2026-08-22", 7)), NO_GAPS, 460)
    spec = charts.lines(readings, charts.Look([], {})).to_dict()
    assert [row["said"] for row in rows_of(spec, 4)] == ["a, to 2018", "b"]
    assert spec["layer"][4]["encoding"]["text"]["field"] == "said"


def test_by_age_every_line_begins_with_its_framework_and_is_named_where_it_ends() -> None:
    readings = series.break_lines(points(("a", "2018-12-18", 5), ("b", "2026-08-22", 7)), NO_GAPS, 460)
    spec = charts.lines(readings.assign(age=[2.5, 0.5]), charts.Look([], {}, by_age=True)).to_dict()
    assert spec["layer"][0]["encoding"]["x"]["field"] == "age"
    assert spec["layer"][0]["encoding"]["x"]["scale"]["domain"] == [0, 2.5]
    assert {row["said"]: row["age"] for row in rows_of(spec, 4)} == {"a": 2.5, "b": 0.5}


def test_a_period_that_is_not_over_is_hollow_and_no_line_ends_in_it() -> None:
    readings = points(("a", "2026-09-01", 50), ("a", "2026-10-01", 70), ("a", "2026-11-01", 9))
    broken = series.break_lines(readings, NO_GAPS, 31).assign(partial=[False, False, True])
    broken = broken.assign(segment=broken["segment"] + broken["partial"])
    spec = charts.lines(broken, charts.Look(["a"], {})).to_dict()
    drawn = rows_of(spec, 0)
    assert [(row["alone"], row["hollow"]) for row in drawn] == [(False, False), (False, False), (True, True)]
    assert [row["value"] for row in rows_of(spec, 5)] == [70]


def test_outages_are_bands_behind_the_lines_and_releases_triangles_on_them() -> None:
    readings = series.break_lines(points(("a", "2025-04-30", 5), ("a", "2025-05-22", 7)), NO_GAPS, 62)
    outages = pd.DataFrame(
        {"since": [pd.Timestamp("2025-05-23")], "until": [pd.Timestamp("2026-11-22")], "note": ["a part only"]}
    )
    events = pd.DataFrame(
        {"framework_id": ["a"], "label": ["A"], "version": ["v2.0"], "day": ["2025-05-01"], "value": [5]}
    )
    spec = charts.lines(readings, charts.Look(["a"], {}), events=events, outages=outages).to_dict()
    marks = [layer["mark"]["type"] for layer in spec["layer"]]
    assert marks == ["rect", "text", "line", "line", "point", "point", "text", "circle", "text", "text"]
    # The band is in sight, though the last reading is before it.
    assert spec["layer"][2]["encoding"]["x"]["scale"]["domain"] == ["2025-04-30", "2026-11-22"]
    assert [row["version"] for row in rows_of(spec, 5)] == ["v2.0"]


def test_a_benchmark_row_shows_trials_quartiles_and_median_and_greys_what_may_not_be_ranked() -> None:
    results = pd.DataFrame(
        {
            "label": ["keras", "pytorch"],
            "colour": ["#C2255C", "#E8590C"],
            "median": [1680.0, 3435.0],
            "q1": [1660.0, 2400.0],
            "q3": [1700.0, 3510.0],
            "n": [8, 8],
            "unit": "images/s",
            "noisy": [False, True],
            "rankable": [True, False],
        }
    )
    trials = pd.DataFrame(
        {"label": ["keras", "pytorch", "other"], "value": [1676.0, 3507.0, 1.0], "unit": "images/s", "seed": 0}
    )
    spec = spreads.spreads(results, trials, 4000).to_dict()
    bands = rows_of(spec, 0)
    assert [(row["q1"], row["q3"], row["shown"]) for row in bands] == [(1660, 1700, "#C2255C"), (2400, 3510, ink.GREY)]
    assert bands[0]["said"] == "keras: 1,680 images/s (n = 8)"
    assert bands[1]["said"] == "pytorch: 3,435 images/s (n = 8) · not ranked"
    assert [row["value"] for row in rows_of(spec, 1)] == [1676, 3507]
    assert spec["layer"][0]["encoding"]["x"]["scale"]["domain"] == [0, 4000]


def test_bars_leave_out_what_is_not_known_and_put_the_largest_first() -> None:
    rows = pd.DataFrame({"framework_id": ["a", "b", "c"], "label": ["a", "b", "c"], "value": [0.1, None, 0.3]})
    spec = charts.bars(rows, charts.Look(["c"], {"c": "#1C7ED6"}, number_format=".1%")).to_dict()
    assert [(row["label"], row["value"]) for row in rows_of(spec, 0)] == [("c", 0.3), ("a", 0.1)]


@given(st.from_regex(r"#[0-9A-F]{6}", fullmatch=True), st.booleans())
def test_every_colour_becomes_readable_on_both_backgrounds(colour: str, dark: bool) -> None:
    assert ink.contrast(ink.readable(colour, dark=dark), ink.PAPER[dark]) >= 4.5


def test_contrast_of_black_and_white_is_21() -> None:
    assert ink.contrast("#000000", "#FFFFFF") == pytest.approx(21)


def test_numbers_read_as_people_write_them_and_absent_is_never_zero() -> None:
    assert wording.count(197213) == "197,213"
    assert wording.percent(0.0049) == "0.49 %" and wording.percent(1.123, signed=True) == "+112 %"
    assert wording.percent(0.0) == "0 %" and wording.percent(None) == wording.count(float("nan")) == "not known"
    assert [wording.figure(value) for value in (3689.4, 12.44, 0.384, None)] == ["3,689", "12.4", "0.38", "not known"]
    assert wording.day("2026-08-22") == "22 Aug 2026" and wording.month(None) == "date not known"
    assert wording.listing(["a", "b", "a", "c"]) == "a, b and c" and wording.listing([]) == ""


def test_a_title_says_the_finding_or_falls_back_to_the_question() -> None:
    figures = pd.DataFrame(
        [("a", "stars_observed", 10.0), ("b", "stars_observed", 30.0), ("a", "stars_growth_12m", 0.5)],
        columns=["framework_id", "measure", "value"],
    ).assign(as_of="2026-08-22")
    assert findings.overview(figures, {"b": "Bee"}) == "Bee has the most stars (30)"
    assert findings.overview(figures.head(0), {}) == "Which framework do people use, and which is fast here?"


def test_a_title_compares_no_stars_of_different_years() -> None:
    counts = [("a", 10.0, "2026-08-22"), ("b", 9.0, "2026-02-21"), ("c", 30.0, "2026-02-20")]
    figures = pd.DataFrame(counts, columns=["framework_id", "value", "as_of"]).assign(measure="stars_observed")
    named = {"a": "Ant", "b": "Bee", "c": "Cat"}
    assert findings.overview(figures, named) == "Ant has the most stars (10, of the 2 known)"


def test_a_name_with_markup_is_shown_as_text() -> None:
    known = pd.DataFrame([("x", "<script>", "#C2255C", "active")], columns=["framework_id", "name", "colour", "status"])
    figures = pd.DataFrame(columns=["framework_id", "measure", "value", "as_of", "since", "source", "base"])
    lines = series.break_lines(points(), NO_GAPS, 460)
    html = overview_table.table(known, figures, lines, [], dark=False)
    assert "&lt;script&gt;" in html and "<script>" not in html
    assert html.count("not known") == 7
