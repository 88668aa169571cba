"""The events collector against the world's ClickHouse."""

from __future__ import annotations

import json
import re
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from rich.console import Console

from collectors import clickhouse
from collectors.events import MOST_NAME_DAYS
from collectors.fullnames import names_today, names_told
from tests.collectors.conftest import NOW, TOOLOG
from warehouse.raw import Archive

QUIET = Console(quiet=True)
NAMES = ["chainer/chainer", "pfnet/chainer"]
AUTUMN = {"since": date(2017, 9, 1), "until": date(2017, 11, 30)}


@pytest.fixture
def queries(world):
    """What was asked so far: names, from, until of each request."""

    def read() -> list[tuple[str, str, str]]:
        found = [parse_qs(urlsplit(target).query) for target in world.requests if target.startswith("/clickhouse")]
        return [tuple(query[f"param_{key}"][0] for key in ("names", "from", "until")) for query in found]

    return read


def counted(rows: Any) -> list[tuple[str, date, int]]:
    return sorted((row["repo_name"], row["day"], row["stars"]) for row in rows("star_events"))


def windows(rows: Any) -> list[tuple[date, date, list[str]]]:
    return [(row["window_start"], row["window_end"], row["repo_names"]) for row in rows("event_windows")]


def test_months_are_asked_newest_first_under_todays_and_former_names(world, gather, rows, queries):
    outcome = gather("events", **AUTUMN)
    assert (outcome.failed, outcome.left, outcome.requests) == ([], "", 3)
    names = "['chainer/chainer','pfnet/chainer']"
    assert queries() == [
        (names, "2017-11-01", "2017-12-01"),
        (names, "2017-10-01", "2017-11-01"),
        (names, "2017-09-01", "2017-10-01"),
    ]
    truth = world.clickhouse.events(NAMES, date(2017, 9, 1), date(2017, 12, 1))
    assert len(truth) > 60
    assert counted(rows) == truth
    assert windows(rows)[0] == (date(2017, 11, 1), date(2017, 11, 30), NAMES)
    assert {(row["provider"], row["hour"]) for row in rows("star_events")} == {("clickhouse", None)}


def test_events_stand_under_the_name_of_their_day(world, gather, rows):
    gather("events", ["keras"], since=date(2017, 8, 1), until=date(2017, 9, 30))
    days = {name: [day for found, day, _ in counted(rows) if found == name] for name in ("fchollet/keras",
                                                                                     "keras-team/keras")}  # fmt: skip
    assert max(days["fchollet/keras"]) < date(2017, 9, 1) <= min(days["keras-team/keras"])
    truth = world.clickhouse.events(["fchollet/keras", "keras-team/keras"], date(2017, 8, 1), date(2017, 10, 1))
    assert counted(rows) == truth


def test_integers_as_numbers_give_the_same(world, gather, rows):
    world.clickhouse.integers_as_strings = False
    assert gather("events", **AUTUMN).failed == []
    assert counted(rows) == world.clickhouse.events(NAMES, date(2017, 9, 1), date(2017, 12, 1))


def test_nothing_after_the_archives_collapse_is_asked(gather, rows, queries):
    outcome = gather("events", ["keras"], since=date(2025, 4, 1))
    assert (outcome.failed, outcome.left) == ([], "")
    assert [query[1:] for query in queries()] == [("2025-05-01", "2025-05-23"), ("2025-04-01", "2025-05-01")]
    assert max(row["day"] for row in rows("star_events")) == date(2025, 5, 22)


def test_the_oldest_window_begins_with_the_archive(gather, rows, queries):
    gather("events", until=date(2011, 3, 31))
    assert [query[1:] for query in queries()] == [("2011-03-01", "2011-04-01"), ("2011-02-12", "2011-03-01")]
    assert counted(rows) == []
    assert [window[:2] for window in windows(rows)] == [
        (date(2011, 3, 1), date(2011, 3, 31)),
        (date(2011, 2, 12), date(2011, 2, 28)),
    ]


def test_a_run_asks_60_windows_and_three_runs_all_of_them(world, gather, rows, queries):
    outcome = gather("events")
    assert (outcome.requests, outcome.left) == (60, "112 windows of star events")
    assert [gather("events").left for _ in range(3)] == ["52 windows of star events", "", ""]
    assert len(queries()) == len(set(queries())) == 172
    assert counted(rows) == world.clickhouse.events(NAMES, date(2011, 2, 12), date(2025, 5, 23))
    days = [date(2011, 2, 12) + timedelta(days=n) for n in range((date(2025, 5, 23) - date(2011, 2, 12)).days)]
    covered = [start + timedelta(days=n) for start, end, _ in windows(rows) for n in range((end - start).days + 1)]
    assert sorted(covered) == days


