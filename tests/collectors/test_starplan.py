"""Which pages are asked: pure decisions from what is known."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from collectors.starplan import Answered, Known, PagePlan, is_settled
from warehouse.raw import Response

NOW = datetime(2026, 9, 11, 15)
THIS_WEEK = date(2026, 9, 6)


def weeks(first: int, last: int) -> list[date]:
    """The weeks that lie `first` to `last` weeks before this one."""
    return [THIS_WEEK - timedelta(weeks=n) for n in range(first, last + 1)]


def known(read: dict[date, datetime], age_in_weeks: int = 99) -> Known:
    return Known(full_name="a/b", created_on=THIS_WEEK - timedelta(weeks=age_in_weeks), read_at=read)


def test_an_unknown_repository_is_read_to_its_first_week():
    assert PagePlan.make(known({}), NOW).pages == [1, 2, 3, 4]


@pytest.mark.parametrize(("age", "pages"), [(0, [1]), (29, [1]), (30, [1, 2])])
def test_a_page_holds_thirty_weeks(age, pages):
    assert PagePlan.make(known({}, age), NOW).pages == pages


def test_weeks_read_in_the_last_28_days_are_not_asked_again():
    fresh = dict.fromkeys(weeks(1, 99), NOW - timedelta(days=27))
    assert PagePlan.make(known(fresh), NOW).pages == [1]
    stale = dict.fromkeys(weeks(1, 99), NOW - timedelta(days=28))
    assert PagePlan.make(known(stale), NOW).pages == [1, 2, 3, 4]


def test_only_pages_with_unknown_weeks_are_asked():
    read = dict.fromkeys(weeks(1, 59) + weeks(90, 99), NOW - timedelta(days=1))
    assert PagePlan.make(known(read), NOW).pages == [1, 3]


def test_no_next_page_ends_the_plan_and_one_beyond_the_last_extends_it():
    plan = PagePlan.make(known({}), NOW)
    plan.received(1, weeks(0, 29), has_next=False)
    assert plan.pages == []
    plan = PagePlan.make(known({}, 29), NOW)
    plan.received(1, weeks(0, 29), has_next=True)
    assert plan.pages == [2]


def test_no_page_beyond_the_hundredth_is_asked():
    plan = PagePlan.make(known({}, 4_000), NOW)
    assert plan.pages[-1] == 100
    plan.received(100, weeks(2970, 2999), has_next=True)
    assert plan.pages[-1] == 99


def test_a_week_that_rolled_over_to_the_next_page_is_no_gap():
    plan = PagePlan.make(known({}, 58), NOW)
    plan.received(1, weeks(0, 29), has_next=True)
    plan.received(2, weeks(29, 58), has_next=False)
    assert plan.gaps() == []


def test_missing_weeks_are_told():
    plan = PagePlan.make(known({}, 59), NOW)
    plan.received(1, weeks(0, 28), has_next=True)
    plan.received(2, weeks(30, 57), has_next=False)
    assert plan.gaps() == [
        "its star history lacks 1 week between 2025-08-03 and 2026-09-06",
        "its star history ends at 2025-08-03, although it was created on 2025-07-20",
    ]


def first_page(at: datetime, count: int = 30) -> Answered:
    """A page of weeks with a star on each day, read at an instant."""
    rows: list[Any] = [
        ("star_days", {"week": week, "day": week + timedelta(days=n), "stars_added": 1})
        for week in weeks(0, count - 1)
        for n in range(7)
    ]
    return Answered("r-1", "etag", rows, at)


def confirmation(at: datetime, of: str) -> Response:
    return Response("r-2", "r", "stars", "a/b", None, {"kind": "history", "page": 1}, 304, None, of, at, b"")


def test_a_first_page_asked_since_then_is_not_asked_again():
    one = known(dict.fromkeys(weeks(1, 99), NOW - timedelta(hours=5)))
    one.first_page = first_page(NOW - timedelta(hours=5))
    assert PagePlan.make(one, NOW, settled=NOW - timedelta(hours=5)).pages == []
    assert PagePlan.make(one, NOW, settled=NOW - timedelta(hours=4)).pages == [1]
    assert PagePlan.make(one, NOW, settled=None).pages == [1]


def test_an_unasked_question_is_never_settled():
    assert not is_settled(None, NOW)


def test_only_pages_with_weeks_asked_for_are_planned():
    since, until = THIS_WEEK - timedelta(weeks=40), THIS_WEEK - timedelta(weeks=35)
    plan = PagePlan.make(known({}), NOW, covers=lambda first, last: last >= since and first <= until)
    assert plan.pages == [2]
    plan.received(2, weeks(30, 59), has_next=True)
    assert plan.gaps() == []


def test_a_confirmed_page_ends_like_one_whose_weeks_are_known():
    plan = PagePlan.make(known(dict.fromkeys(weeks(1, 99), NOW)), NOW)
    plan.confirmed(1, weeks(0, 29))
    assert (plan.pages, plan.gaps()) == ([], [])


def test_a_304_makes_the_weeks_of_its_page_fresh_and_yesterday_known():
    one = known({})
    one.first_page = first_page(NOW)
    later = NOW + timedelta(days=1)
    assert one.take(confirmation(later, of="r-1"), []) == 29 * 7 + 7, "the week's Saturday has come"
    assert one.read_at == dict.fromkeys(weeks(1, 29), later)
    assert (one.first_page.response_id, one.first_page.at, max(one.days)) == ("r-1", later, date(2026, 9, 12))


def test_a_304_of_an_answer_that_is_not_the_newest_tells_nothing():
    one = known({})
    one.first_page = first_page(NOW)
    assert one.take(confirmation(NOW + timedelta(days=1), of="r-0"), []) == 0
    assert (one.read_at, one.first_page.at) == ({}, NOW)


def test_a_page_that_lacks_the_new_week_cannot_be_confirmed():
    one = known({})
    one.first_page = first_page(NOW)
    assert one.page_one(datetime(2026, 9, 13, 6, 59)) is one.first_page
    assert one.page_one(datetime(2026, 9, 13, 7, 0)) is None


@pytest.mark.parametrize(
    ("stars", "line"),
    [
        (14, ""),
        (16, ""),
        (17, "the star history adds up to 14, its record says 17 (17.6 % apart)"),
        (11, "the star history adds up to 14, its record says 11 (27.3 % apart)"),
        (0, "the star history adds up to 14, its record says 0"),
    ],
)
def test_two_stars_of_difference_are_let_pass(stars, line):
    days = {date(2026, 8, 30) + timedelta(days=n): 1 for n in range(14)}
    assert Known(created_on=date(2026, 9, 1), stars=stars, days=days).disagreement() == line


@pytest.mark.parametrize(("stars", "agree"), [(64_000, True), (64_064, True), (64_065, False)])
def test_so_is_a_thousandth_of_the_count(stars, agree):
    one = Known(created_on=THIS_WEEK, stars=stars, days={THIS_WEEK: 64_000})
    assert bool(one.disagreement()) is not agree


@pytest.mark.parametrize("created_on", [date(2026, 8, 29), date(2026, 9, 1)])
def test_while_the_life_is_not_whole_nothing_is_compared(created_on):
    days = {date(2026, 8, 30) + timedelta(days=n): 1 for n in (0, 1, 3)}
    assert Known(created_on=created_on, stars=99, days=days).disagreement() == ""
