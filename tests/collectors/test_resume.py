"""Killed at any moment, a backfill is only finished by the next run: real processes, kill -9, a real server."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.collectors import series
from tests.collectors.conftest import NOW
from tests.conftest import environment
from tests.world import World
from tests.world.github import TOKEN
from warehouse import registry
from warehouse.build import build
from warehouse.parse import rows_of
from warehouse.raw import RUN_END, Archive
from warehouse.schedule import unfinished_since
from warehouse.settings import Settings, utc_now

HOUR = timedelta(hours=1)
FACTS = "select * exclude (known_at, response_id) from fct_stars order by all"


def spawn(home: Path, world: World) -> subprocess.Popen[bytes]:
    """Start `dlpulse collect stars` for the shipped registry's eleven repositories."""
    variables = {"DLPULSE_GITHUB_API": world.github_api, "GITHUB_TOKEN": TOKEN}
    command = [sys.executable, "-m", "dlpulse", "collect", "stars"]
    return subprocess.Popen(command, env=environment(home, **variables), stderr=subprocess.DEVNULL)


def kill_at(process: subprocess.Popen[bytes], world: World, requests: int, delay: float) -> None:
    """Kill -9 so many seconds after the world got so many requests in all."""
    while world.asked("/repos/") < requests and process.poll() is None:
        time.sleep(0.001)
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    process.wait()


def ended_well(home: Path) -> bool:
    notes = [note for note in Archive(home / "raw").responses("stars") if note.subject == RUN_END]
    return bool(notes) and notes[-1].json()["error"] is None


def facts(home: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Days as staging reads them, and records, both without what differs between two runs."""
    days = {
        (row["repo_id"], row["day"]): (row["stars_added"], row["is_partial"]) for row in series.readings(home / "raw")
    }
    found = [row for answer in Archive(home / "raw").responses("stars") for row in rows_of(answer)]
    when = ("response_id", "fetched_at")
    records = {
        row["repo_id"]: {name: value for name, value in row.items() if name not in when}
        for table, row in found
        if table == "repo_records"
    }
    return days, records


def built(home: Path) -> list[tuple[Any, ...]]:
    settings = Settings(home=home, raw=home / "raw")
    build(settings, registry.load(settings))
    with duckdb.connect(str(settings.database), read_only=True) as connection:
        return connection.execute(FACTS).fetchall()


def kill_and_finish(shared_data: Path, folder: Path, kills: int) -> tuple[Path, Path]:
    """Backfill once undisturbed and once with kills; returns both homes, their requests counted and compared."""
    chance = random.Random(kills)
    undisturbed, disturbed = folder / "undisturbed", folder / "disturbed"
    with World(shared_data, utc_now()) as world:
        assert spawn(undisturbed, world).wait() == 0
        requests = world.asked("/repos/")
        moments = sorted(chance.sample(range(requests), kills))
        world.fault("slow", "/repos/", seconds=0.004, count=-1)
        for moment in moments:
            kill_at(spawn(disturbed, world), world, requests + moment, chance.uniform(0, 0.012))
        if not ended_well(disturbed):
            assert spawn(disturbed, world).wait() == 0
        disturbed_requests = world.asked("/repos/") - requests
    assert requests == 11 + pages(undisturbed)
    assert requests <= disturbed_requests <= requests + kills
    return undisturbed, disturbed


def test_killed_ten_times_a_backfill_ends_with_the_same_facts_for_one_request_a_kill(shared_data, tmp_path):
    undisturbed, disturbed = kill_and_finish(shared_data, tmp_path, kills=10)
    assert facts(disturbed) == facts(undisturbed)


@pytest.mark.long
def test_killed_a_hundred_times_a_backfill_builds_the_same_warehouse(shared_data, tmp_path):
    undisturbed, disturbed = kill_and_finish(shared_data, tmp_path, kills=100)
    assert facts(disturbed) == facts(undisturbed)
    assert built(disturbed) == built(undisturbed)


def pages(home: Path) -> int:
    """The sum of ceil(weeks / 30) over the repositories."""
    weeks: dict[str, set[Any]] = {}
    for repo_id, day in facts(home)[0]:
        weeks.setdefault(repo_id, set()).add(day - timedelta(days=(day.weekday() + 1) % 7))
    return sum(-(-len(found) // 30) for found in weeks.values())


def a_run(settings: Settings, at: datetime, error: str | None = None, killed: bool = False, **params: Any) -> None:
    """Archive a run of stars that ended well, with an error, or not at all."""
    run = Archive(settings.raw).start("stars", lambda: at, frameworks=["chainer"], **params)
    run.__enter__()
    if not killed:
        failure = RuntimeError(error) if error else None
        run.__exit__(RuntimeError if failure else None, failure, None)


@pytest.mark.parametrize(
    ("runs", "hours"),
    [
        ([], None),
        ([{}], None),
        ([{"killed": True}], 0),
        ([{"error": "limit reached"}, {"killed": True}], 0),
        ([{}, {"killed": True}, {"error": "no"}], 1),
        ([{"killed": True}, {}], None),
        ([{"killed": True}, {}, {"error": "no"}], 2),
        ([{"killed": True}, {"imported": ["a.json"]}], 0),
        ([{"imported": ["a.json"], "killed": True}], None),
    ],
)
def test_the_unfinished_runs_are_the_newest_in_a_row_that_did_not_end_well(settings, runs, hours):
    for number, run in enumerate(runs):
        a_run(settings, NOW + number * HOUR, **run)
    expected = None if hours is None else NOW + hours * HOUR
    assert unfinished_since(Archive(settings.raw), "stars", NOW + 9 * HOUR) == expected


def test_what_a_run_of_yesterday_left_is_asked_anew(settings):
    a_run(settings, NOW, killed=True)
    a_run(settings, NOW + 10 * HOUR, killed=True)
    archive = Archive(settings.raw)
    assert unfinished_since(archive, "stars", NOW + 22 * HOUR) == NOW
    assert unfinished_since(archive, "stars", NOW + 23 * HOUR) == NOW + 10 * HOUR
    assert unfinished_since(archive, "stars", NOW + 33 * HOUR) is None


@pytest.mark.parametrize("fault", ["html", "500"])
def test_after_a_failed_repository_only_that_one_is_asked_again(world, gather, fault):
    world.fault(fault, "jax-ml/jax/stargazers", count=3 if fault == "500" else 1)
    gather("stars", ["chainer", "jax"])
    asked = len(world.requests)
    outcome = gather("stars", ["chainer", "jax"])
    assert (outcome.failed, outcome.requests) == ([], 14)
    assert all("jax" in target and "page" in target for target in world.requests[asked:])


def test_after_a_run_that_ended_well_everything_is_asked_again(gather):
    gather("stars", ["chainer", "jax"])
    assert gather("stars", ["chainer", "jax"]).requests == 4
