"""What ad-hoc SQL writes when values, names, limits or the output are unusual: the real command on a small file."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import Dlpulse, environment
from warehouse.raw import Archive

LONG_COMMENT = "What it means, told in so many words that a terminal of eighty columns has no room for them. " * 2


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a database of one table and one macro."""
    folder = tmp_path_factory.mktemp("output")
    with duckdb.connect(str(folder / "dlpulse.duckdb")) as connection:
        connection.execute("create table fct_stars as select range as stars from range(3)")
        connection.execute(f"comment on table fct_stars is '{LONG_COMMENT}'")
        connection.execute("create macro stars_as_of(ts) as table select ts::timestamp as at")
    return folder


def run(home: Path, *arguments: str, shell: str = "", **variables: str) -> subprocess.CompletedProcess[bytes]:
    """The command with its output redirected as `shell` says."""
    command = ["sh", "-c", f'exec "$@" {shell}', "sh", sys.executable, "-m", "dlpulse", *arguments]
    return subprocess.run(command, env=environment(home, **variables), capture_output=True, timeout=120, check=False)


def test_parquet_of_a_query_that_was_stopped_cannot_be_taken_for_whole(home: Path) -> None:
    result = run(home, "sql", "from range(1000000000000)", "--format", "parquet", "--timeout", "2")
    assert result.returncode == 1
    assert result.stdout.startswith(b"PAR1")
    with pytest.raises(pa.ArrowInvalid, match="footer"):
        pq.read_table(io.BytesIO(result.stdout))


@pytest.mark.parametrize("form", ["json", "parquet"])
def test_two_columns_of_one_name_are_refused_where_one_would_be_lost(dlpulse: Dlpulse, home: Path, form: str) -> None:
    result = dlpulse("sql", "select 1 as source, 2 as source", "--format", form, DLPULSE_HOME=str(home))
    expected = (2, "", "dlpulse: two columns are called 'source': name one with AS\n")
    assert (result.returncode, result.stdout, result.stderr) == expected


@pytest.mark.parametrize("form", ["table", "md"])
def test_control_characters_are_shown(dlpulse: Dlpulse, home: Path, form: str) -> None:
    statement = "select 'a' || chr(27) || '[2J' || chr(155) || chr(127) || chr(13) as \"b\x1b[1m\""
    shown = dlpulse("sql", statement, "--format", form, DLPULSE_HOME=str(home)).stdout
    assert r"a\x1b[2J\x9b\x7f\x0d" in shown
    assert r"b\x1b[1m" in shown
    assert "\x1b" not in shown


def test_csv_keeps_control_characters(home: Path) -> None:
    assert run(home, "sql", "select chr(27) as a", "--format", "csv").stdout == b"a\n\x1b\n"


def test_control_characters_of_an_error_are_shown(dlpulse: Dlpulse, home: Path) -> None:
    result = dlpulse("sql", "select error('a' || chr(27) || '[2J')", DLPULSE_HOME=str(home))
    assert r"a\x1b[2J" in result.stderr
    assert "\x1b" not in result.stderr


def test_a_long_cell_of_a_table_is_cut_and_says_its_length(dlpulse: Dlpulse, home: Path) -> None:
    result = dlpulse("sql", "select repeat('x', 60000000) as y", DLPULSE_HOME=str(home))
    assert result.stdout.rstrip().endswith("x… (60,000,000 characters)")
    assert result.stdout.count("x") == 2000


def test_a_long_text_in_an_enumeration_is_not_repeated_in_who_asks(dlpulse: Dlpulse, home: Path) -> None:
    word = "x" * 5_000_000
    result = dlpulse("sql", "-", stdin=f"select '{word}'::enum('{word}') from range(10000)", DLPULSE_HOME=str(home))
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert "too large" in result.stderr or "of memory" in result.stderr


@pytest.mark.parametrize(
    "arguments", [("sql", "from fct_stars"), ("sql", "from fct_stars", "--format", "csv"), ("status",)]
)
@pytest.mark.parametrize(
    ("shell", "reason"), [(">/dev/full", b"No space left on device"), (">&-", b"Bad file descriptor")]
)
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_an_output_that_cannot_be_written_is_one_line(
    home: Path, arguments: tuple[str, ...], shell: str, reason: bytes, unbuffered: str
) -> None:
    result = run(home, *arguments, shell=shell, PYTHONUNBUFFERED=unbuffered)
    assert (result.returncode, result.stderr) == (1, b"dlpulse: cannot write the result: " + reason + b"\n")


