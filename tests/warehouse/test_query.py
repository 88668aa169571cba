"""Ad-hoc SQL through the real command: where it comes from, every format, one clear line for every fault."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import psutil
import pyarrow.parquet as pq
import pytest

from tests.conftest import Dlpulse, environment
from warehouse import sqlbox

SQL = "select framework_id, stars from fct_stars where framework_id = 'keras' and day = '2018-06-10'"


@pytest.fixture(scope="module")
def home(cited_home: Path) -> Path:
    """A home with a published database of the cited facts."""
    return cited_home


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


def test_instants_are_told_in_utc_wherever_the_machine_stands(dlpulse: Dlpulse, home: Path) -> None:
    sql = "select (timestamptz '2027-03-10 12:00:00+02')::varchar as at"
    result = dlpulse("sql", sql, "--format", "csv", DLPULSE_HOME=str(home), TZ="Asia/Tokyo")
    assert result.stdout == "at\n2027-03-10 10:00:00+00\n"


def test_sql_piped_in_needs_no_argument(dlpulse: Dlpulse, home: Path) -> None:
    result = dlpulse("sql", "--format", "csv", stdin=SQL, DLPULSE_HOME=str(home))
    assert (result.returncode, result.stdout, result.stderr) == (0, "framework_id,stars\nkeras,30349\n", "")


COMMENTED = "-- Which --format?\n--\n" + SQL


@pytest.mark.parametrize(
    "arguments",
    [
        ("sql", COMMENTED, "--format", "csv"),
        ("sql", "--format", "csv", COMMENTED),
        ("sql", "--format", "csv", "--", COMMENTED),
        ("sql", "--format", "csv", f"--{SQL}\n{SQL}"),
    ],
)
def test_sql_that_begins_with_a_comment_is_no_option(dlpulse: Dlpulse, home: Path, arguments: tuple[str, ...]) -> None:
    result = dlpulse(*arguments, DLPULSE_HOME=str(home))
    assert (result.returncode, result.stdout, result.stderr) == (0, "framework_id,stars\nkeras,30349\n", "")


def test_a_comment_alone_is_no_statement_and_no_option(dlpulse: Dlpulse, home: Path) -> None:
    result = dlpulse("sql", "-- select 1", DLPULSE_HOME=str(home))
    assert (result.returncode, result.stderr) == (2, "dlpulse: expected one SQL statement, found none\n")


@pytest.mark.parametrize(("name", "reason"), [("nope.sql", "No such file or directory"), ("", "Is a directory")])
def test_a_file_that_cannot_be_read_is_named_once(
    dlpulse: Dlpulse, home: Path, tmp_path: Path, name: str, reason: str
) -> None:
    result = dlpulse("sql", "-f", str(tmp_path / name), DLPULSE_HOME=str(home))
    assert (result.returncode, result.stderr) == (2, f"dlpulse: {tmp_path / name}: cannot be read: {reason}\n")


def test_two_statements_from_different_places_are_wrong_usage(dlpulse: Dlpulse, home: Path) -> None:
    result = dlpulse("sql", "select 1", "--tables", DLPULSE_HOME=str(home))
    assert result.returncode == 2
    assert result.stderr.startswith("dlpulse: expected one of: a statement, -f FILE, - (standard input), --tables, ")
    assert result.stderr.count("\n") == 1


def test_tables_and_macros_are_listed_with_rows_and_descriptions(dlpulse: Dlpulse, home: Path) -> None:
    listed = json.loads(dlpulse("sql", "--tables", "--format", "json", DLPULSE_HOME=str(home)).stdout)
    tables = {row["table"]: row for row in listed if not row["table"].endswith(")")}
    assert {"dim_frameworks", "fct_stars", "fct_bench_results", "rpt_frameworks", "meta_responses"} <= set(tables)
    assert all(row["description"] for row in tables.values())
    assert tables["fct_stars"]["rows"] == 133
    macros = {row["table"]: row["rows"] for row in listed if row["table"].endswith(")")}
    assert macros["stars_as_of(ts)"] is None


def test_a_macro_is_listed_with_its_comment(dlpulse: Dlpulse, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    with duckdb.connect(str(tmp_path / "home" / "dlpulse.duckdb")) as connection:
        connection.execute("create macro pairs(a, b) as table select a as x, b as y")
        connection.execute("comment on macro table pairs is 'Two things side by side.'")
    listed = dlpulse("sql", "--tables", "--format", "csv")
    columns = dlpulse("sql", "--describe", "pairs", "--format", "csv")
    assert listed.stdout == 'table,rows,description\n"pairs(a, b)",,Two things side by side.\n'
    assert [line.split(",")[0] for line in columns.stdout.splitlines()] == ["column", "x", "y"]


def test_a_table_is_described_column_by_column(dlpulse: Dlpulse, home: Path) -> None:
    result = dlpulse("sql", "--describe", "dim_frameworks", "--format", "json", DLPULSE_HOME=str(home))
    described = json.loads(result.stdout)
    assert [(row["column"], row["type"]) for row in described][:2] == [("framework_id", "VARCHAR"), ("name", "VARCHAR")]
    assert all(row["description"] for row in described)


@pytest.mark.parametrize("name", ["stars_as_of", "stars_as_of(ts)"])
def test_a_macro_is_described_by_the_columns_it_returns(dlpulse: Dlpulse, home: Path, name: str) -> None:
    result = dlpulse("sql", "--describe", name, "--format", "csv", DLPULSE_HOME=str(home))
    described = list(csv.reader(result.stdout.splitlines()))
    assert [row[:2] for row in described[:4]] == [
        ["column", "type"],
        ["framework_id", "VARCHAR"],
        ["repo_id", "VARCHAR"],
        ["day", "DATE"],
    ]


@pytest.mark.parametrize(
    ("macro", "table"),
    [
        ("stars_as_of", "fct_stars"),
        ("mentions_as_of", "fct_mentions"),
        ("frameworks_as_of", "rpt_frameworks"),
    ],
)
def test_a_macro_has_the_descriptions_of_the_table_it_mirrors(
    dlpulse: Dlpulse, home: Path, macro: str, table: str
) -> None:
    told = [
        json.loads(dlpulse("sql", "--describe", name, "--format", "json", DLPULSE_HOME=str(home)).stdout)
        for name in (macro, table)
    ]
    assert [{**row, "type": ""} for row in told[0]] == [{**row, "type": ""} for row in told[1]]
    assert all(row["description"] for row in told[0])


def test_a_table_that_is_not_there_brings_the_nearest_names(dlpulse: Dlpulse, home: Path) -> None:
    result = dlpulse("sql", "--describe", "fct_star", DLPULSE_HOME=str(home))
    expected = "dlpulse: --describe: there is no table or macro 'fct_star'; did you mean fct_stars"
    assert result.returncode == 2
    assert result.stderr.startswith(expected)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (
            "select stars form fct_stars where",
            'SQL: Parser Error: syntax error at or near "fct_stars" (line 1, column 19, near "fct_stars")',
        ),
        (
            "select 'ä',\n  nme\nfrom dim_repos",
            'SQL: Binder Error: Referenced column "nme" not found in FROM clause! Candidate bindings: "former_names", '
            '"framework_id" (line 2, column 3, near "nme")',
        ),
        (
            "from fct_star",
            'SQL: Catalog Error: Table with name fct_star does not exist! Did you mean "fct_stars"? (line 1, column 6, '
            'near "fct_star"); `dlpulse sql --tables` lists the tables',
        ),
        (
            "select cast(name as int) from dim_frameworks where framework_id = 'caffe'",
            "SQL: Conversion Error: Could not convert string 'Caffe' to INT32 when casting from source column name "
            '(line 1, column 8, near "cast(name as int)")',
        ),
        (
            "drop table fct_stars",
            "SQL: expected a statement that reads: select, from, with, values, pivot, describe, show, summarize or "
            "explain; found drop",
        ),
    ],
)
def test_a_fault_is_one_line_with_its_place_and_suggestions(
    dlpulse: Dlpulse, home: Path, statement: str, expected: str
) -> None:
    result = dlpulse("sql", statement, DLPULSE_HOME=str(home))
    assert (result.returncode, result.stdout, result.stderr) == (2, "", f"dlpulse: {expected}\n")


@pytest.mark.parametrize(
    ("statement", "rows"),
    [
        ("from dim_frameworks limit 2", 2),
        ("with a as (select 1) select * from a", 1),
        ("values (1), (2), (3)", 3),
        ("table dim_frameworks", 11),
        ("describe dim_frameworks", 5),
        ("show tables", None),
        ("summarize dim_frameworks", 5),
        ("pivot fct_stars on estimator using count(*) group by framework_id;", 11),
        ("with a as (pivot fct_stars on estimator using count(*) group by framework_id) from a -- done", 11),
        ("pivot fct_stars on estimator in ('observed') using count(*) group by framework_id", 11),
        ("unpivot (select 1 as a, 2 as b) on a, b", 2),
        ("/* plan */ explain from fct_stars", 1),
        ("explain analyze select count(*) from fct_stars", 1),
        ("explain (analyze, format json) from fct_stars", 1),
        ("explain (select 1)", 1),
        ("from stars_as_of(timestamp '2030-01-01')", 133),
    ],
)
def test_every_kind_of_reading_statement_is_answered(home: Path, statement: str, rows: int | None) -> None:
    answer = sqlbox.fetch(home / "dlpulse.duckdb", statement, rows_limit=1000)
    assert rows is None or answer.num_rows == rows


@pytest.mark.parametrize(("form", "expected"), [("csv", "one\n"), ("json", "[]\n"), ("md", "| one |\n| --- |\n")])
def test_an_empty_result_says_so_on_standard_error(dlpulse: Dlpulse, home: Path, form: str, expected: str) -> None:
    result = dlpulse("sql", "select 1 as one where false", "--format", form, DLPULSE_HOME=str(home))
    assert (result.returncode, result.stdout, result.stderr) == (0, expected, "0 rows\n")


def test_rows_beyond_the_table_are_counted(dlpulse: Dlpulse, home: Path) -> None:
    result = dlpulse("sql", "from range(120500)", DLPULSE_HOME=str(home))
    assert (result.returncode, result.stderr) == (0, "120000 more rows; --format csv writes all\n")


def test_a_large_result_is_written_whole_in_order(home: Path, tmp_path: Path) -> None:
    statement = "select range as n, range::varchar || 'x' as t from range(1000000)"
    with (tmp_path / "rows.parquet").open("wb") as file:
        command = [sys.executable, "-m", "dlpulse", "sql", statement, "--format", "parquet"]
        subprocess.run(command, env=environment(home), stdout=file, check=True)
    assert pq.read_table(tmp_path / "rows.parquet").column("n").to_pylist() == list(range(1_000_000))


def test_types_that_python_lacks_are_written_as_text(dlpulse: Dlpulse, home: Path) -> None:
    statement = (
        "select interval '14 months 3 days 4:05:06.5' as i, '2020-01-01 00:00:00.123456789'::timestamp_ns as n, "
        "170141183460469231731687303715884105727::uhugeint::varchar as h, 12::hugeint as s, map {'k': 1} as m"
    )
    result = dlpulse("sql", statement, "--format", "csv", DLPULSE_HOME=str(home))
    assert result.stdout.splitlines()[1] == (
        "14 months 3 days 04:05:06.5,2020-01-01 00:00:00.123456789,170141183460469231731687303715884105727,12,"
        '"{""k"": 1}"'
    )


@pytest.mark.parametrize(
    "attack", ["copy (select 1) to 'leak.csv'", "select * from read_csv('/etc/passwd')", "delete from fct_stars"]
)
def test_nothing_can_be_changed_or_reached(dlpulse: Dlpulse, home: Path, attack: str) -> None:
    """The command's end of it; tests/warehouse/attacks.toml is the whole list."""
    before = (home / "dlpulse.duckdb").read_bytes()
    result = dlpulse("sql", attack, DLPULSE_HOME=str(home))
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("dlpulse: SQL: ")
    assert (home / "dlpulse.duckdb").read_bytes() == before


