"""The report: one page that needs nothing but itself, its pictures and data, made again byte by byte."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from dashboards import report
from tests.conftest import ROOT, environment
from tests.dashboards import sample
from tests.dashboards.conftest import Home
from warehouse.errors import BadInputError, DlpulseError


def written(home: Path, folder: Path) -> str:
    report.write(home / "dlpulse.duckdb", folder, lambda *_: None)
    return (folder / "index.html").read_text("utf-8")


@pytest.fixture(scope="module")
def folder(sample_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report") / "out"
    written(sample_home("full"), folder)
    return folder


def test_it_answers_first_and_holds_every_chapter(folder: Path) -> None:
    page = (folder / "index.html").read_text("utf-8")
    assert re.findall(r"<h2>(.*?)</h2>", page) == [
        *("Stars", "Papers", "Surveys", "Downloads and questions", "Benchmarks", "Popularity × speed"),
        *("Which to learn first?", "The article of 2018, for 30 Jun 2018", "The article of 2018, for 22 Nov 2026"),
    ]
    assert "has the most stars" in re.findall(r"<h1>(.*?)</h1>", page)[0]
    assert "PyTorch trains 1.21 times as fast as Keras (keras-tensorflow)" in page
    assert "As known on 22 Nov 2026, 10:00 UTC" in page
    assert page.count('class="wide"') == page.count('class="narrow"') == page.count("<figure ") >= 12
    assert "Torch (Lua), to 2018" in page
    assert page.count("<summary>SQL</summary>") == 22 and "date '2018-06-30'" in page


def test_it_needs_neither_network_nor_script(folder: Path) -> None:
    page = (folder / "index.html").read_text("utf-8")
    assert not re.findall(r'(?:src|href|action)="(?:https?:)?//', page)
    assert re.findall(r"<script(?![^>]*application/json)", page) == []
    assert "default-src 'none'" in page
    links = set(re.findall(r'href="([^"#]+)"', page))
    assert links == {path.name for path in folder.iterdir()} - {"index.html"}


def test_pictures_and_data_lie_beside_it(folder: Path) -> None:
    names = json.loads(re.findall(r'id="files">(.*?)</script>', (folder / "index.html").read_text("utf-8"))[0])
    assert sorted([*names, "index.html"]) == sorted(path.name for path in folder.iterdir())
    assert all((folder / name).read_bytes().startswith(b"\x89PNG") for name in names if name.endswith(".png"))
    rows = list(csv.DictReader(io.StringIO((folder / "stars-observed.csv").read_text("utf-8"))))
    newest = {row["framework_id"]: int(row["value"]) for row in rows if row["day"] == "2026-08-22"}
    assert newest["keras"] > 60_000 and len(newest) == 10


def test_what_a_chart_refers_to_within_itself_is_its_own(folder: Path) -> None:
    page = (folder / "index.html").read_text("utf-8")
    names = re.findall(r'<clipPath id="([^"]+)"', page)
    assert names and len(names) == len(set(names))
    assert set(re.findall(r"url\(#([^)]+)\)", page)) <= set(names)


def test_the_same_database_gives_the_same_bytes(folder: Path, sample_home: Home, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "dlpulse", "report", str(tmp_path / "again")]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(sample_home("full")), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"wrote \S+/again/index\.html with \d+ figures\n", done.stdout)
    one, other = ({path.name: path.read_bytes() for path in at.iterdir()} for at in (folder, tmp_path / "again"))
    assert one.keys() == other.keys()
    assert [name for name in one if one[name] != other[name]] == []


@pytest.mark.parametrize("variant", ["cited", "half", "empty"])
def test_a_database_that_knows_little_gives_a_short_report(variant: str, sample_home: Home, tmp_path: Path) -> None:
    page = written(sample_home(variant), tmp_path / "out")
    assert "<h1>" in page and ("<h2>Papers</h2>" in page) == (variant == "full")


def test_names_from_a_registry_or_a_survey_are_text(tmp_path: Path) -> None:
    with duckdb.connect(str(sample.write(tmp_path / "dlpulse.duckdb", "full"))) as connection:
        for table in ("dim_frameworks", "rpt_frameworks"):
            connection.execute(f"update {table} set name = '<img src=x onerror=alert(1)>' where framework_id = 'keras'")
        connection.execute("update fct_survey_shares set survey = 'a/</script><b>' where survey = 'kdnuggets'")
        connection.execute("update fct_survey_shares set label = '=cmd|x', population = '<b>all</b>'")
    page = written(tmp_path, tmp_path / "out")
    assert "<img src=x" not in page and "<b>all</b>" not in page
    assert "&lt;img src=x" in page
    assert "\n'=cmd" in "\n".join((tmp_path / "out" / "survey-1-a-script-b-2018.csv").read_text("utf-8").split(","))


def test_an_earlier_report_is_replaced_and_anything_else_is_left_alone(
    folder: Path, sample_home: Home, tmp_path: Path
) -> None:
    out = shutil.copytree(folder, tmp_path / "out")
    written(sample_home("cited"), out)
    assert not (out / "stars-gross.png").exists() and (out / "stars-observed.png").exists()
    (out / "notes.txt").write_text("mine")
    with pytest.raises(BadInputError, match=r"holds notes\.txt, which no report wrote; move it away"):
        written(sample_home("full"), out)
    other = tmp_path / "other"
    other.mkdir()
    (other / "index.html").write_text("<h1>my own page</h1>")
    with pytest.raises(BadInputError, match=r"holds index\.html and is no earlier report"):
        written(sample_home("full"), other)
    assert (other / "index.html").read_text() == "<h1>my own page</h1>"


def test_without_a_database_it_says_what_makes_one(sample_home: Home, tmp_path: Path) -> None:
    with pytest.raises(DlpulseError, match="dlpulse build makes one"):
        written(sample_home("missing"), tmp_path / "out")
    assert not (tmp_path / "out").exists()
