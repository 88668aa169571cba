"""Which pages are asked: pure decisions from what is known."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from collectors.starplan import Known, Plan

NOW = datetime(2026, 9, 11, 15)
THIS_WEEK = date(2026, 9, 6)


def weeks(first: int, last: int) -> list[date]:
    """The weeks that lie `first` to `last` weeks before this one."""
    return [THIS_WEEK - timedelta(weeks=n) for n in range(first, last + 1)]


def known(read: dict[date, datetime], age_in_weeks: int = 99) -> Known:
    return Known(full_name="a/b", created_on=THIS_WEEK - timedelta(weeks=age_in_weeks), read_at=read)


def test_an_unknown_repository_is_read_to_its_first_week():
    assert Plan.make(known({}), NOW).pages == [1, 2, 3, 4]


@pytest.mark.parametrize(("age", "pages"), [(0, [1]), (29, [1]), (30, [1, 2])])
def test_a_page_holds_thirty_weeks(age, pages):
    assert Plan.make(known({}, age), NOW).pages == pages


def test_weeks_read_in_the_last_28_days_are_not_asked_again():
    fresh = dict.fromkeys(weeks(1, 99), NOW - timedelta(days=27))
    assert Plan.make(known(fresh), NOW).pages == [1]
    stale = dict.fromkeys(weeks(1, 99), NOW - timedelta(days=28))
    assert Plan.make(known(stale), NOW).pages == [1, 2, 3, 4]


def test_only_pages_with_unknown_weeks_are_asked():
    read = dict.fromkeys(weeks(1, 59) + weeks(90, 99), NOW - timedelta(days=1))
    assert Plan.make(known(read), NOW).pages == [1, 3]


def test_no_next_page_ends_the_plan_and_one_beyond_the_last_extends_it():
    plan = Plan.make(known({}), NOW)
    plan.received(1, weeks(0, 29), has_next=False)
    assert plan.pages == []
    plan = Plan.make(known({}, 29), NOW)
    plan.received(1, weeks(0, 29), has_next=True)
    assert plan.pages == [2]


def test_no_page_beyond_the_hundredth_is_asked():
    plan = Plan.make(known({}, 4_000), NOW)
    assert plan.pages[-1] == 100
    plan.received(100, weeks(2970, 2999), has_next=True)
    assert plan.pages[-1] == 99


def test_a_week_that_rolled_over_to_the_next_page_is_no_gap():
    plan = Plan.make(known({}, 58), NOW)
    plan.received(1, weeks(0, 29), has_next=True)
    plan.received(2, weeks(29, 58), has_next=False)
    assert plan.gaps() == []


def test_missing_weeks_are_told():
    plan = Plan.make(known({}, 59), NOW)
    plan.received(1, weeks(0, 28), has_next=True)
    plan.received(2, weeks(30, 57), has_next=False)
    assert plan.gaps() == [
        "its star history lacks 1 weeks between 2025-08-03 and 2026-09-06",
        "its star history ends at 2025-08-03, although it was created on 2025-07-20",
    ]