def test_a_query_that_takes_too_long_is_stopped(dlpulse: Dlpulse, home: Path) -> None:
    endless = "select count(*) from range(100000000) a, range(100000000) b where a.range + b.range = 1"
    result = dlpulse("sql", endless, "--timeout", "0.5", DLPULSE_HOME=str(home))
    assert (result.returncode, result.stderr) == (
        1,
        "dlpulse: the query was stopped after 0.5 s; --timeout allows more\n",
    )


def test_a_query_that_needs_too_much_memory_is_stopped(dlpulse: Dlpulse, home: Path) -> None:
    statement = "select list(range) from range(2000000000)"
    result = dlpulse("sql", statement, "--memory", "300MB", DLPULSE_HOME=str(home))
    assert (result.returncode, result.stderr) == (
        1,
        "dlpulse: the query needs more than 300MB of memory; aggregate or filter earlier; --memory allows more\n",
    )


@pytest.mark.parametrize("size", ["lots", "2", "2ib", "1MB", "-1GB"])
def test_a_memory_size_that_is_none_is_wrong_usage(dlpulse: Dlpulse, home: Path, size: str) -> None:
    result = dlpulse("sql", "select 1", f"--memory={size}", DLPULSE_HOME=str(home))
    assert result.returncode == 2
    assert result.stderr.startswith("dlpulse: --memory: expected ")


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
    # The process that answers is there once the command listens; a busy machine takes its time until then.
    deadline = time.monotonic() + 60
    while not psutil.Process(process.pid).children() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1)
    process.terminate()
    assert process.communicate(timeout=60)[1] == "dlpulse: stopped; what was done before is kept\n"
    assert process.returncode == 130


def test_files_in_the_users_folder_are_not_run(tmp_path: Path) -> None:
    for name in ("click", "duckdb", "dbt", "numpy"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('run by mistake')")
    command = [str(Path(sys.executable).with_name("dlpulse")), "build"]
    variables = environment(tmp_path / "home")
    result = subprocess.run(command, env=variables, cwd=tmp_path, capture_output=True, text=True, check=False)
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


def test_duckdb_1_5_reads_tables_comments_and_macros(home: Path) -> None:
    statements = """
    select version();
    select stars from fct_stars where framework_id = 'keras' and day = '2018-06-10';
    select comment <> '' from duckdb_tables() where table_name = 'fct_stars';
    select comment <> '' from duckdb_columns() where table_name = 'fct_stars' and column_name = 'stars';
    select count(*) from stars_as_of(timestamp '2030-01-01');
    """
    command = [str(Path(sys.executable).with_name("duckdb")), "-readonly", "-noheader", "-list", "dlpulse.duckdb"]
    result = subprocess.run(command, input=statements, cwd=home, capture_output=True, text=True, check=True)
    version, *answers = result.stdout.split()
    assert version.startswith("v1.5.")
    assert (answers, result.stderr) == (["30349", "true", "true", "133"], "")
