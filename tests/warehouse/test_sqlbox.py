"""The process of one query: what holds it, how it ends, and that it never outlives who asked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import psutil
import pyarrow as pa
import pytest

from warehouse import sqlbox
from warehouse.errors import BadInputError, DlpulseError

ENDLESS = "select count(*) from range(1000000000000) where hash(range) = 1"
ASK = """
import sys
from pathlib import Path
from warehouse import sqlbox
with sqlbox.ask(Path(sys.argv[1]), sys.argv[2], seconds=float(sys.argv[3])) as answer:
    print("answered", flush=True)
"""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("box") / "dlpulse.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("create table numbers as select range as n from range(1000)")
    return file


@pytest.fixture
def asker(database: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that asks what has no end, with an hour's time."""
    command = [sys.executable, "-c", ASK, str(database), ENDLESS, "3600"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        yield process
        process.kill()


def query_of(pid: int, after: float = 0.0) -> psutil.Process:
    """The query's process of an asking process, once it has used `after` seconds of a core."""
    for _ in range(200):
        for child in psutil.Process(pid).children():
            if "warehouse.sql_child" in child.cmdline() and child.cpu_times().user >= after:
                return child
        time.sleep(0.05)
    raise AssertionError("no query is at work")


def test_a_table_comes_back_with_names_and_types(database: Path) -> None:
    table = sqlbox.fetch(database, "select n, n / 2 as half from numbers order by n limit 2", rows_limit=2)
    assert table.to_pydict() == {"n": [0, 1], "half": [0.0, 0.5]}
    assert table.schema.field("n").type == pa.int64()


def test_columns_of_one_name_both_come(database: Path) -> None:
    table = sqlbox.fetch(database, "select 1 as a, 2 as a", rows_limit=1)
    assert [column.to_pylist() for column in table.columns] == [[1], [2]]


def test_more_rows_than_allowed_are_one_line(database: Path) -> None:
    with pytest.raises(sqlbox.TooLarge, match=r"^the result has more than 999 rows; aggregate, filter or limit it$"):
        sqlbox.fetch(database, "from numbers", rows_limit=999)


def test_more_bytes_than_allowed_are_one_line(database: Path) -> None:
    wide = "select repeat('x', 100000) as x from range(10000)"
    with pytest.raises(sqlbox.TooLarge, match=r"^the result is larger than 512 MiB; aggregate, filter or limit it$"):
        sqlbox.fetch(database, wide, rows_limit=10000)


def test_one_row_that_is_too_large_is_one_line(database: Path) -> None:
    with pytest.raises(sqlbox.TooLarge, match=r"^a row of the result is larger than 64 MiB$"):
        sqlbox.fetch(database, "select repeat('x', 100000000)", rows_limit=1)


def test_rows_come_before_the_query_has_ended(database: Path) -> None:
    with sqlbox.ask(database, "select * from range(1000000000000)") as answer:
        first = next(answer.batches)
    assert first.column(0)[:3].to_pylist() == [0, 1, 2]


def test_a_fault_amid_the_rows_is_raised_where_they_are_taken(database: Path) -> None:
    # Far behind: DuckDB runs some megabytes ahead of its reader, and a fault met so early is raised at the start.
    late = "select if(range = 19000000, error('late'), range) from range(20000000)"
    with sqlbox.ask(database, late) as answer, pytest.raises(BadInputError, match="Invalid Input Error: late"):
        list(answer.batches)


def test_a_stream_that_is_cut_is_no_answer(database: Path) -> None:
    with sqlbox.ask(database, "select * from range(1000000000000)") as answer:
        next(answer.batches)
        query_of(os.getpid()).kill()
        with pytest.raises(DlpulseError, match="SIGKILL"):
            list(answer.batches)


def test_time_runs_while_the_rows_are_taken(database: Path) -> None:
    expected = pytest.raises(sqlbox.TooLong, match=r"^the query was stopped after 1 s$")
    with sqlbox.ask(database, "select * from range(1000000000000)", seconds=1) as answer, expected:
        for _ in answer.batches:
            time.sleep(0.1)


def test_leaving_the_block_ends_the_query(database: Path) -> None:
    with sqlbox.ask(database, "select * from range(1000000000000)") as answer:
        next(answer.batches)
        child = query_of(os.getpid())
    assert not child.is_running()


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_query_dies_with_who_asked(asker: subprocess.Popen[bytes], end: signal.Signals) -> None:
    child = query_of(asker.pid, after=1.0)
    asker.send_signal(end)
    asker.wait(timeout=10)
    _, alive = psutil.wait_procs([child], timeout=5)
    assert alive == []


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_kernel_lets_a_query_open_write_and_allocate_nothing_more(asker: subprocess.Popen[bytes]) -> None:
    limits = Path(f"/proc/{query_of(asker.pid, after=1.0).pid}/limits").read_text()
    held = {line[:26].strip(): line[26:].split()[:2] for line in limits.splitlines()}
    assert held["Max open files"] == held["Max file size"] == held["Max core file size"] == ["0", "0"]
    assert held["Max address space"] == [str(2_000_000_000 + (2 << 30))] * 2


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_query_knows_neither_environment_nor_folder_of_who_asked(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_notARealTokenButASecret")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    with sqlbox.ask(database, "select * from range(1000000000000)") as answer:
        next(answer.batches)
        child = query_of(os.getpid())
        assert set(child.environ()) <= {"TZ", "LD_LIBRARY_PATH", "LC_CTYPE"}
        assert child.cwd() == "/"


@pytest.mark.parametrize(
    ("size", "expected"),
    [("512MB", 512_000_000), ("2gb", 2_000_000_000), ("1.5 GiB", 3 << 29), ("20000000B", 20_000_000)],
)
def test_sizes_are_read_as_duckdb_reads_them(size: str, expected: int) -> None:
    assert sqlbox.in_bytes(size) == expected


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("select * from read_text('/etc/passwd')", "SQL: a query can reach neither files nor the network"),
        ("from read_parquet('http://127.0.0.1/x')", "SQL: a query can reach neither files nor the network"),
        (
            "from sql_auto_complete('sel')",
            'SQL: Catalog Error: Table Function with name "sql_auto_complete" is of DuckDB\'s autocomplete extension, '
            "which a query cannot load",
        ),
        (
            "with x as (delete from numbers returning *) from x",
            "SQL: the database is read-only; a query can change nothing",
        ),
        ("from enable_logging(storage = 'stdout')", "SQL: a query can change no setting"),
        (
            "select 1 // 0",
            "SQL: Invalid Input Error: Division by zero in expression (1 // 0). Use TRY(...) to return NULL for this "
            "expression.",
        ),
        ("pivot range(200000) on range using count(*)", "SQL: Binder Error: Pivot column limit of 100000 exceeded."),
    ],
)
def test_what_is_closed_is_told_in_plain_words_without_advice_that_cannot_be_taken(
    database: Path, statement: str, told: str
) -> None:
    with pytest.raises(BadInputError) as refused:
        sqlbox.fetch(database, statement, rows_limit=9)
    assert str(refused.value) == told


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("install httpfs", "install"),
        ("FORCE install httpfs", "force"),
        ("-- why\n/* and how */ use memory", "use"),
        (";import database 'x'", "import"),
        ("begin", "begin"),
        ("with x as (select 1) insert into numbers from x", "insert"),
        ("explain analyze delete from numbers", "delete"),
        ("create table memory.main.t as pivot numbers on n using count(*)", "create"),
        ("\u00a0install httpfs", "load"),
    ],
)
def test_a_statement_that_does_not_read_is_named_by_its_first_word(database: Path, statement: str, found: str) -> None:
    with pytest.raises(BadInputError, match=rf"^SQL: expected a statement that reads: .* explain; found {found}$"):
        sqlbox.fetch(database, statement, rows_limit=9)