def test_a_framework_added_later_asks_only_its_own_names(gather, queries):
    gather("events", ["chainer"], **AUTUMN)
    outcome = gather("events", ["chainer", "toolog"], **AUTUMN)
    assert outcome.requests == 3
    assert {query[0] for query in queries()[3:]} == {"['zaghaghi/toolog']"}


def test_a_former_name_added_later_is_asked_alone(gather, queries, settings):
    gather("events", ["toolog"], **AUTUMN)
    more = TOOLOG.replace('"zaghaghi/toolog"', '"zaghaghi/toolog", formerly = ["Zaghaghi/toolog"]')
    (settings.home / "frameworks.toml").write_text(more, "utf-8")
    assert gather("events", ["toolog"], **AUTUMN).requests == 3
    assert {query[0] for query in queries()[3:]} == {"['Zaghaghi/toolog']"}


def test_todays_name_at_github_is_asked_too_in_its_own_case(world, gather, queries):
    world.github.rename("chainer/chainer", "New-Home/Chain")
    gather("events", **AUTUMN)
    gather("stars", since=NOW.date())
    gather("events", **AUTUMN)
    assert [names for names, _, _ in queries()] == ["['chainer/chainer','pfnet/chainer']"] * 3 + [
        "['New-Home/Chain']"
    ] * 3


def test_every_name_that_github_ever_told_is_asked_after_two_renames(world, gather, queries, settings):
    for days, name in ((400, "Middle/Chain"), (0, "New-Home/Chain")):
        with Archive(settings.raw).start("stars", lambda days=days: NOW - timedelta(days=days)) as run:
            body = json.dumps(RECORD | {"id": 1, "full_name": name}).encode()
            run.write("chainer/chainer", body, params={"kind": "repo"}, status=200)
    gather("events", **AUTUMN)
    names = "['chainer/chainer','Middle/Chain','New-Home/Chain','pfnet/chainer']"
    assert {asked for asked, _, _ in queries()} == {names}


RECORD = {"archived": False, "created_at": "2020-01-01T00:00:00Z", "stargazers_count": 1, "forks_count": 1,
          "open_issues_count": 1, "subscribers_count": 1, "pushed_at": None}  # fmt: skip


def test_names_today_are_those_of_records_of_56_days_and_none_is_of_another_repository_under_a_name(settings):
    told = [
        ("old/one", 57, 1, "older/one"), ("case/two", 56, 2, "Case/Two"), ("re/born", 3, 3, "moved/away"),
        ("re/born", 2, 7, "re/born"), ("case/two", 1, 2, "Case/too"),
    ]  # fmt: skip
    archive = Archive(settings.raw)
    for name, days, number, full_name in told:
        with archive.start("stars", lambda days=days: NOW - timedelta(days=days)) as run:
            body = json.dumps(RECORD | {"id": number, "full_name": full_name}).encode()
            run.write(name, body, params={"kind": "repo"}, status=200)
            run.write(name, b"<html>", params={"kind": "repo"}, status=200)
    assert names_today(archive, NOW) == {"case/two": "Case/too", "re/born": "moved/away"}
    assert names_told(archive) == {
        "old/one": ["older/one"],
        "case/two": ["Case/Two", "Case/too"],
        "re/born": ["moved/away"],
    }


def test_so_many_names_that_rows_could_be_cut_are_asked_in_parts(gather, rows, queries, settings):
    repositories = ", ".join(f'{{ name = "many/repo-{number}" }}' for number in range(70))
    more = TOOLOG.replace('{ name = "zaghaghi/toolog" }', repositories)
    (settings.home / "frameworks.toml").write_text(more, "utf-8")
    outcome = gather("events", ["toolog"], since=date(2017, 9, 1), until=date(2017, 10, 31))
    assert (outcome.failed, outcome.requests) == ([], 6)
    sizes = [len(names) for _, _, names in windows(rows)]
    assert sizes == [29, 29, 12, 30, 30, 10]
    assert all(len(names) * ((end - start).days + 1) <= MOST_NAME_DAYS for start, end, names in windows(rows))


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("exception", "is not JSON: 'Code: 241. DB::Exception: Memory limit exceeded: would use 9.31 GiB."),
        ("wrong-total", " rows were received (raw answer "),
        ("empty", "the closing row is missing: the answer is not whole (raw answer "),
        ("truncated", "is not JSON: "),
        ("html", "line 1 of 1 is not JSON: '<!DOCTYPE html>"),
        ("invalid-utf8", "is not JSON: "),
        ("broken-off", "the answer broke off before its end"),
        ("404", "ClickHouse answered with status 404 (raw answer "),
        ("304", "ClickHouse answered with status 304 (raw answer "),
        ("huge", "the answer is larger than 32 MiB (its head is raw answer "),
    ],
)
def test_a_bad_answer_is_named_and_the_next_windows_go_on(world, gather, rows, queries, kind, line):
    world.fault(kind, "param_from=2017-10-01", count=-1)
    outcome = gather("events", **AUTUMN)
    assert len(outcome.failed) == 1
    assert outcome.failed[0].startswith("star events of 2017-10: ")
    assert line in outcome.failed[0]
    assert outcome.left == "1 window of star events"
    assert [window[0] for window in windows(rows)] == [date(2017, 11, 1), date(2017, 9, 1)]
    world.faults.clear()
    before = len(queries())
    assert gather("events", **AUTUMN).left == ""
    assert [query[1] for query in queries()[before:]] == ["2017-10-01"]
    assert counted(rows) == world.clickhouse.events(NAMES, date(2017, 9, 1), date(2017, 12, 1))


