"""Ad-hoc SQL through the real command: every format, and every way out of the database closed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from tests.conftest import Dlpulse, environment

SQL = "select framework_id, stars from fct_stars where framework_id = 'keras' and day = '2018-06-10'"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a published database of the cited facts."""
    folder = tmp_path_factory.mktemp("query") / "home"
    subprocess.run(
        [sys.executable, "-m", "dlpulse", "build"],
        env=environment(folder),
        check=True,
        capture_output=True,
        timeout=120,
    )
    return folder


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("csv", "framework_id,stars\nkeras,30349\n"),
        ("md", "| framework_id | stars |\n| --- | --- |\n| keras | 30349 |\n"),
        ("json", '[\n  {"framework_id": "keras", "stars": 30349}\n]\n'),
    ],
)
def test_text_formats(dlpulse: Dlpulse, home: Path, form: str, expected: str) -> None:
    result = dlpulse("sql", SQL, "--format", form, DLPULSE_HOME=str(home))
    assert (result.returncode, result.stdout, result.stderr) == (0, expected, "")


def test_the_table_shows_header_and_row(dlpulse: Dlpulse, home: Path) -> None:
    result = dlpulse("sql", SQL, DLPULSE_HOME=str(home))
    assert [line.split() for line in result.stdout.splitlines()[1:4:2]] == [
        ["framework_id", "stars"],
        ["keras", "30349"],
    ]


def test_parquet_goes_to_standard_output(home: Path, tmp_path: Path) -> None:
    with (tmp_path / "rows.parquet").open("wb") as file:
        command = [sys.executable, "-m", "dlpulse", "sql", SQL, "--format", "parquet"]
        subprocess.run(command, env=environment(home), stdout=file, check=True)
    assert pq.read_table(tmp_path / "rows.parquet").to_pylist() == [{"framework_id": "keras", "stars": 30349}]


def test_sql_from_a_file_and_from_standard_input(dlpulse: Dlpulse, home: Path, tmp_path: Path) -> None:
    (tmp_path / "query.sql").write_text(SQL)
    from_file = dlpulse("sql", "-f", str(tmp_path / "query.sql"), "--format", "csv", DLPULSE_HOME=str(home))
    from_stdin = dlpulse("sql", "-", "--format", "csv", stdin=SQL, DLPULSE_HOME=str(home))
    assert from_file.stdout == from_stdin.stdout == "framework_id,stars\nkeras,30349\n"


def test_tables_are_listed_with_their_descriptions(dlpulse: Dlpulse, home: Path) -> None:
    result = dlpulse("sql", "--tables", "--format", "json", DLPULSE_HOME=str(home))
    tables = {row["table"]: row["description"] for row in json.loads(result.stdout)}
    assert {"dim_frameworks", "fct_stars", "fct_bench_results", "rpt_frameworks", "meta_responses"} <= set(tables)
    assert all(tables.values())


@pytest.mark.parametrize(
    "attack",
    [
        "copy (select 1) to 'leak.csv'",
        "select * from read_csv('/etc/passwd')",
        "select * from '/etc/passwd'",
        "select * from read_text('/etc/hostname')",
        "attach 'other.duckdb'",
        "install httpfs",
        "load httpfs",
        "set enable_external_access = true",
        "set memory_limit = '100GB'",
        "delete from fct_stars",
        "create table mine as select 1",
        "drop table fct_stars",
        "export database 'leak'",
        "select 1; drop table fct_stars",
    ],
)
def test_nothing_can_be_changed_or_reached(dlpulse: Dlpulse, home: Path, attack: str) -> None:
    before = (home / "dlpulse.duckdb").read_bytes()
    result = dlpulse("sql", attack, DLPULSE_HOME=str(home))
    assert result.returncode == 2, result.stdout
    assert result.stderr.startswith(("dlpulse: SQL: ", "dlpulse: expected one SQL statement"))
    assert result.stderr.count("\n") == 1
    assert (home / "dlpulse.duckdb").read_bytes() == before


def test_a_query_that_takes_too_long_is_stopped(dlpulse: Dlpulse, home: Path) -> None:
    endless = "select count(*) from range(100000000) a, range(100000000) b where a.range + b.range = 1"
    result = dlpulse("sql", endless, "--timeout", "0.5", DLPULSE_HOME=str(home))
    assert (result.returncode, result.stderr) == (
        1,
        "dlpulse: the query was stopped after 0.5 s; --timeout allows more\n",
    )


