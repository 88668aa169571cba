"""The parser of Stack Exchange's counts, on answers written out here."""

from __future__ import annotations

import json
from datetime import date, datetime

import pytest

from warehouse.parse import Rejected, rows_of
from warehouse.parse.questions import month_after
from warehouse.raw import Response

GOOD = {"total": 412, "quota_max": 300, "quota_remaining": 17}


def answer(content, status=200, tag="keras", month="2018-06", fetched_at=datetime(2026, 9, 11)):
    """One archived count."""
    return Response(
        response_id="r-1",
        run_id="r",
        source="questions",
        subject=f"tag:{tag}" if tag else "all",
        url=None,
        params={"kind": "questions", "tag": tag, "month": month},
        status=status,
        etag=None,
        revalidates=None,
        fetched_at=fetched_at,
        body=content if isinstance(content, bytes) else json.dumps(content).encode(),
    )


def told(*args, **kwargs):
    return [(table, row["tag"], row["month"], row["questions"]) for table, row in rows_of(answer(*args, **kwargs))]


def test_a_count_belongs_to_its_tag_and_month():
    assert told(GOOD) == [("question_counts", "keras", date(2018, 6, 1), 412)]


def test_the_count_of_all_questions_has_no_tag():
    assert told({"total": 181_000}, tag=None) == [("question_counts", None, date(2018, 6, 1), 181_000)]


def test_no_question_with_a_tag_is_a_count_and_none_at_all_is_not():
    assert told({"total": 0})[0][3] == 0
    with pytest.raises(Rejected, match="no question at all in 2018-06"):
        told({"total": 0}, tag=None)


def test_a_month_counts_only_when_asked_after_its_end():
    assert told(GOOD, fetched_at=datetime(2018, 7, 1, 0, 1))[0][3] == 412
    with pytest.raises(Rejected, match="2018-06 was not over yet"):
        told(GOOD, fetched_at=datetime(2018, 6, 30, 23, 59))


@pytest.mark.parametrize(
    ("content", "status", "reason"),
    [
        ({}, 200, "total None is not a count"),
        ({"items": [], "has_more": False}, 200, "total None is not a count"),
        ({"total": -1}, 200, "total -1 is not a count"),
        ({"total": "412"}, 200, "total '412' is not a count"),
        ({"total": True}, 200, "total True is not a count"),
        ({"total": 2**63}, 200, "is not a count"),
        ([412], 200, "expected an object"),
        (b"", 200, "not JSON"),
        (b"<html>", 200, "not JSON"),
        (b'{"total": 4\xff\xfe}', 200, "not JSON"),
        ({"error_id": 502, "error_message": "too many requests from this IP"}, 400,
         "status 400: too many requests from this IP"),
    ],
)  # fmt: skip
def test_what_is_no_count_is_rejected(content, status, reason):
    with pytest.raises(Rejected) as told_why:
        told(content, status)
    assert reason in str(told_why.value)


def test_the_month_after_december_is_january():
    assert month_after(date(2018, 12, 1)) == date(2019, 1, 1)
