"""Refreshing stars: what is asked again when, at what cost, within which budget, and what must add up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import pytest
from rich.console import Console

from collectors import stars
from collectors.base import Context
from collectors.runner import open_context
from tests.collectors import series
from tests.collectors.conftest import NOW
from warehouse import registry
from warehouse.build import build
from warehouse.raw import Archive
from warehouse.settings import Settings

CHAINER = "chainer/chainer"
HISTORY = "stargazers/history"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

About = Callable[..., AbstractContextManager[Context]]


@pytest.fixture
def about(settings: Settings) -> About:
    """The context of a collection at an instant, as the command would open it; settings are changed by keyword."""

    @contextmanager
    def opened(
        at: datetime = NOW,
        frameworks: tuple[str, ...] = ("chainer", "jax"),
        sources: tuple[str, ...] = ("stars",),
        only_due: bool = False,
        **changes: Any,
    ) -> Iterator[Context]:
        chosen = replace(settings, clock=lambda: at, **changes)
        known = registry.load(chosen)
        choice = {"frameworks": known.choose(frameworks), "only_due": only_due}
        with open_context(chosen, known, sources, console=Console(quiet=True), **choice) as context:
            yield context

    return opened


@pytest.fixture
def quiet_chainer(world: Any) -> dict[date, int]:
    """Chainer's days, which from now on only the test changes."""
    repo = world.github.find(CHAINER)
    repo.days = dict(repo.days)
    return repo.days


def take_back(days: dict[date, int], stars_taken: int, before: date) -> None:
    """Let so many people un-star whose stars were given before a day, one of each day."""
    for day in [day for day, given in days.items() if given and day < before][:stars_taken]:
        days[day] -= 1


