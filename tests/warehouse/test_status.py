"""Freshness: only a run over all frameworks and all days counts, for the schedule and for `dlpulse status` alike."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest

from tests.conftest import Dlpulse
from warehouse import registry, status
from warehouse.errors import DlpulseError
from warehouse.raw import Archive
from warehouse.schedule import INTERVALS, due, limit_words
from warehouse.settings import Settings

NOW = datetime(2026, 9, 11, 12)
KNOWN = registry.load(Settings(home=Path("/nowhere"), raw=Path("/nowhere"), registry_file=registry.SHIPPED))
EVERYONE = list(KNOWN.frameworks.values())
Ran = Callable[..., None]


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "raw")


@pytest.fixture
def ran(archive: Archive) -> Ran:
    """Leave a run of the stars in the archive that ended `ago` before NOW."""

    def run(ago: timedelta, error: str | None = None, **asked: Any) -> None:
        asked = {"frameworks": list(KNOWN.frameworks), "since": None, "until": None} | asked
        try:
            with archive.start("stars", lambda: NOW - ago, **asked):
                if error:
                    raise DlpulseError(error)
        except DlpulseError:
            pass

    return run


def stars(archive: Archive) -> status.SourceStatus:
    return status.read(archive, KNOWN, NOW)[0]


@pytest.mark.parametrize(
    "part",
    [{"frameworks": ["keras"]}, {"since": date(2026, 1, 1)}, {"until": date(2026, 9, 1)}, {"frameworks": []}],
)
def test_a_partial_run_is_no_success(archive: Archive, ran: Ran, part: dict[str, Any]) -> None:
    ran(timedelta(days=3))
    ran(timedelta(minutes=5), **part)
    told = stars(archive)
    assert (told.last_success, told.stale) == (NOW - timedelta(days=3), True)
    assert (told.last_run, told.last_error) == (NOW - timedelta(minutes=5), None)
    assert due(archive, "stars", NOW, EVERYONE)


def test_a_whole_run_is_a_success(archive: Archive, ran: Ran) -> None:
    assert (stars(archive).stale, stars(archive).next_due) == (True, None)
    ran(timedelta(hours=2))
    told = stars(archive)
    assert (told.last_success, told.next_due, told.stale) == (
        NOW - timedelta(hours=2),
        NOW + timedelta(hours=21),
        False,
    )
    assert not due(archive, "stars", NOW, EVERYONE)


def test_a_run_over_some_frameworks_is_enough_for_those(archive: Archive, ran: Ran) -> None:
    ran(timedelta(hours=2), frameworks=["keras", "jax"])
    assert not due(archive, "stars", NOW, KNOWN.choose(["keras"]))
    assert due(archive, "stars", NOW, KNOWN.choose(["keras", "pytorch"]))


def test_a_framework_that_was_added_makes_the_source_due(archive: Archive, ran: Ran) -> None:
    ran(timedelta(hours=2), frameworks=[name for name in KNOWN.frameworks if name != "keras"])
    assert due(archive, "stars", NOW, EVERYONE)


@pytest.mark.parametrize("noted", ["GitHub cannot be reached", "_Unfinished: GitHub cannot be reached"])
def test_the_last_error_is_told_in_words(archive: Archive, noted: str) -> None:
    run = archive.start("stars", lambda: NOW)
    run.note("run:start", {"frameworks": list(KNOWN.frameworks)})
    run.note("run:end", {"error": noted})
    assert stars(archive).last_error == "GitHub cannot be reached"


def limited(archive: Archive, at: datetime, error: str, left: str) -> None:
    """Leave a run that ended at a limit, as collectors note it."""
    run = archive.start("stars", lambda: at)
    run.note("run:start", {"frameworks": list(KNOWN.frameworks)})
    run.note("run:end", {"error": error, "left": left})


def test_a_run_that_ended_at_a_limit_tells_what_is_left_and_when_it_goes_on_and_no_error(archive: Archive) -> None:
    error = f"{limit_words(datetime(2026, 9, 11, 12, 40))}; left: 9 pages of star history"
    limited(archive, NOW - timedelta(minutes=5), error, "9 pages of star history")
    told = stars(archive)
    assert (told.last_error, told.left) == (None, "9 pages of star history")
    assert (told.next_due, told.last_success, told.stale) == (datetime(2026, 9, 11, 12, 40), None, True)


def test_a_limit_after_a_success_puts_off_what_is_due(archive: Archive, ran: Ran) -> None:
    ran(timedelta(hours=24))
    assert stars(archive).next_due == NOW - timedelta(hours=1)
    limited(archive, NOW - timedelta(hours=1), limit_words(NOW + timedelta(hours=1)), "2 repository records")
    assert (stars(archive).next_due, stars(archive).left) == (NOW + timedelta(hours=1), "2 repository records")


def test_a_limit_of_an_early_version_that_names_no_time_is_no_error_either(archive: Archive) -> None:
    limited(archive, NOW, "_Unfinished: limit reached; left: 9 pages", "9 pages")
    assert (stars(archive).last_error, stars(archive).left, stars(archive).next_due) == (None, "9 pages", None)


def test_an_error_after_a_limit_is_told_as_the_error(archive: Archive, ran: Ran) -> None:
    limited(archive, NOW - timedelta(hours=2), limit_words(NOW - timedelta(hours=1)), "9 pages")
    ran(timedelta(minutes=5), error="GitHub cannot be reached")
    assert (stars(archive).last_error, stars(archive).left) == ("GitHub cannot be reached", "")


def test_what_the_source_last_said_of_its_limit_is_told(archive: Archive) -> None:
    for hours, budget in ((3, "4,000 of 5,000 calls left"), (1, "12 of 5,000 calls left")):
        with archive.start("stars", lambda hours=hours: NOW - timedelta(hours=hours)) as run:
            run.budget = budget
    assert stars(archive).budget == "12 of 5,000 calls left"
    with archive.start("stars", lambda: NOW):  # one that asked nothing
        pass
    assert stars(archive).budget == "12 of 5,000 calls left"


def test_a_database_without_runs_of_days_ago_is_overdue(archive: Archive, ran: Ran, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, raw=tmp_path / "raw", clock=lambda: NOW)

    def overdue() -> list[str]:
        return status.read_all(settings, KNOWN).overdue

    assert overdue() == []
    ran(timedelta(hours=1))
    assert overdue() == []  # tomorrow's build has it
    ran(timedelta(days=3))
    (lacking,) = overdue()
    assert status.read_all(settings, KNOWN).database is None
    with duckdb.connect(str(settings.database)) as connection:
        connection.execute("create table meta_runs (run_id varchar)")
    assert overdue() == [lacking]
    with duckdb.connect(str(settings.database)) as connection:
        connection.execute("insert into meta_runs values (?)", [lacking])
    assert overdue() == []
    at = (NOW - timedelta(days=9)).replace(tzinfo=UTC).timestamp()
    os.utime(settings.database, (at, at))
    told = status.read_all(settings, KNOWN).database
    assert told and told.at == NOW - timedelta(days=9)


def test_a_disk_without_room_for_a_build_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(home=tmp_path / "not" / "there", raw=tmp_path / "raw", clock=lambda: NOW)
    archive = Archive(settings.raw)
    for source in INTERVALS:
        with archive.start(source, lambda: NOW, frameworks=list(KNOWN.frameworks)):
            pass
    told = status.read_all(settings, KNOWN)
    assert told.well and told.disk.raw > 0 and not told.disk.low
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=told.disk.needed - 1))
    told = status.read_all(settings, KNOWN)
    assert told.disk.low and not told.well


def test_the_newest_period_of_each_subject_says_how_complete_a_source_is(tmp_path: Path) -> None:
    database = tmp_path / "dlpulse.duckdb"
    assert status.covered(database) == {}
    rows = [
        ("stars", "a/a", "2026-01-01", "2026-08-31", "missing"),
        ("stars", "a/a", "2026-09-01", "2026-09-10", "observed"),
        ("stars", "b/b", "2026-01-01", "2026-09-01", "observed"),
        ("stars", "b/b", "2026-09-02", "2026-09-10", "missing"),
        ("stars", "c/c", "2026-01-01", "2026-09-10", "zero"),
        ("stars", "d/d", None, None, "missing"),
        ("stars", "*", "2026-06-30", "2026-09-03", "outage"),
        ("surveys", "x", "2024-01-01", "2024-12-31", "observed"),
        ("surveys", "x", "2025-01-01", "2025-12-31", "not_asked"),
    ]
    with duckdb.connect(str(database)) as connection:
        columns = "source varchar, subject varchar, period_start date, period_end date, state varchar"
        connection.execute(f"create table fct_coverage ({columns})")
        connection.executemany("insert into fct_coverage values (?, ?, ?, ?, ?)", rows)
    assert status.covered(database) == {"stars": status.Covered(2, 4)}


def test_the_command_tells_all_of_it_in_json_too(dlpulse: Dlpulse) -> None:
    assert dlpulse("collect", "stars", "--framework", "keras").returncode == 1
    shown = dlpulse("status", "--format", "json")
    assert shown.returncode == 1
    assert shown.stderr.startswith("there is no database at ")
    told = json.loads(shown.stdout)
    assert (told["database"], told["well"], told["disk"]["low"]) == (None, False, False)
    assert 0 < told["disk"]["raw"] < told["disk"]["needed"] < told["disk"]["free"]
    by_source = {source["source"]: source for source in told["sources"]}
    assert list(by_source) == list(INTERVALS)
    assert by_source["stars"]["stale"] and by_source["stars"]["last_run"].endswith("Z")
    assert "cannot be reached" in by_source["stars"]["last_error"]


def test_status_names_no_python_class(dlpulse: Dlpulse) -> None:
    assert dlpulse("collect", "stars", "--framework", "keras").returncode == 1
    shown = dlpulse("status", "--format", "csv")
    assert shown.returncode == 1
    assert "GitHub at 127.0.0.1:9 cannot be reached: connection refused" in shown.stdout
    assert "_Unfinished" not in shown.stdout
