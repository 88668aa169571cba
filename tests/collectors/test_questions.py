"""The questions collector against the world's Stack Exchange."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.collectors.conftest import NOW
from warehouse.raw import RUN_END, Archive

# Chainer came out in June 2015: its months begin a year before, and August 2026 is the last whole one.
CHAINERS_MONTHS = 12 * 12 + 3
NEWCOMER = """
[[framework]]
id = "newcomer"
name = "Newcomer"
colour = "#123456"
first_released_on = 2026-05-20
status = "active"
stackoverflow_tags = ["new-comer"]
"""
SUMMER = {"since": date(2026, 6, 1), "until": date(2026, 8, 31)}


@pytest.fixture
def counts(rows):
    """The newest count of a tag ("": all questions) by month."""
    return lambda tag: {row["month"]: row["questions"] for row in rows("question_counts") if (row["tag"] or "") == tag}


@pytest.fixture
def newcomer(settings, world):
    """A framework that dlpulse never heard of; its tag is known to the world."""
    (settings.home / "frameworks.toml").write_text(NEWCOMER, "utf-8")
    world.stackexchange.tags.add("new-comer")


def truth(world, tag, first, last):
    found, month = {}, first
    while month <= last:
        found[month] = world.stackexchange.month(tag, month)
        month = (month + timedelta(days=31)).replace(day=1)
    return found


def test_every_month_is_counted_from_a_year_before_the_release_with_the_total_beside(world, gather, counts):
    outcome = gather("questions", stackexchange_key="world-key")
    assert (outcome.failed, outcome.left, outcome.requests) == ([], "", 2 * CHAINERS_MONTHS)
    assert counts("chainer") == truth(world, "chainer", date(2014, 6, 1), date(2026, 8, 1))
    assert counts("") == truth(world, "", date(2014, 6, 1), date(2026, 8, 1))


def utc(epoch):
    return datetime.fromtimestamp(int(epoch), UTC).replace(tzinfo=None)


def test_a_months_first_and_last_second_are_in_it(world, gather):
    gather("questions", **SUMMER)
    bounds = [re.search(r"fromdate=(\d+)&todate=(\d+)", target) for target in world.requests]
    told = {(utc(b[1]), utc(b[2])) for b in bounds}
    assert max(told) == (datetime(2026, 8, 1), datetime(2026, 8, 31, 23, 59, 59))


def test_newest_months_come_first_and_all_questions_before_the_tag(world, gather):
    gather("questions", **SUMMER)
    tagged = ["tagged=chainer" in target for target in world.requests]
    firsts = [int(re.search(r"fromdate=(\d+)", target)[1]) for target in world.requests]
    assert tagged == [False, True] * 3
    assert firsts == sorted(firsts, reverse=True)


def test_the_daily_quota_is_spent_on_the_newest_and_the_rest_is_left(world, gather, counts):
    outcome = gather("questions", ["chainer", "keras"])
    assert (outcome.requests, outcome.failed, outcome.retry_at) == (300, [], None)
    assert outcome.left == "147 months' counts of questions"
    assert min(counts("chainer")) == date(2018, 5, 1)


def test_no_request_is_made_once_the_quota_of_the_utc_day_is_spent(world, gather):
    gather("questions", ["chainer", "keras"])
    outcome = gather("questions", ["chainer", "keras"])
    assert (outcome.requests, outcome.failed) == (0, [])
    assert (outcome.left, outcome.retry_at) == ("147 months' counts of questions", datetime(2026, 9, 12))


def test_a_new_utc_day_brings_a_new_quota_and_the_rest(world, gather, counts):
    gather("questions", ["chainer", "keras"])
    tomorrow = datetime(2026, 9, 12, 0, 5)
    world.at(tomorrow)
    outcome = gather("questions", ["chainer", "keras"], clock=lambda: tomorrow)
    assert (outcome.requests, outcome.left) == (147, "")
    assert counts("keras") == truth(world, "keras", date(2014, 3, 1), date(2026, 8, 1))


def test_a_quota_that_others_used_up_counts_when_it_is_lower(world, gather, settings):
    world.stackexchange.remaining[""] = 5
    outcome = gather("questions")
    assert (outcome.requests, outcome.failed, outcome.retry_at) == (5, [], datetime(2026, 9, 12))
    assert gather("questions").requests == 0


def test_a_spent_quota_says_when_to_come_back(world, gather, counts):
    world.stackexchange.remaining[""] = 0
    outcome = gather("questions")
    assert (outcome.requests, outcome.failed, counts("chainer")) == (1, [], {})
    assert outcome.retry_at == NOW + timedelta(seconds=3600)
    assert outcome.left == f"{2 * CHAINERS_MONTHS} months' counts of questions"


def test_backoff_is_obeyed(world, gather, counts):
    world.stackexchange.order_backoff(1)
    outcome = gather("questions", **SUMMER)
    assert (outcome.failed, outcome.left, world.stackexchange.ignored_backoffs) == ([], "", 0)
    assert world.times[1] - world.times[0] >= 1.0
    assert len(counts("chainer")) == 3


def test_a_backoff_beyond_max_wait_ends_the_run_and_says_when_to_come_back(world, gather):
    world.stackexchange.order_backoff(40)
    outcome = gather("questions", **SUMMER)
    assert (outcome.requests, outcome.failed, outcome.left) == (1, [], "5 months' counts of questions")
    assert outcome.retry_at == NOW + timedelta(seconds=40)


def test_a_backoff_of_the_run_before_is_obeyed_too(world, gather):
    world.stackexchange.order_backoff(300)
    gather("questions", **SUMMER)
    outcome = gather("questions", **SUMMER)  # a minute later
    assert (outcome.requests, outcome.retry_at) == (0, NOW + timedelta(seconds=300))
    assert world.stackexchange.ignored_backoffs == 0


def test_a_settled_month_is_never_asked_again_and_an_unsettled_one_is(world, gather, counts):
    early = datetime(2026, 9, 11, 15)
    fourth = early.replace(month=10, day=4)
    world.at(fourth)
    gather("questions", since=date(2026, 8, 1), clock=lambda: fourth)
    assert world.asked() == 4
    gather("questions", since=date(2026, 8, 1), clock=lambda: fourth)
    assert (world.asked(), world.asked("fromdate=1788220800")) == (6, 4)  # September's alone again
    eighth = fourth.replace(day=8)
    world.at(eighth)
    gather("questions", since=date(2026, 8, 1), clock=lambda: eighth)
    outcome = gather("questions", since=date(2026, 8, 1), clock=lambda: eighth)
    assert (outcome.requests, outcome.left, outcome.new) == (0, "", 0)


def test_the_key_is_sent_and_never_kept(world, gather, settings):
    gather("questions", stackexchange_key="s3cret-key", **SUMMER)
    assert world.asked("key=s3cret-key") == 6
    kept = b"".join(path.read_bytes() for path in settings.home.rglob("*") if path.is_file())
    assert b"s3cret-key" not in kept


def test_a_tag_without_any_question_is_noticed(gather, settings):
    (settings.home / "frameworks.toml").write_text(NEWCOMER, "utf-8")
    outcome = gather("questions", ["newcomer"])
    assert outcome.failed == []
    assert outcome.noticed == ["new-comer: Stack Overflow has no question with this tag; correct it in the registry"]


def test_a_month_of_zero_beside_others_is_a_real_zero(world, gather, counts):
    outcome = gather("questions", stackexchange_key="world-key")
    zeros = {month for month, questions in counts("chainer").items() if questions == 0}
    expected = {month for month, n in truth(world, "chainer", date(2014, 6, 1), date(2026, 8, 1)).items() if n == 0}
    assert (outcome.noticed, zeros) == ([], expected)
    assert len(expected) > 10


def test_a_framework_never_heard_of_costs_only_its_own_questions(newcomer, world, gather, counts):
    gather("questions", since=date(2025, 5, 1))
    outcome = gather("questions", ["newcomer"])
    # From May 2025 to August 2026; the totals are known already.
    assert (outcome.requests, outcome.left) == (16, "")
    assert counts("new-comer") == truth(world, "new-comer", date(2025, 5, 1), date(2026, 8, 1))


def test_a_framework_without_tags_asks_nothing(gather):
    outcome = gather("questions", ["toolog"])
    assert (outcome.requests, outcome.failed, outcome.left) == (0, [], "")


@pytest.mark.parametrize("kind", ["empty", "html", "truncated", "invalid-utf8", "500", "404", "304", "broken-off"])
def test_a_spoiled_count_gives_no_fact_and_is_asked_again(world, gather, counts, kind):
    world.fault(kind, "tagged=chainer.*|questions.*tagged=chainer", count=3 if kind == "500" else 1)
    first = gather("questions", **SUMMER)
    assert [line.split(":")[0] for line in first.failed] == ["chainer 2026-08"]
    assert (sorted(counts("chainer")), first.left) == (
        [date(2026, 6, 1), date(2026, 7, 1)],
        "1 month's count of questions",
    )
    gather("questions", **SUMMER)
    assert counts("chainer") == truth(world, "chainer", date(2026, 6, 1), date(2026, 8, 1))


def test_three_spoiled_answers_in_a_row_end_the_run(world, gather):
    world.fault("html", count=-1)
    outcome = gather("questions")
    assert outcome.requests == 3
    assert outcome.failed[-1] == "Stack Exchange gave no usable answer 3 times in a row"


def test_after_a_break_only_what_is_missing_is_asked(world, gather, counts):
    """As after a kill: what was archived before stays, and is not asked again."""
    world.fault("reset", after=3, count=-1)
    first = gather("questions", **SUMMER)
    assert (first.requests, first.left) == (3, "3 months' counts of questions")
    world.faults.clear()
    outcome = gather("questions", **SUMMER)
    assert (outcome.requests, outcome.left) == (3, "")
    assert len(counts("chainer")) == 3


def test_a_run_that_only_spent_its_quota_ended_well(gather, settings):
    gather("questions", ["chainer", "keras"])
    ends = [answer for answer in Archive(settings.raw).responses("questions") if answer.subject == RUN_END]
    assert (ends[0].json()["error"], ends[0].json()["left"]) == (None, "147 months' counts of questions")


def test_the_plan_tells_calls_quota_and_what_is_left(world, gather, planned):
    gather("questions", **SUMMER)
    asked = len(world.requests)
    told = planned("questions", ["chainer", "keras"])
    assert (told.calls, told.budget, told.left) == (294, "294 of 300 left today", "147 months' counts of questions")
    assert len(world.requests) == asked


def test_what_is_left_of_the_days_quota_is_kept_with_the_run(gather, settings):
    gather("questions", ["chainer"], **SUMMER)
    (run,) = Archive(settings.raw).runs("questions")
    # Three months of one tag, and of all questions.
    assert run.end.json()["budget"] == "294 of 300 calls left on 2026-09-11 UTC"
