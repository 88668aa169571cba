"""GitHub's answers, recorded and broken, through the parser."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.parse.stars import pacific_date, parse, week_of
from warehouse.parse.tables import TABLES, Rejected
from warehouse.raw import Response

SUNDAY = 1_788_652_800  # 2026-09-06
FRIDAY_NOON = datetime(2026, 9, 11, 15, 22, 39)


def answer(content: Any, kind: str = "history", status: int | None = 200, at: datetime = FRIDAY_NOON) -> Response:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Response(
        response_id="r-1", run_id="r", source="stars", subject="zaghaghi/toolog", url=None, params={"kind": kind},
        status=status, etag=None, revalidates=None, fetched_at=at, body=body,
    )  # fmt: skip


def days(response: Response) -> list[tuple[str, int]]:
    return [(str(row["day"]), row["stars_added"]) for _, row in parse(response)]


@pytest.fixture
def recorded(shared_data: Path) -> Any:
    return json.loads((shared_data / "github/star_history_recorded.json").read_text("utf-8"))["body"]


def test_the_recorded_weeks_become_all_their_days_as_answered(recorded):
    found = days(answer(recorded))
    assert len(found) == 14
    assert found[:7] == [
        ("2026-09-06", 3),
        ("2026-09-07", 1),
        ("2026-09-08", 0),
        ("2026-09-09", 0),
        ("2026-09-10", 1),
        ("2026-09-11", 0),
        ("2026-09-12", 0),  # still to come at the moment of the answer: staging drops it until a 304 confirms it
    ]
    assert sum(stars for _, stars in found) == 5


def test_the_same_answer_gives_the_same_days_at_any_moment(recorded):
    assert days(answer(recorded, at=datetime(2026, 9, 11, 6, 59))) == days(answer(recorded))


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        (datetime(2026, 3, 8, 7, 59), date(2026, 3, 7)),  # standard time, UTC-8
        (datetime(2026, 3, 8, 8, 0), date(2026, 3, 8)),
        (datetime(2026, 7, 1, 6, 59), date(2026, 6, 30)),  # daylight time, UTC-7
        (datetime(2026, 7, 1, 7, 0), date(2026, 7, 1)),
    ],
)
def test_pacific_days_begin_at_midnight_there(instant, day):
    assert pacific_date(instant) == day


def test_a_week_begins_on_its_sunday():
    assert [week_of(date(2026, 9, day)) for day in (5, 6, 12, 13)] == [
        date(2026, 8, 30),
        date(2026, 9, 6),
        date(2026, 9, 6),
        date(2026, 9, 13),
    ]


def test_of_a_doubled_week_the_first_telling_counts(recorded):
    later = {"week": recorded[0]["week"], "total": 7, "days": [7, 0, 0, 0, 0, 0, 0]}
    assert days(answer([recorded[0], later, *recorded])) == days(answer(recorded))


def test_rows_have_the_columns_of_their_tables(shared_data, recorded):
    record = json.loads((shared_data / "github/octokit/get-repository/raw-fixture.json").read_text("utf-8"))
    for response in (answer(recorded), answer(record[0]["response"], kind="repo")):
        for table, row in parse(response):
            assert list(row) and set(row) == set(TABLES[table].names)


def test_the_recorded_repository_record(shared_data):
    record = json.loads((shared_data / "github/octokit/get-repository/raw-fixture.json").read_text("utf-8"))
    ((table, row),) = parse(answer(record[0]["response"], kind="repo"))
    assert table == "repo_records"
    assert (row["repo_id"], row["full_name"]) == ("zaghaghi/toolog", "octokit-fixture-org/hello-world")
    assert (row["github_id"], row["archived"], row["created_on"]) == (103_703_892, False, date(2017, 9, 15))


def test_a_revalidation_and_a_note_give_no_rows():
    assert list(parse(answer(b"", kind="repo", status=304))) == []
    assert list(parse(answer(b"{}", status=None))) == []


def week(**changes: Any) -> list[dict[str, Any]]:
    return [{"week": SUNDAY, "total": 5, "days": [3, 1, 0, 0, 1, 0, 0]} | changes]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<html>", "not JSON"),
        (b'[{"week": 17886', "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 200_000, "not JSON"),
        ({"message": "hello"}, "must be a list"),
        ([7], "must be an object"),
        (week(week=SUNDAY + 86_400), "is not a Sunday"),
        (week(week=SUNDAY + 3_600), "is not a Sunday"),
        (week(week="1788652800"), "is not a count"),
        (week(week=SUNDAY + 604_800 * 10**12), "is not a Sunday"),
        (week(days=[5, 0, 0, 0, 0, 0]), "does not have 7 days"),
        (week(days=None), "does not have 7 days"),
        (week(days=[6, -1, 0, 0, 0, 0, 0]), "is not a count"),
        (week(days=[5.0, 0, 0, 0, 0, 0, 0]), "is not a count"),
        (week(days=[True, 4, 0, 0, 0, 0, 0]), "is not a count"),
        (week(total=64_244), "is not the sum of its days, 5"),
    ],
)
def test_history_that_is_not_as_promised_is_rejected(content, reason):
    with pytest.raises(Rejected, match=reason):
        list(parse(answer(content)))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"stargazers_count": -1}, "stargazers_count -1 is not a count"),
        ({"stargazers_count": None}, "stargazers_count None is not a count"),
        ({"archived": None}, "archived None is not true or false"),
        ({"full_name": "toolog"}, "full_name 'toolog' is not owner/name"),
        ({"created_at": "yesterday"}, "created_at 'yesterday' is not an instant"),
        ({"created_at": "2017-09-15T10:00:00"}, "is not an instant"),
        ({"created_at": "0001-01-01T00:00:00+23:59"}, "is not an instant"),
        ({"created_at": None}, "created_at is missing"),
    ],
)
def test_a_record_that_is_not_as_promised_is_rejected(shared_data, change, reason):
    record = json.loads((shared_data / "github/octokit/get-repository/raw-fixture.json").read_text("utf-8"))
    with pytest.raises(Rejected, match=reason):
        list(parse(answer(record[0]["response"] | change, kind="repo")))


@pytest.mark.parametrize("status", [301, 403, 404, 429, 500])
def test_an_error_is_rejected_with_its_status_and_message(status):
    with pytest.raises(Rejected, match=f"status {status}: Not today"):
        list(parse(answer({"message": "Not today"}, status=status)))


@given(st.binary() | st.recursive(st.none() | st.integers() | st.text() | st.floats(), st.lists).map(
    lambda content: json.dumps(content).encode()
))  # fmt: skip
def test_no_answer_breaks_the_parser(body):
    for kind in ("repo", "history"):
        try:
            list(parse(answer(body, kind=kind)))
        except Rejected:
            continue