def test_a_query_that_needs_too_much_memory_is_stopped(dlpulse: Dlpulse, home: Path) -> None:
    result = dlpulse("sql", "select list(range) from range(2000000000)", DLPULSE_HOME=str(home))
    assert result.returncode == 1
    assert "needs more than 2GB of memory" in result.stderr


@pytest.mark.parametrize(("text", "found"), [("", "none"), ("  ;", "none"), ("select 1; select 2", "2")])
def test_there_must_be_one_statement(dlpulse: Dlpulse, home: Path, text: str, found: str) -> None:
    result = dlpulse("sql", text, DLPULSE_HOME=str(home))
    assert (result.returncode, result.stderr) == (2, f"dlpulse: expected one SQL statement, found {found}\n")


NESTED = "select [1, null] as list, map {'a': 1} as map, 'nan'::double as number, true as flag, null as nothing"


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("csv", 'list,map,number,flag,nothing\n"[1, null]","{""a"": 1}",nan,true,\n'),
        ("json", '[\n  {"list": [1, null], "map": {"a": 1}, "number": null, "flag": true, "nothing": null}\n]\n'),
        (
            "md",
            "| list | map | number | flag | nothing |\n| --- | --- | --- | --- | --- |\n"
            '| [1, null] | {"a": 1} | nan | true |  |\n',
        ),
    ],
)
def test_nested_and_missing_values(dlpulse: Dlpulse, home: Path, form: str, expected: str) -> None:
    result = dlpulse("sql", NESTED, "--format", form, DLPULSE_HOME=str(home))
    assert (result.stdout, result.stderr) == (expected, "")


def test_no_number_is_cut_when_a_table_is_wider_than_the_terminal(home: Path) -> None:
    command = (
        f"stty cols 80; {sys.executable} -m dlpulse sql \"select * from rpt_frameworks where framework_id = 'keras'\""
    )
    shown = subprocess.run(
        ["script", "-qec", command, "/dev/null"], env=environment(home), capture_output=True, text=True, check=True
    ).stdout
    assert "64244" in shown
    assert "stars_observed" in shown


def test_a_type_that_parquet_does_not_have_is_one_line(dlpulse: Dlpulse, home: Path) -> None:
    result = dlpulse("sql", "select interval 1 day as i", "--format", "parquet", DLPULSE_HOME=str(home))
    assert result.returncode == 2
    assert result.stderr.startswith("dlpulse: --format parquet: ")
    assert result.stderr.count("\n") == 1


def test_ctrl_c_stops_a_query_without_a_traceback(home: Path) -> None:
    endless = "select count(*) from range(100000000) a, range(100000000) b where a.range + b.range = 1"
    process = subprocess.Popen(
        [sys.executable, "-m", "dlpulse", "sql", endless], env=environment(home), stderr=subprocess.PIPE, text=True
    )
    time.sleep(3)
    process.terminate()
    assert process.communicate(timeout=30)[1] == "dlpulse: stopped; what was done before is kept\n"
    assert process.returncode == 130


def test_files_in_the_users_folder_are_not_run(home: Path, tmp_path: Path) -> None:
    for name in ("click", "duckdb", "dbt", "numpy"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('run by mistake')")
    command = [str(Path(sys.executable).with_name("dlpulse")), "build"]
    result = subprocess.run(command, env=environment(home), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def test_without_a_database_one_line_says_what_to_do(dlpulse: Dlpulse, tmp_path: Path) -> None:
    result = dlpulse("sql", "select 1")
    database = tmp_path / "home" / "dlpulse.duckdb"
    expected = f"dlpulse: there is no database at {database} yet; `dlpulse run` or `dlpulse build` makes it\n"
    assert (result.returncode, result.stderr) == (1, expected)


def test_the_file_opens_in_plain_duckdb_with_its_macro(home: Path) -> None:
    with duckdb.connect(str(home / "dlpulse.duckdb"), read_only=True) as connection:
        assert connection.execute(
            "select count(*) from stars_as_of(now()::timestamp + interval 10 years)"
        ).fetchone() == (133,)