def test_a_result_at_the_silent_cut_gives_no_facts(world, gather, rows, monkeypatch):
    monkeypatch.setattr(world.clickhouse, "events", lambda *_: [("keras-team/keras", date(2020, 3, 1), 1)] * 1_200)
    outcome = gather("events", ["keras"], since=date(2020, 3, 1), until=date(2020, 3, 31))
    assert outcome.failed[0].startswith("star events of 2020-03: 1,000 rows: ClickHouse cuts at 1,000 without a word")
    assert rows("star_events") == rows("event_windows") == []


def test_three_bad_answers_in_a_row_end_the_run(world, gather, queries):
    world.fault("html", count=-1)
    outcome = gather("events")
    assert len(queries()) == 3
    assert outcome.failed[3] == "ClickHouse gave no usable answer 3 times in a row"
    assert outcome.left == "172 windows of star events"


def test_after_a_limit_in_the_middle_only_the_missing_is_asked(world, gather, rows, queries):
    world.fault("429", "param_from=2017-10-01", retry_after="7200")
    outcome = gather("events", **AUTUMN)
    assert (outcome.failed, outcome.left) == ([], "2 windows of star events")
    assert outcome.retry_at == NOW + timedelta(hours=2)
    gather("events", **AUTUMN)
    assert [query[1] for query in queries()] == ["2017-11-01", "2017-10-01", "2017-10-01", "2017-09-01"]


def test_after_a_kill_only_the_missing_is_asked(gather, settings, queries):
    gather("events", **AUTUMN)
    (part,) = Archive(settings.raw).parts("events")
    first = next(answer for answer in Archive(settings.raw).read(part) if answer.status == 200)
    part.unlink()
    # A kill leaves single parts without the run's end.
    run = Archive(settings.raw).start("events", lambda: datetime(2026, 9, 11))
    run.write(first.subject, first.body, params=first.params, status=200)
    gather("events", **AUTUMN)
    assert [query[1] for query in queries()[3:]] == ["2017-10-01", "2017-09-01"]


def test_an_unreachable_server_is_named_once(gather):
    outcome = gather("events", clickhouse_url="http://127.0.0.1:9/?user=demo")
    assert outcome.failed == ["ClickHouse at 127.0.0.1:9 cannot be reached: connection refused"]
    assert (outcome.reached, outcome.left) == (False, "172 windows of star events")


def test_a_password_in_the_address_is_sent_and_kept_nowhere(world, gather, settings):
    outcome = gather("events", clickhouse_url=f"{settings.clickhouse_url}&password=s3cret", **AUTUMN)
    assert outcome.failed == []
    assert world.asked("user=demo&password=s3cret&query=select") == 3
    assert "s3cret" not in repr(list(Archive(settings.raw).responses()))


def test_the_question_is_archived_with_the_answer(gather, archived, settings):
    gather("events", since=date(2025, 5, 1))
    (answer,) = archived("events")
    assert answer.url == settings.clickhouse_url.partition("?")[0]
    question = {key: value for key, value in answer.params.items() if key != "query"}
    assert question == {"kind": "clickhouse", "names": NAMES, "from": "2025-05-01", "until": "2025-05-23"}
    assert re.match("select repo_name, day, stars, count", answer.params["query"])


def test_texts_are_escaped_as_clickhouse_reads_them():
    assert clickhouse.array(["a/b", "it's/\\x"]) == r"['a/b','it\'s/\\x']"


def test_the_plan_says_what_a_run_asks_and_leaves(gather, planned):
    def told(**days: date) -> tuple[int, float, str, str]:
        found = planned("events", **days)
        return found.calls, found.seconds, found.budget, found.left

    assert told() == (60, 60.0, "60 a run", "112 windows of star events")
    assert told(**AUTUMN) == (3, 3.0, "60 a run", "")