def test_a_character_that_the_terminal_lacks_is_one_line(home: Path) -> None:
    result = run(home, "sql", "select 'ä' as a", PYTHONIOENCODING="ascii")
    expected = b"dlpulse: cannot write the result: it has characters that ascii lacks; PYTHONIOENCODING=utf-8 helps\n"
    assert (result.returncode, result.stderr) == (1, expected)


def test_descriptions_are_folded_at_the_width_of_the_terminal(dlpulse: Dlpulse, home: Path) -> None:
    lines = dlpulse("sql", "--tables", DLPULSE_HOME=str(home), COLUMNS="80").stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert sum("fct_stars" in line for line in lines) == 1
    assert not any(line.startswith("row 1") for line in lines)


@pytest.mark.parametrize("name", ["FCT_Stars", "main.fct_stars", "dlpulse.main.fct_stars"])
def test_a_table_is_found_as_sql_finds_it(dlpulse: Dlpulse, home: Path, name: str) -> None:
    result = dlpulse("sql", "--describe", name, "--format", "csv", DLPULSE_HOME=str(home))
    assert result.stdout == "column,type,description\nstars,BIGINT,\n"


def test_sql_that_is_not_utf8_is_wrong_usage(home: Path, tmp_path: Path) -> None:
    (tmp_path / "latin.sql").write_bytes(b"select '\xe4'")
    result = run(home, "sql", shell=f"< {tmp_path / 'latin.sql'}")
    assert (result.returncode, result.stderr) == (2, b"dlpulse: the SQL is not UTF-8\n")


def test_a_value_refused_within_a_macro_brings_no_false_place(dlpulse: Dlpulse, home: Path) -> None:
    result = dlpulse("sql", "from stars_as_of('garbage') where true and 1 = 1", DLPULSE_HOME=str(home))
    assert result.stderr.startswith("dlpulse: SQL: Conversion Error: invalid timestamp field format")
    assert "(line" not in result.stderr


def test_a_markdown_header_escapes_what_parts_columns(dlpulse: Dlpulse, home: Path) -> None:
    result = dlpulse("sql", 'select 1 as "a|b"', "--format", "md", DLPULSE_HOME=str(home))
    assert result.stdout == "| a\\|b |\n| --- |\n| 1 |\n"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("'infinity'::timestamp", "infinity"),
        ("'-infinity'::timestamptz", "-infinity"),
        ("'infinity'::date", "infinity"),
        (r"'a\x00\xFF'::blob", r"a\x00\xFF"),
        ("'101'::bit", "101"),
        ("340282366920938463463374607431768211455::uhugeint", "340282366920938463463374607431768211455"),
        ("timetz '12:00:00+02'", "12:00:00+02"),
        ("null", ""),
        ("''", '""'),
        ("'a,\"b'", '"a,""b"'),
        ("{'k': 'a'::enum('a')}", '"{""k"": ""a""}"'),
    ],
)
def test_values_that_arrow_or_python_lack_are_written_as_duckdb_does(
    dlpulse: Dlpulse, home: Path, value: str, expected: str
) -> None:
    result = dlpulse("sql", f"select {value} as v", "--format", "csv", DLPULSE_HOME=str(home))
    assert (result.stdout, result.stderr) == (f"v\n{expected}\n", "")


def test_json_has_an_interval_as_the_other_formats_do(dlpulse: Dlpulse, home: Path) -> None:
    statement = "select interval 1 day as v, [interval '1 month 2:00'] as w"
    result = dlpulse("sql", statement, "--format", "json", DLPULSE_HOME=str(home))
    assert result.stdout == '[\n  {"v": "1 day", "w": ["1 month 02:00:00"]}\n]\n'


