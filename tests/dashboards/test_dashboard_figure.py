"""A figure taken away from the page still says what it shows: its pictures and its data as files."""

from __future__ import annotations

import io
import struct

import pandas as pd
import pytest

from dashboards import charts, ink, series
from dashboards.charts import READING
from dashboards.figure import Figure

SOURCE = "Source: someone who counted · to 31 Dec 2025. Lines break where readings are missing. " * 3


def figure(*, dark: bool = False) -> Figure:
    rows = pd.DataFrame(
        {
            "series": ["a/a", "a/a", "b/b", "b/b"],
            "framework_id": ["a", "a", "b", "b"],
            "label": ["Ay", "Ay", "Bee & Co", "Bee & Co"],
            "day": pd.to_datetime(["2024-12-31", "2025-12-31"] * 2),
            "value": [1000, 2000, 10, 3000],
            "rounded_to": [0, 0, 100, 100],
            "source": ["counter"] * 4,
            READING: ["one", "two", "three", "four"],
        }
    )
    broken = series.break_lines(rows, pd.DataFrame(columns=["subject", "period_start", "period_end"]), 460)
    look = charts.Look(["a"], {"a": "#E8590C", "b": "#1C7ED6"}, dark=dark)
    return Figure("stars", "Bee passes Ay", "Stars in all", charts.lines(broken, look), SOURCE, rows, dark)


def test_the_svg_says_what_it_shows_and_whence() -> None:
    drawn = figure().svg().decode()
    for words in ("Bee passes Ay", "Stars in all", "Source: someone who counted", "Bee &amp; Co", ">2k<"):
        assert words in drawn
    assert ink.PAPER[False].lower() in drawn.lower() and "http://www.w3.org/2000/svg" in drawn


def test_the_whole_source_stays_on_the_picture_however_long() -> None:
    drawn = figure().svg().decode()
    assert drawn.count("someone who counted") == 3
    width = float(drawn.split('viewBox="0 0 ')[1].split(" ")[0])
    assert width < 1200, "a long line was not wrapped"


def test_a_dark_page_gives_a_dark_picture() -> None:
    drawn = figure(dark=True).svg().decode().lower()
    assert ink.PAPER[True].lower() in drawn and ink.TEXT[True].lower() in drawn


def test_the_png_has_twice_the_pixels() -> None:
    picture = figure().png()
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", picture[16:24])
    assert width > 2 * 860 and height > 2 * 440


def test_the_same_figure_gives_the_same_bytes() -> None:
    assert figure().svg() == figure().svg()
    assert figure().png() == figure().png()


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_the_data_files_hold_what_is_drawn(ending: str) -> None:
    shown = figure()
    file = io.BytesIO(getattr(shown, ending)())
    read = pd.read_parquet(file) if ending == "parquet" else pd.read_csv(file, parse_dates=["day"])
    pd.testing.assert_frame_equal(read, shown.rows, check_dtype=False)


def test_a_point_can_be_clicked_where_its_answer_is_known() -> None:
    spec = figure().chart.to_dict()
    assert [one["name"] for one in spec["params"]] == [READING]
    assert spec["params"][0]["select"] == {"type": "point", "fields": [READING, "series", "day"]}
    plain = figure().rows.drop(columns=READING)
    broken = series.break_lines(plain, pd.DataFrame(columns=["subject", "period_start", "period_end"]), 460)
    assert "params" not in charts.lines(broken, charts.Look(["a"], {})).to_dict()
