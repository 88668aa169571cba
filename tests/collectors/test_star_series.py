"""Arbitrary star histories, served by the world and collected over days, come out as the exact daily series."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from collectors import stars
from collectors.runner import open_context
from tests.collectors import series
from tests.world import World
from tests.world.repos import Repo, sunday
from warehouse import registry
from warehouse.settings import Settings

NAME = "someone/framework"
REGISTRY = f"""
[[framework]]
id = "framework"
name = "Framework"
colour = "#123456"
first_released_on = 2025-01-01
status = "active"
repositories = [{{ name = "{NAME}" }}]
"""
DAY = timedelta(days=1)
# Both Sundays of a change of clocks, a day's end in Greenwich and in the Pacific, a year's end, a week's roll-over.
EDGES = [
    datetime(2026, 3, 8, 7, 59, 50), datetime(2026, 3, 8, 8, 0), datetime(2026, 3, 9, 6, 59, 59),
    datetime(2026, 11, 1, 6, 59, 50), datetime(2026, 11, 1, 7, 0), datetime(2026, 11, 2, 7, 59, 59),
    datetime(2026, 6, 14, 6, 59, 50), datetime(2026, 6, 14, 7, 0, 5), datetime(2026, 6, 13, 23, 59, 59),
    datetime(2026, 1, 1, 0, 0), datetime(2026, 1, 1, 8, 0),
]  # fmt: skip
MOMENTS = st.sampled_from(EDGES) | st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31))
# At least a second: runs begun in the same one have no order.
PAUSES = st.sampled_from([1, 10, 3_600, 86_390, 86_400, 7 * 86_400, 20 * 86_400]) | st.integers(1, 4 * 86_400)
# (how many days ago, gained or lost) until the next look.
CHANGES = st.lists(st.tuples(st.integers(0, 500), st.integers(-3, 5)), max_size=4)

Served = tuple[World, Path]


@pytest.fixture(scope="module")
def served(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Served:
    """A world with a repository whose days each example replaces; its clock is set by hand, also back."""
    folder = tmp_path_factory.mktemp("series")
    (folder / "registry.toml").write_text(REGISTRY, "utf-8")
    with World(shared_data, datetime(2026, 1, 1)) as world:
        world.github.repos.append(Repo(4711, NAME, (), date(2026, 1, 1), {date(2026, 1, 1): 1}))
        yield world, folder


def pacific(instant: datetime) -> date:
    return instant.replace(tzinfo=UTC).astimezone(ZoneInfo("America/Los_Angeles")).date()


def set_clock(world: World, now: datetime) -> None:
    """Only GitHub's clock: the other sources would count anew, which nobody looks at."""
    world.now = world.github.now = now
    world.github.budgets["world-token"] = 5_000


def collect(world: World, folder: Path) -> None:
    home = folder / "home"
    chosen = Settings(
        home=home, raw=home / "raw", registry_file=folder / "registry.toml", github_api=world.github_api,
        github_token="world-token", retries=0, clock=lambda: world.now,
    )  # fmt: skip
    with open_context(chosen, registry.load(chosen), ("stars",), console=Console(quiet=True)) as context:
        outcome = stars.collect(context)
    assert (outcome.failed, outcome.left) == ([], "")


def told(folder: Path) -> dict[date, tuple[int, bool]]:
    newest = series.newest(folder / "home/raw", NAME)
    return {day: (reading["stars_added"], reading["is_partial"]) for day, reading in newest.items()}


def truth(repo: Repo, today: date, since: date) -> dict[date, tuple[int, bool]]:
    return {
        since + n * DAY: (repo.days.get(since + n * DAY, 0), since + n * DAY == today)
        for n in range((today - since).days + 1)
    }


def change(repo: Repo, today: date, changes: list[tuple[int, int]]) -> None:
    """Give stars, and take them back: net of a day, never below zero, never before the repository was there."""
    for ago, stars_more in changes:
        day = max(repo.created_on, today - ago * DAY)
        repo.days[day] = max(0, repo.days.get(day, 0) + stars_more)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=MOMENTS,
    age=st.integers(0, 450),
    given_before=CHANGES,
    looks=st.lists(st.tuples(PAUSES, CHANGES), min_size=1, max_size=4),
)
def test_any_history_comes_out_as_the_exact_daily_series(served, start, age, given_before, looks):
    world, folder = served
    shutil.rmtree(folder / "home", ignore_errors=True)
    repo = world.github.find(NAME)
    set_clock(world, start)
    repo.created_on, repo.days = pacific(start) - age * DAY, {}
    change(repo, pacific(start), given_before)
    collect(world, folder)
    assert told(folder) == truth(repo, pacific(start), sunday(repo.created_on))
    for pause, changes in looks:
        now = world.now + timedelta(seconds=pause)
        set_clock(world, now)
        change(repo, pacific(now), changes)
        collect(world, folder)
        newest_page = max(sunday(pacific(now)) - 29 * 7 * DAY, sunday(repo.created_on))
        seen = {day: reading for day, reading in told(folder).items() if day >= newest_page}
        assert seen == truth(repo, pacific(now), newest_page)
    set_clock(world, world.now + 28 * DAY)
    collect(world, folder)
    assert told(folder) == truth(repo, pacific(world.now), sunday(repo.created_on))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.sampled_from(EDGES), age=st.integers(210, 450), seconds=st.integers(1, 20), given_before=CHANGES)
def test_a_week_that_rolls_over_between_two_pages_neither_doubles_nor_loses_a_day(
    served, start, age, seconds, given_before
):
    world, folder = served
    shutil.rmtree(folder / "home", ignore_errors=True)
    repo = world.github.find(NAME)
    set_clock(world, start)
    repo.created_on, repo.days = pacific(start) - age * DAY, {}
    change(repo, pacific(start), given_before)
    collect(world, folder)
    for page in range(2, 4):
        world.fault("clock", rf"{NAME}/.*page={page}\b", seconds=seconds)
    set_clock(world, world.now + 35 * DAY)
    first = pacific(world.now)
    collect(world, folder)
    world.faults.clear()
    known = told(folder)
    assert {day: count for day, (count, _) in known.items()} == {
        day: count for day, (count, _) in truth(repo, first, sunday(repo.created_on)).items()
    }