@pytest.mark.parametrize("form", ["table", "csv", "json", "md", "parquet"])
def test_a_struct_without_fields_is_written_in_every_format(home: Path, form: str) -> None:
    result = run(home, "sql", "select {} as e, {'a': {}} as f, [null, {}] as g", "--format", form)
    assert (result.returncode, result.stderr) == (0, b"")
    assert b"{}" in result.stdout


@pytest.mark.parametrize("form", ["table", "csv", "json", "md"])
def test_every_type_of_duckdb_is_written(home: Path, form: str) -> None:
    result = run(home, "sql", "from test_all_types()", "--format", form)
    assert (result.returncode, result.stderr) == (0, b"")
    if form == "json":
        first, second, third = json.loads(result.stdout)
        assert first["date_array"] == []
        assert second["date_array"] == ["1970-01-01", "infinity", "-infinity", None, "2022-05-12"]
        assert set(third.values()) == {None}


def test_infinite_days_within_structs_and_maps_are_text(dlpulse: Dlpulse, home: Path) -> None:
    statement = (
        "select unnest([{'a': ['infinity'::date, null]}, null]) as s, "
        "unnest([map {'k': 'infinity'::date}, null]) as m, unnest([['infinity'::date], null]) as l"
    )
    result = dlpulse("sql", statement, "--format", "csv", DLPULSE_HOME=str(home))
    assert result.stdout == ('s,m,l\n"{""a"": [""infinity"", null]}","{""k"": ""infinity""}","[""infinity""]"\n,,\n')


@pytest.mark.parametrize("form", ["csv", "json", "md", "parquet"])
def test_rows_that_are_not_read_to_the_end_are_a_clean_end(home: Path, form: str) -> None:
    result = piped(home, "head -c 4 > /dev/null", "sql", "from range(2000000)", "--format", form)
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")


def piped(home: Path, reader: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = ["bash", "-o", "pipefail", "-c", f'"$@" | {reader}', "bash", sys.executable, "-m", "dlpulse", *arguments]
    return subprocess.run(command, env=environment(home), capture_output=True, timeout=120, check=False)


def test_the_exit_code_of_a_status_stands_where_its_end_is_not_read(home: Path) -> None:
    assert piped(home, "head -n 1 > /dev/null", "status").returncode == 1


@pytest.mark.parametrize("command", ["sql --queries", "status"])
@pytest.mark.parametrize("columns", [80, 120])
def test_a_terminal_of_usual_width_shows_a_table_with_its_last_column_folded(
    home: Path, tmp_path: Path, command: str, columns: int
) -> None:
    with Archive(tmp_path / "raw").start("ranking", lambda: datetime(2026, 11, 23)) as writer:
        writer.left = "24 months of the ranking, which another run goes on with"
    shown = on_a_terminal(home, columns, command, DLPULSE_RAW=str(tmp_path / "raw"))
    assert max(map(len, shown)) <= columns
    assert not any(line.startswith("row 1") for line in shown)
    assert sum(line.startswith((" ranking ", " paper_share ")) for line in shown) == 1


def test_a_terminal_too_narrow_for_the_other_columns_loses_none(home: Path, tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    shown = on_a_terminal(home, 40, "status", DLPULSE_RAW=str(tmp_path / "raw"))
    assert "row 1" in shown
    assert any("left, budget or last error" in line for line in shown)


def on_a_terminal(home: Path, columns: int, command: str, **variables: str) -> list[str]:
    """The lines that a terminal of so many columns shows, without colours."""
    variables = {name: value for name, value in environment(home, **variables).items() if name != "COLUMNS"}
    shell = f"stty cols {columns} rows 50; {sys.executable} -m dlpulse {command}"
    script = ["script", "-qec", shell, "/dev/null"]
    shown = subprocess.run(script, env=variables, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return re.sub(r"\x1b\[[0-9;]*m", "", shown.stdout).splitlines()


def test_json_has_every_digit_of_a_decimal(dlpulse: Dlpulse, home: Path) -> None:
    statement = "select 12345678901234567.891::decimal(30, 3) as d, 1.50::decimal(4, 2) as e"
    result = dlpulse("sql", statement, "--format", "json", DLPULSE_HOME=str(home))
    assert result.stdout == '[\n  {"d": 12345678901234567.891, "e": 1.50}\n]\n'
