"""arXiv's answers, recorded and broken, through the parser."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.parse.papers import feed, parse
from warehouse.parse.tables import TABLES, Rejected
from warehouse.raw import RUN_END, RUN_START, Response

WINDOW = {"kind": "window"}


def answer(
    body: bytes, params: dict[str, Any] = WINDOW, status: int | None = 200, subject: str = "window:2017"
) -> Response:
    return Response(
        response_id="r-1", run_id="r", source="papers", subject=subject, url=None, params=params, status=status,
        etag=None, revalidates=None, fetched_at=datetime(2026, 9, 11), body=body,
    )  # fmt: skip


@pytest.fixture
def recorded(shared_data: Path):
    """Bytes of a recorded answer, which the recording kept as UTF-8 read as Latin-1, and its status."""

    def read(name: str) -> tuple[bytes, int]:
        (path,) = (shared_data / "arxiv/feeds").glob(f"{name}*.json")
        content = json.loads(path.read_text("utf-8"))
        return content["body"].encode("latin-1"), int(content["status_code"])

    return read


def test_a_recorded_page_gives_its_papers(recorded):
    rows = [row for _, row in parse(answer(recorded("q_testing_s5_m10")[0]))]
    assert len(rows) == 10
    assert rows[0]["arxiv_id"] == "1202.4527"
    assert rows[0]["submitted_on"] == date(2012, 2, 21)
    assert rows[0]["title"] == "Study Paper on Test Case generation for GUI Based Testing"
    assert (rows[0]["primary_category"], rows[0]["categories"]) == ("cs.SE", ["cs.SE"])


def test_a_recorded_page_tells_total_and_offset(recorded):
    page = feed(answer(recorded("q_testing_s5_m10")[0]))
    assert (page.total, page.start, len(page.papers)) == (214_881, 5, 10)


def test_the_first_version_dates_a_paper_and_its_version_is_no_part_of_its_id(recorded):
    paper = next(row for _, row in parse(answer(recorded("q_testing_s5_m10")[0])) if row["arxiv_id"] == "2503.05378")
    assert paper["submitted_on"] == date(2025, 3, 7)


def test_an_id_of_the_old_form_is_kept_whole(recorded):
    ((_, row),) = parse(answer(recorded("id_quant-ph_0201082v1")[0]))
    assert row["arxiv_id"] == "quant-ph/0201082"


def test_every_recorded_page_of_results_parses_and_fills_its_columns(shared_data):
    papers = 0
    for path in sorted((shared_data / "arxiv/feeds").glob("q_*.json")):
        body = json.loads(path.read_text("utf-8"))["body"].encode("latin-1")
        for table, row in parse(answer(body)):
            assert set(row) == set(TABLES[table].names)
            papers += 1
    assert papers > 100


def test_a_count_is_the_total_of_its_month(recorded):
    body = recorded("q_testing_s5_m10")[0]
    ((table, row),) = parse(answer(body, {"kind": "count", "month": "2017-03"}))
    assert (table, row["month"], row["papers"]) == ("paper_counts", date(2017, 3, 1), 214_881)


def test_a_window_without_papers_is_an_answer(recorded):
    assert list(parse(answer(recorded("id_0000.0000")[0]))) == []


def test_a_month_without_papers_is_not_believed(recorded):
    with pytest.raises(Rejected, match="no papers at all"):
        list(parse(answer(recorded("id_0000.0000")[0], {"kind": "count", "month": "2017-03"})))


@pytest.mark.parametrize("status", [400, 200])
def test_the_recorded_error_entry_is_no_paper(recorded, status):
    body, recorded_status = recorded("id_abc")
    assert recorded_status == 400
    with pytest.raises(Rejected, match="arXiv's error: incorrect id format for abc"):
        list(parse(answer(body, status=status)))


def test_an_empty_page_in_the_middle_is_rejected(recorded):
    body = recorded("id_0000.0000")[0].replace(b"totalResults>0", b"totalResults>500")
    with pytest.raises(Rejected, match="an empty page, although 500 papers match"):
        list(parse(answer(body)))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"http://arxiv.org/abs/1202.4527v1", b"http://example.org/1", "is not an arXiv paper"),
        (b"<published>2012-02-21T05:12:13Z", b"<published>soon", "published 'soon' is not an instant"),
        (b"<published>2012-02-21T05:12:13Z", b"<published>2012-02-21", "is not an instant"),
        (b'<arxiv:primary_category term="cs.SE"/>', b"", "has no category"),
        (b"totalResults>214881", b"totalResults>many", "totalResults 'many' is not a count"),
    ],
)
def test_a_page_that_is_not_as_promised_is_rejected(recorded, old, new, reason):
    body = recorded("q_testing_s5_m10")[0].replace(old, new, 1)
    with pytest.raises(Rejected, match=reason):
        list(parse(answer(body)))


def test_a_page_cut_short_or_of_the_web_is_rejected(recorded):
    body = recorded("q_testing_s5_m10")[0]
    for broken in (body[: len(body) // 2], b"", b"<!DOCTYPE html><p>Sign in", b"<html></html>"):
        with pytest.raises(Rejected, match=r"not XML|not an Atom feed"):
            list(parse(answer(broken)))


def test_a_limit_is_rejected_with_its_words():
    with pytest.raises(Rejected, match=r"status 429: Rate exceeded\."):
        list(parse(answer(b"Rate exceeded.", status=429)))


def test_a_finished_window_is_a_row_and_other_notes_are_none():
    note = b'{"from": "2017-01-01", "until": "2017-12-31", "query": "q", "total": 8, "received": 8}'
    ((table, row),) = parse(answer(note, {}, None, "window-done:2017"))
    assert table == "paper_windows"
    assert set(row) == set(TABLES[table].names)
    assert (row["window_start"], row["window_end"]) == (date(2017, 1, 1), date(2017, 12, 31))
    assert (row["total"], row["received"]) == (8, 8)
    assert row["last_answer_id"] is None
    for subject in (RUN_START, RUN_END):
        assert list(parse(answer(b"{}", {}, None, subject))) == []


@pytest.mark.parametrize(("named", "last"), [(b'["r-2", "r-3"]', "r-3"), (b"[]", None), (b'"r-3"', None)])
def test_a_finished_window_names_the_last_answer_of_its_note(named: bytes, last: str | None):
    note = b'{"from": "2017-01-01", "until": "2017-12-31", "query": "q", "total": 8, "received": 8, "responses": %b}'
    ((_, row),) = parse(answer(note % named, {}, None, "window-done:2017"))
    assert row["last_answer_id"] == last


def test_a_note_of_a_finished_window_that_is_no_object_is_rejected():
    with pytest.raises(Rejected, match="note is malformed"):
        list(parse(answer(b"[1]", {}, None, "window-done:2017")))


KEPT = {
    "arxiv_id": "1408.5093",
    "submitted_on": "2014-06-20",
    "title": "Caffe",
    "abstract": "A framework.",
    "primary_category": "cs.CV",
    "categories": ["cs.CV", "cs.LG"],
}


def kept(kind: str, *entries: Any) -> Response:
    return answer(json.dumps(entries).encode(), {"kind": kind, "last": True}, None, f"snapshot:{kind}")


def test_papers_kept_of_a_snapshot_are_rows_as_those_of_a_feed():
    ((table, row),) = parse(kept("snapshot-papers", KEPT))
    assert (table, set(row)) == ("papers", set(TABLES["papers"].names))
    assert {name: row[name] for name in KEPT} == {**KEPT, "submitted_on": date(2014, 6, 20)}


def test_counts_kept_of_a_snapshot_are_rows():
    found = list(parse(kept("snapshot-counts", {"month": "2017-03", "papers": 2_071})))
    assert [(table, row["month"], row["papers"]) for table, row in found] == [("paper_counts", date(2017, 3, 1), 2_071)]


def test_nothing_kept_of_a_snapshot_is_no_row():
    assert [*parse(kept("snapshot-papers")), *parse(kept("snapshot-counts"))] == []


@pytest.mark.parametrize(
    ("kind", "entry"),
    [
        ("snapshot-papers", {**KEPT, "title": None}),
        ("snapshot-papers", {**KEPT, "categories": [1]}),
        ("snapshot-papers", {**KEPT, "submitted_on": "soon"}),
        ("snapshot-papers", {}),
        ("snapshot-papers", "text"),
        ("snapshot-counts", {"month": "2017-13", "papers": 1}),
        ("snapshot-counts", {"month": "2017-03", "papers": None}),
        ("snapshot-counts", {"month": "2017-03", "papers": float("inf")}),
        ("snapshot-counts", 7),
    ],
)
def test_what_was_kept_malformed_is_rejected(kind, entry):
    with pytest.raises(Rejected, match="what was kept of a snapshot is malformed"):
        list(parse(kept(kind, entry)))


def test_a_note_with_an_endless_total_is_rejected():
    note = b'{"from": "2017-01-01", "until": "2017-12-31", "query": "q", "total": Infinity, "received": 8}'
    with pytest.raises(Rejected, match="a finished window's note is malformed"):
        list(parse(answer(note, {}, None, "window-done:2017")))


def test_an_unknown_kind_is_rejected():
    with pytest.raises(Rejected, match="unknown kind 'novel'"):
        list(parse(answer(b"[]", {"kind": "novel"})))


@given(st.binary())
def test_no_answer_breaks_the_parser(body):
    kinds = ("snapshot-papers", "snapshot-counts")
    for params in (WINDOW, {"kind": "count", "month": "2017-03"}, {}, *({"kind": kind} for kind in kinds)):
        try:
            list(parse(answer(body, params)))
        except Rejected:
            continue