def warehouse(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    """Build, and ask the published file."""
    build(settings, registry.load(settings))
    with duckdb.connect(str(settings.database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def statuses(settings: Settings) -> list[tuple[str, int]]:
    answers = Archive(settings.raw).responses("stars")
    return [(answer.params["kind"], answer.status) for answer in answers if answer.status is not None]


def test_where_nothing_changed_a_refresh_is_two_304s_and_costs_no_budget(world, gather, settings):
    gather("stars")
    left = world.github.budgets["world-token"]
    outcome = gather("stars")
    assert (outcome.requests, outcome.new, outcome.failed) == (2, 0, [])
    assert statuses(settings)[-2:] == [("repo", 304), ("history", 304)]
    assert world.github.budgets["world-token"] == left


def test_a_304_names_the_page_that_it_confirms(gather, archived):
    for _ in range(3):
        gather("stars")
    first, *again = [answer for answer in archived("stars") if answer.params.get("page") == 1]
    assert [answer.revalidates for answer in again] == [first.response_id] * 2


def test_a_304_on_the_next_day_makes_yesterday_whole_and_adds_todays_zero(world, gather, settings, quiet_chainer):
    quiet_chainer[date(2026, 9, 11)] = 4
    gather("stars")
    world.at(NOW + DAY)
    outcome = gather("stars", clock=lambda: NOW + DAY)
    assert statuses(settings)[-1] == ("history", 304)
    assert outcome.new == 2, "the new record and the zero of the 12th"
    newest = series.newest(settings.raw, CHAINER)
    assert max(newest) == date(2026, 9, 12)
    told = {day.day: (newest[day]["stars_added"], newest[day]["is_partial"]) for day in sorted(newest)[-2:]}
    assert told == {11: (4, False), 12: (0, True)}
    assert newest[date(2026, 9, 12)]["fetched_at"] == NOW + DAY


def test_in_a_new_week_page_one_is_not_asked_conditionally(world, gather, settings):
    gather("stars")
    sunday = NOW + 2 * DAY
    world.at(sunday)
    world.fault("304", rf"{HISTORY}\?")
    outcome = gather("stars", clock=lambda: sunday)
    assert outcome.failed[0].startswith(f"{CHAINER}: GitHub answered 304 to what was no conditional request")
    assert max(series.newest(settings.raw, CHAINER)) == date(2026, 9, 11)


def test_weeks_that_came_since_are_read_back_to_the_known_ones(world, gather, settings):
    gather("stars")
    later = NOW + 21 * DAY
    world.at(later)
    assert gather("stars", clock=lambda: later).requests == 2
    repo = world.github.find(CHAINER)
    told = series.stars(settings.raw, CHAINER)
    assert len(told) == (max(told) - min(told)).days + 1
    assert sum(told.values()) == repo.stars(date(2026, 10, 2))


def test_hourly_due_runs_without_a_token_spend_their_calls_on_the_backfill(world, about):
    asked = []
    for hour in range(5):
        world.at(NOW + hour * HOUR)
        world.github.budgets[""] = 10
        before = len(world.requests)
        with about(NOW + hour * HOUR, only_due=True, github_token=None) as context:
            outcome = stars.collect(context)
        asked.append(world.requests[before:])
    assert [len(targets) for targets in asked] == [10, 10, 10, 6, 0]
    repeated = [target for targets in asked[1:] for target in targets if HISTORY not in target or "page=1&" in target]
    assert (repeated, outcome.left, outcome.failed) == ([], "", [])


def test_due_again_after_23_hours(world, about):
    for hours, requests in ((0, 21), (22.9, 0), (23.1, 2)):
        with about(NOW + hours * HOUR, ("chainer",), only_due=True) as context:
            assert stars.collect(context).requests == requests


@pytest.mark.parametrize("fault", ["404", "html"])
def test_by_due_a_refused_repository_rests_a_day_and_the_run_ends_well(world, about, fault):
    world.fault(fault, "/repos/jax-ml/jax$", count=-1)
    said = []
    for hours in (0, 1, 22.9, 23.1, 24):
        with about(NOW + hours * HOUR, only_due=True) as context:
            outcome = stars.collect(context)
        said.append((len(outcome.failed), outcome.requests, outcome.left))
    rests = "1 repository refused lately"
    assert said == [(1, 22, ""), (0, 0, rests), (0, 0, rests), (1, 3, ""), (0, 0, rests)]


def test_a_plan_by_due_leaves_out_what_rests(world, about):
    world.fault("404", "/repos/jax-ml/jax$", count=-1)
    with about(NOW, only_due=True) as context:
        stars.collect(context)
    with about(NOW + HOUR, only_due=True) as context:
        told = stars.plan(context)
    assert (told.calls, told.left) == (0, "1 repository refused lately")


def test_days_outside_since_and_until_are_not_asked(world, gather, settings):
    outcome = gather("stars", since=date(2018, 1, 1), until=date(2018, 1, 31))
    assert (outcome.requests, outcome.failed, outcome.left) == (3, [], "")
    told = series.stars(settings.raw, CHAINER)
    assert {date(2018, 1, 1) + n * DAY for n in range(31)} <= set(told)
    assert len(told) == 2 * 210, "January lies on two pages"
    assert gather("stars").requests == 19, "the record and the 18 pages not read yet"


def test_what_does_not_add_up_is_noticed_and_stands_in_the_warehouse(world, gather, settings, quiet_chainer):
    gather("stars")
    for days_later, taken in ((1, 5), (2, 95)):
        take_back(quiet_chainer, taken, before=date(2018, 1, 1))
        at = NOW + days_later * DAY
        world.at(at)
        outcome = gather("stars", clock=lambda at=at: at)
        assert outcome.failed == []
    assert outcome.noticed == [
        "chainer/chainer: the star history adds up to 5,900, its record says 5,800 (1.7 % apart)"
    ]
    columns = "stars_summed, stars_recorded, difference, round(tolerance, 2), agrees"
    assert warehouse(settings, f"select {columns} from rpt_star_sums order by read_at") == [
        (5900, 5900, 0, 5.9, True),
        (5900, 5895, 5, 5.9, True),
        (5900, 5800, 100, 5.8, False),
    ]


def test_a_304_keeps_known_at_of_whole_days_and_gives_the_others_its_own(world, gather, settings, quiet_chainer):
    quiet_chainer.update({date(2026, 9, 10): 1, date(2026, 9, 11): 4})
    gather("stars")
    world.at(NOW + DAY)
    gather("stars", clock=lambda: NOW + DAY)
    days = """
        select day, stars_added, is_partial, known_at, status
        from fct_stars join meta_responses using (response_id)
        where estimator = 'retained' and day >= date '2026-09-10' order by day"""
    assert warehouse(settings, days) == [
        (date(2026, 9, 10), 1, False, NOW, 200),
        (date(2026, 9, 11), 4, False, NOW + DAY, 304),
        (date(2026, 9, 12), 0, True, NOW + DAY, 304),
    ]


def test_without_a_token_stars_leave_each_repositorys_releases_their_call(world, about):
    world.github.budgets[""] = 12
    with about(sources=("stars", "releases"), github_token=None) as context:
        outcome = stars.collect(context)
    assert (outcome.requests, world.github.budgets[""], outcome.failed) == (10, 2, [])
    assert outcome.retry_at == NOW + timedelta(seconds=3601)


def test_a_plan_asks_only_for_the_budget_and_opens_no_run(world, about, settings):
    with about() as context:
        plan = stars.plan(context)
    assert (plan.calls, plan.budget, plan.left) == (36, "5,000 of 5,000 left this hour", "")
    assert plan.seconds == pytest.approx(10.8)
    assert [target.split("?")[0] for target in world.requests] == ["/github/rate_limit"]
    assert Archive(settings.raw).parts() == []


def test_a_plan_tells_what_is_left_for_next_time_and_that_it_is_a_guess(world, about):
    world.github.budgets[""] = 14
    with about(sources=("stars", "releases"), github_token=None) as context:
        plan = stars.plan(context)
    assert (plan.calls, plan.budget) == (12, "14 of 60 left this hour")
    assert plan.left == "about 24 pages of star history"


def test_a_plan_counts_what_the_archive_lacks(world, about):
    world.github.budgets[""] = 7
    with about(github_token=None) as context:
        stars.collect(context)
    world.github.budgets[""] = 7
    with about(NOW + HOUR, github_token=None) as context:
        plan = stars.plan(context)
    assert (plan.calls, plan.left) == (7, "22 pages of star history")


def test_the_plan_of_a_refresh_is_two_calls_a_repository(about):
    with about() as context:
        stars.collect(context)
    with about(NOW + HOUR) as context:
        assert stars.plan(context).calls == 4


def test_a_plan_without_network_says_that_the_budget_is_unknown(about):
    with about(github_api="http://127.0.0.1:9") as context:
        plan = stars.plan(context)
    assert plan.budget == "unknown: GitHub at 127.0.0.1:9 cannot be reached: connection refused"
    assert plan.calls == 36


def test_three_useless_answers_in_a_row_end_the_run(world, gather):
    world.fault("html", count=-1)
    outcome = gather("stars", ["chainer", "jax", "keras", "pytorch"])
    assert outcome.requests == 3
    assert outcome.failed[-1] == "GitHub gave no usable answer 3 times in a row"
    assert outcome.left == "2 repository records"


def test_a_wrong_name_is_no_useless_answer(world, gather):
    for name in ("chainer/chainer", "jax-ml/jax", "keras-team/keras"):
        world.fault("404", f"/repos/{name}")
    outcome = gather("stars", ["chainer", "jax", "keras", "toolog"])
    assert (len(outcome.failed), outcome.requests, outcome.left) == (3, 5, "")


def test_a_renamed_repository_costs_no_redirect_once_its_new_name_is_known(world, gather):
    world.github.rename(CHAINER, "new-home/chain")
    gather("stars")
    asked = len(world.requests)
    gather("stars")
    assert len(world.requests) - asked == 2
