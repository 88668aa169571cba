"""What an operator meets: files beside the database, folders that are not there, damage, and another build."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from filelock import FileLock

from tests.conftest import Dlpulse, environment
from tests.warehouse.test_build import REGISTRY
from warehouse import build as builder
from warehouse import parsed
from warehouse.errors import DlpulseError
from warehouse.exportrows import Chooser
from warehouse.raw import Archive

NOON = datetime(2026, 11, 23, 12)
COUNT = "select count(*) as n from dim_frameworks"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with ten answers and the database made of them."""
    home = tmp_path_factory.mktemp("operator") / "home"
    collected(home / "raw", 10)
    subprocess.run([sys.executable, "-m", "dlpulse", "build"], env=environment(home), check=True, capture_output=True)
    return home


@pytest.fixture
def home(published: Path, tmp_path: Path) -> Path:
    """A copy of it, where `dlpulse` runs."""
    shutil.copytree(published, tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def database(home: Path) -> Path:
    return home / "dlpulse.duckdb"


def collected(raw: Path, answers: int, at: datetime = NOON) -> None:
    with Archive(raw).start("stars", lambda: at) as run:
        for number in range(answers):
            run.write(f"a/r{number}", b"{}", url="http://x/1", status=404)


@contextmanager
def another_writer(database: Path) -> Iterator[None]:
    """Another program has the file open for writing, and has written into its log."""
    script = (
        "import duckdb, sys\n"
        "c = duckdb.connect(sys.argv[1])\n"
        "c.execute('create table mine as select 1'); print(flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout
        other.stdout.readline()
        try:
            yield
        finally:
            other.kill()


def line_of(told: subprocess.CompletedProcess[str], code: int) -> str:
    """The one line of a command that failed."""
    assert (told.returncode, told.stdout) == (code, "")
    (line,) = told.stderr.splitlines()
    return line


def test_a_log_beside_the_old_file_does_not_make_the_new_one_unreadable(dlpulse: Dlpulse, database: Path) -> None:
    with another_writer(database):
        pass
    log = database.with_name("dlpulse.duckdb.wal")
    assert log.exists()
    written = log.read_bytes()
    told = dlpulse("build")
    stale = database.with_name("dlpulse.duckdb.wal.stale")
    assert told.stderr.splitlines() == [
        f"dlpulse: a program wrote to {database}; what it wrote is not in the new one: {stale}"
    ]
    assert (log.exists(), stale.read_bytes()) == (False, written)
    assert dlpulse("sql", "select count(*) as n from mine").returncode == 2
    assert dlpulse("sql", COUNT).returncode == 0


def test_a_kill_between_the_log_and_the_file_leaves_the_old_file_readable(
    tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with another_writer(database):
        pass
    before = database.read_bytes()
    new = Path(shutil.copy(database, tmp_path / "new.duckdb"))
    replace = Path.replace

    def killed(self: Path, target: Path) -> Path:
        if target == database:
            raise SystemExit(9)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(SystemExit):
        builder._publish(new, database)
    assert database.read_bytes() == before
    with duckdb.connect(str(database), read_only=True) as connection:
        assert connection.execute("select count(*) from meta_responses where source = 'stars'").fetchone() == (12,)


def test_a_log_of_another_file_is_one_line_that_says_what_to_remove(dlpulse: Dlpulse, database: Path) -> None:
    with another_writer(database):
        pass
    log = database.with_name("dlpulse.duckdb.wal")
    kept = log.read_bytes()
    assert dlpulse("build").returncode == 0
    log.write_bytes(kept)
    line = line_of(dlpulse("sql", COUNT), 1)
    assert line.startswith(f"dlpulse: {log} is not of this file: remove it.")
    assert line.endswith("open it there with -readonly")


def test_a_program_that_holds_the_file_for_writing_is_one_line(dlpulse: Dlpulse, database: Path) -> None:
    with another_writer(database):
        line = line_of(dlpulse("sql", COUNT), 1)
    assert line == f"dlpulse: another program holds {database} for writing: open it there with -readonly"


@pytest.mark.parametrize("command", [("build",), ("status",), ("raw", "verify"), ("raw", "compact")])
def test_a_named_archive_that_is_not_there_is_wrong_usage(dlpulse: Dlpulse, tmp_path: Path, command: list[str]) -> None:
    missing = tmp_path / "rwa"
    line = line_of(dlpulse(*command, DLPULSE_RAW=str(missing)), 2)
    assert line == (
        f"dlpulse: DLPULSE_RAW={missing} is no folder; name the raw archive, or let `dlpulse collect` make it"
    )
    assert not missing.exists()


def test_a_run_with_a_named_archive_that_is_not_there_collects_nothing_once_something_is_published(
    dlpulse: Dlpulse, home: Path, tmp_path: Path
) -> None:
    line = line_of(dlpulse("run", "--no-serve", "--no-bench", DLPULSE_RAW=str(tmp_path / "rwa")), 2)
    assert line.startswith(f"dlpulse: DLPULSE_RAW={tmp_path / 'rwa'} is no folder")
    assert home.exists()


def test_an_archive_of_less_than_half_of_what_was_published_is_refused_unless_told_otherwise(
    dlpulse: Dlpulse, database: Path, tmp_path: Path
) -> None:
    before = database.read_bytes()
    collected(tmp_path / "other", 4)
    line = line_of(dlpulse("build", DLPULSE_RAW=str(tmp_path / "other")), 1)
    assert line == (
        f"dlpulse: nothing was published: {tmp_path / 'other'} holds 4 answers, {database} was made of 10; "
        "check DLPULSE_RAW, or publish less by `dlpulse build --even-if-smaller`"
    )
    assert database.read_bytes() == before
    assert dlpulse("build", "--even-if-smaller", DLPULSE_RAW=str(tmp_path / "other")).returncode == 0
    assert dlpulse("build", DLPULSE_RAW=str(tmp_path / "other")).returncode == 0


def test_an_archive_of_half_of_what_was_published_is_built(dlpulse: Dlpulse, home: Path, tmp_path: Path) -> None:
    collected(tmp_path / "other", 5)
    assert dlpulse("build", DLPULSE_RAW=str(tmp_path / "other")).returncode == 0
    assert home.exists()


def test_verify_says_that_there_are_no_answers(dlpulse: Dlpulse, tmp_path: Path) -> None:
    told = dlpulse("raw", "verify")
    assert (told.returncode, told.stderr) == (0, f"{tmp_path / 'home' / 'raw'} holds no answers\n")


@pytest.mark.parametrize("damage", [b"nothing of Parquet" * 100, None])
def test_a_parsed_file_that_is_no_parquet_is_made_again(dlpulse: Dlpulse, home: Path, damage: bytes | None) -> None:
    (folder,) = (path for path in (home / "parsed").iterdir())
    files = [*folder.glob("runs/*.parquet"), *folder.glob("responses/*.parquet")]
    assert len(files) == 4
    for file in files:
        whole = file.read_bytes()
        file.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    told = dlpulse("build")
    assert (told.returncode, told.stderr) == (0, "")
    counted = dlpulse("sql", "select count(*) as n from meta_responses where source = 'stars'", "--format", "csv")
    assert counted.stdout == "n\n12\n"


def test_a_parsed_file_damaged_within_is_one_line_that_names_the_folder_to_delete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parsed, "MOST_RUNS", 1)
    archive = Archive(tmp_path / "raw")
    for hour in range(2):
        collected(archive.root, 200, NOON.replace(hour=hour))
    folder = parsed.refresh(archive, tmp_path).folder
    for file in folder.glob("responses/stars-*.parquet"):
        body = bytearray(file.read_bytes())
        body[100:800] = os.urandom(700)
        file.write_bytes(body)
    monkeypatch.setattr(parsed, "MOST_RUNS", 256)
    with pytest.raises(DlpulseError, match=f"delete the folder {re.escape(str(tmp_path / 'parsed'))}; `dlpulse build`"):
        parsed.refresh(archive, tmp_path)


@pytest.mark.parametrize("kept", [0, 0.5])
def test_a_database_that_was_cut_short_is_damaged_not_the_users_fault(
    dlpulse: Dlpulse, database: Path, kept: float
) -> None:
    whole = database.read_bytes()
    database.write_bytes(whole[: int(kept * len(whole))])
    line = line_of(dlpulse("sql", "select max(md5(t::varchar)) as m from fct_stars as t"), 1)
    assert line == f"dlpulse: {database} is damaged; `dlpulse build` makes it again"


def test_damage_within_a_table_is_told_by_sql_and_export(dlpulse: Dlpulse, database: Path, tmp_path: Path) -> None:
    whole = bytearray(database.read_bytes())
    for start in range(3 * 4096 + 8, len(whole) - 64, 262_144):
        whole[start + 1000 : start + 1008] = bytes(255 - byte for byte in whole[start + 1000 : start + 1008])
    database.write_bytes(whole)
    expected = f"dlpulse: {database} is damaged; `dlpulse build` makes it again"
    assert line_of(dlpulse("sql", "select max(md5(t::varchar)) as m from meta_responses as t"), 1) == expected
    assert line_of(dlpulse("export", str(tmp_path / "out")), 1) == expected
    assert dlpulse("build").returncode == 0
    assert dlpulse("sql", COUNT).returncode == 0


def test_a_folder_in_the_databases_place_is_told_before_the_build(dlpulse: Dlpulse, database: Path) -> None:
    database.unlink()
    database.mkdir()
    line = line_of(dlpulse("build"), 1)
    assert line == f"dlpulse: nothing was built: {database} is a folder; move it away"
    assert line_of(dlpulse("sql", COUNT), 1).startswith(f"dlpulse: {database} is a folder: move it away")


def test_a_second_build_says_at_once_that_it_waits_and_then_builds(home: Path, tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text(REGISTRY)
    variables = environment(home, DLPULSE_REGISTRY=str(tmp_path / "one.toml"))
    lock = FileLock(home / "build.lock")
    lock.acquire()
    command = [sys.executable, "-m", "dlpulse", "build"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=variables, stdout=pipe, stderr=pipe, text=True) as second:
        assert second.stderr
        assert second.stdout
        line = second.stderr.readline()
        assert (line, second.poll()) == ("dlpulse: waiting for the build that is running\n", None)
        lock.release()
        assert second.stdout.read().startswith("published ")
    assert second.returncode == 0


@pytest.mark.parametrize("folder", [".", "", ".."])
def test_the_working_folder_is_no_place_for_an_export(home: Path, tmp_path: Path, folder: str) -> None:
    here = tmp_path / "here" / "below"
    here.mkdir(parents=True)
    line = line_of(at(here, home, "export", folder), 2)
    assert line.startswith("dlpulse: DIR '.") and " is the folder that you are in, or holds it; name a new or" in line
    assert here.exists()


def at(here: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command in a folder, which is removed first when it is called `gone`."""
    command = [str(Path(sys.executable).with_name("dlpulse")), *arguments]
    script = 'cd "$0" && { test "${0##*/}" != gone || rmdir "$0"; } && exec "$@"'
    return subprocess.run(
        ["sh", "-c", script, str(here), *command], env=environment(home), capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("command", [("export", "out"), ("--raw", "x", "status"), ("--home", "x", "build")])
def test_a_removed_working_folder_is_one_line(home: Path, tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "gone").mkdir()
    line = line_of(at(tmp_path / "gone", home, *command), 2)
    assert "the folder that you are in was removed; go to another" in line


@pytest.fixture
def unknown(home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The database beside a table with one row of a cited answer and two of which nothing tells the source."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{home / 'dlpulse.duckdb'}' as d (read_only)")
        for table in ("meta_responses", "dim_sources"):
            connection.execute(f"create table {table} as from d.{table}")
        connection.execute("""
            create table fct_new as
            select min(response_id) as response_id from meta_responses where source = 'cited'
            union all
            values (null), ('20260101T000000-00000000-00001')
        """)
        connection.execute("create table fct_silent as select 1 as n")
        yield connection


def test_rows_of_which_nothing_tells_the_source_stay_here(unknown: duckdb.DuckDBPyConnection) -> None:
    chosen = Chooser(unknown, own_use=False).choose("fct_new", ["response_id"])
    assert len(unknown.sql(chosen.sql).fetchall()) == 1
    assert chosen.unlicensed == {"unknown": 2}


def test_a_table_of_which_nothing_tells_the_source_is_refused(unknown: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(DlpulseError, match=r"^fct_silent cannot be exported: nothing says whose data it holds$"):
        Chooser(unknown, own_use=False).choose("fct_silent", ["n"])
