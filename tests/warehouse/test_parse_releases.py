"""The parser of GitHub's releases, on answers written out here."""

from __future__ import annotations

import json
from datetime import date, datetime

import pytest

from warehouse.parse import TABLES, Rejected, rows_of
from warehouse.raw import Response

V2 = {"tag_name": "v2.0", "draft": False, "prerelease": False, "published_at": "2018-06-13T01:22:26Z"}
RC = {"tag_name": "v2.0-rc1", "draft": False, "prerelease": True, "published_at": "2018-06-01T10:00:00Z"}


def answer(body, status=200, **params):
    """One archived page of chainer's releases."""
    return Response(
        response_id="r-1",
        run_id="r",
        source="releases",
        subject="chainer/chainer",
        url=None,
        params={"kind": "releases", "page": 1, **params},
        status=status,
        etag=None,
        revalidates=None,
        fetched_at=datetime(2026, 9, 11),
        body=body if isinstance(body, bytes) else json.dumps(body).encode(),
    )


def told(*entries):
    return [(row["version"], row["released_on"], row["is_prerelease"]) for _, row in rows_of(answer(list(entries)))]


def test_a_release_has_its_tag_its_day_and_whether_it_is_a_prerelease():
    assert told(V2, RC) == [("v2.0", date(2018, 6, 13), False), ("v2.0-rc1", date(2018, 6, 1), True)]


def test_rows_belong_to_the_repository_that_was_asked_for():
    (table, row), *more = rows_of(answer([V2]))
    assert (table, row["repo_id"], row["response_id"], more) == ("releases", "chainer/chainer", "r-1", [])


def test_drafts_are_no_releases():
    assert told({**V2, "draft": True, "published_at": None}, RC) == [("v2.0-rc1", date(2018, 6, 1), True)]


def test_the_day_is_that_of_utc():
    assert told({**V2, "published_at": "2018-06-12T20:00:00-07:00"})[0][1] == date(2018, 6, 13)


def test_a_tag_that_stands_twice_counts_once():
    assert told(V2, {**V2, "published_at": "2017-01-01T00:00:00Z"}) == [("v2.0", date(2018, 6, 13), False)]


def test_an_empty_page_a_304_and_a_note_give_nothing():
    note = answer(b"", status=None, kind="whole")
    assert [rows_of(answer([])), rows_of(answer(b"", status=304)), rows_of(note)] == [[], [], []]


@pytest.mark.parametrize(("pages", "is_whole"), [("all", True), ("newest", False)])
def test_the_note_of_a_list_says_how_far_and_from_when_it_was_read(pages, is_whole):
    ((table, row),) = rows_of(answer(b"", status=None, kind="whole", pages=pages, read_from="2026-09-10T07:00:00"))
    assert (table, set(row)) == ("release_lists", set(TABLES["release_lists"].names))
    assert (row["repo_id"], row["read_from"]) == ("chainer/chainer", datetime(2026, 9, 10, 7))
    assert row["is_whole"] is is_whole


@pytest.mark.parametrize("told", [{"pages": "some"}, {"pages": "all"}, {"pages": "all", "read_from": "then"}])
def test_a_malformed_note_is_rejected(told):
    with pytest.raises(Rejected):
        rows_of(answer(b"", status=None, **{"kind": "whole", "read_from": None} | told))


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({**V2, "tag_name": ""}, "tag_name '' is not a text"),
        ({**V2, "draft": None}, "release v2.0: draft None is not true or false"),
        ({**V2, "prerelease": "no"}, "release v2.0: prerelease 'no' is not true or false"),
        ({**V2, "published_at": None}, "release v2.0: published_at None is not an instant"),
        ({**V2, "published_at": "2018-06-13T01:22:26"}, "published_at '2018-06-13T01:22:26' is not an instant"),
        ({key: V2[key] for key in V2 if key != "draft"}, "draft None"),
        ("v2.0", "a release must be an object, found 'v2.0'"),
    ],
)
def test_a_malformed_release_rejects_its_page(entry, reason):
    with pytest.raises(Rejected) as told_why:
        rows_of(answer([RC, entry]))
    assert reason in str(told_why.value)


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"<!DOCTYPE html>", 200, "not JSON"),
        (json.dumps([V2]).encode()[:-5], 200, "not JSON"),
        (b'[{"tag_name": "\xff\xfe"}]', 200, "not JSON"),
        ({"message": "ok"}, 200, "a page of releases must be a list"),
        ({"message": "Not Found"}, 404, "status 404"),
    ],
)
def test_what_is_no_page_of_releases_is_rejected(body, status, reason):
    with pytest.raises(Rejected) as told_why:
        rows_of(answer(body, status))
    assert reason in str(told_why.value)
