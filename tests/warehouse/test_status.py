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
from warehouse.schedule import due
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


def test_status_names_no_python_class(dlpulse: Dlpulse) -> None:
    assert dlpulse("collect", "stars", "--framework", "keras").returncode == 1
    shown = dlpulse("status", "--format", "csv")
    assert shown.returncode == 1
    assert "GitHub at 127.0.0.1:9 cannot be reached: connection refused" in shown.stdout
    assert "_Unfinished" not in shown.stdout
