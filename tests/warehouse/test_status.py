"""Freshness: only a run over all frameworks and all days counts, for the schedule and for `dlpulse status` alike."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Dlpulse
from warehouse import registry, status
from warehouse.errors import DlpulseError
from warehouse.raw import Archive
from warehouse.schedule import due, limit_words
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


def test_status_names_no_python_class(dlpulse: Dlpulse) -> None:
    assert dlpulse("collect", "stars", "--framework", "keras").returncode == 1
    shown = dlpulse("status", "--format", "csv")
    assert shown.returncode == 1
    assert "GitHub at 127.0.0.1:9 cannot be reached: connection refused" in shown.stdout
    assert "_Unfinished" not in shown.stdout
