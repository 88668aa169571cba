"""What was refused lately: asked last, so that nothing starves, and at rest for a day under --due."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from rich.console import Console

from collectors.base import Outcome
from collectors.refusals import Refusals
from tests.collectors.conftest import NOW
from warehouse import registry
from warehouse.raw import Archive
from warehouse.schedule import due

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NEVER_ANSWERED = "tagged=(keras|pytorch|tensorflow)(&|$)"
QUIET = Console(quiet=True)


@pytest.fixture
def when_due(gather, world) -> Callable[..., Outcome]:
    """`collect --due` of one source some time after NOW."""

    def run(source: str, after: timedelta, frameworks: tuple[str, ...] = ("chainer",), **days: date) -> Outcome:
        world.at(NOW + after)
        return gather(source, frameworks, only_due=True, clock=lambda: NOW + after, **days)

    return run


def test_refused_questions_come_last_and_the_one_refused_longest_ago_first():
    at = {"a": datetime(2026, 9, 10), "c": datetime(2026, 9, 8), "e": datetime(2026, 9, 10), "x": datetime(2026, 9, 9)}
    assert Refusals(at, frozenset()).in_turn("abcde", str) == ["b", "d", "c", "a", "e"]
    assert Refusals(at, frozenset("ae")).in_turn("abcde", str) == ["b", "d", "c"]


def test_years_that_are_never_answered_do_not_starve_the_older_ones(world, gather):
    days = {"since": date(2018, 1, 1), "until": date(2023, 12, 31)}
    world.fault("html", "/clickhouse.*param_from=202[123]", count=-1)
    first = gather("downloads", **days)
    assert first.refused == ["chainer 2023 (ClickHouse)", "chainer 2022 (ClickHouse)", "chainer 2021 (ClickHouse)"]
    asked = len(world.requests)
    gather("downloads", **days)
    years = [target.partition("param_from=")[2][:4] for target in world.requests[asked:] if "clickhouse" in target]
    assert years == ["2020", "2019", "2018", "2023", "2022", "2021"]


def test_a_tag_that_is_never_answered_goes_after_all_that_may_be(world, gather, rows):
    frameworks, days = ["keras", "pytorch", "tensorflow", "chainer"], {"since": date(2026, 1, 1)}
    world.fault("html", NEVER_ANSWERED, count=-1)
    for _ in range(3):
        gather("questions", frameworks, **days)
    months = [row["month"].month for row in rows("question_counts") if row["tag"] == "chainer"]
    assert months == [8, 7, 6, 5, 4, 3, 2, 1]


def test_one_refused_month_does_not_put_its_tag_behind_the_others(world, gather):
    world.fault("html", "fromdate=1785542400.*tagged=chainer")
    gather("questions", since=date(2026, 8, 1))
    asked = len(world.requests)
    gather("questions", since=date(2026, 6, 1))
    tagged = ["tagged=chainer" in target for target in world.requests[asked:]]
    assert tagged == [False, True, False, True, True]


def test_what_was_refused_rests_for_a_day_when_only_what_is_due_is_asked(world, when_due, settings):
    days = {"since": date(2026, 8, 1)}
    world.fault("html", "/pypistats", count=-1)
    assert when_due("downloads", 0 * HOUR, **days).refused == ["chainer (pypistats.org)"]
    rested = when_due("downloads", 22 * HOUR, **days)
    assert (rested.requests, rested.failed, rested.left) == (0, [], "1 package (pypistats.org)")
    assert world.asked("/pypistats") == 1
    world.faults.clear()
    mended = when_due("downloads", 24 * HOUR, **days)
    assert (world.asked("/pypistats"), mended.failed, mended.left) == (2, [], "")


def test_a_run_that_only_rests_ends_well_and_the_source_is_due_again_a_day_later(world, when_due, settings):
    world.fault("404", "/surveys", count=-1)
    outcomes = [when_due("surveys", hours * HOUR) for hours in range(4)]
    assert [len(outcome.refused) for outcome in outcomes] == [3, 3, 2, 0]
    assert (outcomes[3].failed, outcomes[3].left) == ([], "8 years of Stack Overflow's survey")
    archive, frameworks = Archive(settings.raw), registry.load(settings).choose(["chainer"])
    dues = [due(archive, "surveys", NOW + hours * HOUR, frameworks) for hours in (3, 4, 25, 27)]
    assert dues == [False, False, False, True]


def test_questions_at_rest_are_no_spent_quota(world, when_due):
    days = {"since": date(2026, 8, 1)}
    world.fault("html", "/stackexchange", count=-1)
    when_due("questions", 0 * HOUR, **days)
    rested = when_due("questions", HOUR, **days)
    assert (rested.requests, rested.failed, rested.retry_at) == (0, [], None)
    assert rested.left == "2 months' counts of questions"


def test_a_refused_year_of_the_survey_rests_too(world, when_due):
    days = {"since": date(2024, 1, 1), "until": date(2024, 12, 31)}
    world.fault("404", "/surveys", count=-1)
    when_due("surveys", 0 * HOUR, **days)
    rested = when_due("surveys", HOUR, **days)
    assert (rested.requests, rested.failed, rested.left) == (0, [], "1 year of Stack Overflow's survey")
    assert when_due("surveys", DAY, **days).refused == ["Stack Overflow 2024"]


def test_the_window_that_goes_on_rests_although_it_ends_a_day_later(world, when_due):
    days = {"since": date(2026, 9, 1)}
    world.fault("html", "search_query=.*ti%3A", count=-1)
    assert len(when_due("papers", 0 * HOUR, **days).failed) == 1
    rested = when_due("papers", 22 * HOUR, **days)
    assert (rested.requests, rested.failed, rested.left) == (0, [], "1 window of papers")
    world.faults.clear()
    assert when_due("papers", DAY, **days).left == ""


@pytest.mark.parametrize(
    ("source", "fault", "days", "left"),
    [
        ("surveys", "/surveys", {"since": date(2024, 1, 1), "until": date(2024, 12, 31)},
         "1 year of Stack Overflow's survey"),
        ("papers", "search_query=.*ti%3A", {"since": date(2026, 9, 1)}, "1 window of papers"),
        ("downloads", "/pypistats", {"since": date(2026, 8, 1)}, "1 package (pypistats.org)"),
    ],
)  # fmt: skip
def test_a_plan_leaves_what_rests(world, when_due, planned, source, fault, days, left):
    world.fault("html", fault, count=-1)
    when_due(source, 0 * HOUR, **days)
    told = planned(source, ["chainer"], only_due=True, clock=lambda: NOW + HOUR, **days)
    assert (told.calls, told.left) == (0, left)


def test_while_the_past_is_read_day_by_day_pypistats_is_asked_when_its_newest_day_is_a_week_old(world, when_due):
    asked = []
    for days in range(7):
        when_due("downloads", days * DAY)
        asked.append(world.asked("/pypistats"))
    assert asked == [1, 1, 1, 1, 1, 1, 2]


def test_pypistats_is_asked_each_time_once_nothing_else_is_left(world, when_due):
    for days in range(3):
        when_due("downloads", days * DAY, since=date(2026, 8, 1))
    assert world.asked("/pypistats") == 3
