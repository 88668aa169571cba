"""`dlpulse import arxiv-snapshot`: files in the shape of Kaggle's snapshot, recorded and written from the corpus."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest

from collectors import snapshot
from collectors.base import Outcome
from collectors.paperplan import Window, window_query
from tests.collectors.conftest import NOW
from tests.world.corpus import CATEGORIES, Paper
from warehouse import registry
from warehouse.build import build
from warehouse.raw import Archive
from warehouse.settings import Settings

LAST = date(2018, 12, 31)
FIRST_MONTH, LAST_WHOLE_DAY = date(2014, 1, 1), date(2018, 12, 23)
Import = Callable[..., Outcome]


def line(paper: Paper) -> dict[str, Any]:
    """The paper as the snapshot has it, where the text is broken in lines and a later version has another date."""
    first = datetime(paper.submitted_on.year, paper.submitted_on.month, paper.submitted_on.day, 23, 59, 1)
    versions = [first, first + timedelta(days=400)]
    return {
        "id": paper.arxiv_id,
        "submitter": "A. Author",
        "authors": "A. Author and B. Author",
        "title": paper.title.replace(" ", "\n  ", 1),
        **dict.fromkeys(("comments", "journal-ref", "doi", "report-no", "license")),
        "categories": " ".join(paper.categories),
        "abstract": f"  {paper.abstract.replace(' ', chr(10), 3)}\n",
        "versions": [
            {"version": f"v{number}", "created": format_datetime(when).replace("-0000", "GMT")}
            for number, when in enumerate(versions, 1)
        ],
        "update_date": "2026-01-01",
        "authors_parsed": [["Author", "A.", ""], ["Author", "B.", ""]],
    }


def ndjson(lines: Iterable[Any]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in lines)


@pytest.fixture
def bulk(bring) -> Import:
    """Import files; keyword arguments change settings."""
    return partial(bring, "arxiv-snapshot")


@pytest.fixture
def corpus(world) -> list[Paper]:
    """The world's papers up to LAST: the recorded ones, and the generated ones of 2018."""
    return [paper for paper in world.arxiv.papers if paper.submitted_on <= LAST]


@pytest.fixture
def file(tmp_path: Path, corpus: list[Paper]) -> Path:
    """The corpus in the snapshot's shape."""
    path = tmp_path / "arxiv-metadata-oai-snapshot.json"
    path.write_bytes(ndjson(map(line, corpus)))
    return path


@pytest.fixture
def naming(world, settings) -> set[str]:
    """The ids of the corpus's papers that arXiv would give for all frameworks."""
    query = window_query(registry.load(settings).choose(None), Window(date(1991, 1, 1), LAST))
    return {paper.arxiv_id for paper in world.arxiv.find(query)}


def facts(settings: Settings) -> tuple[list[Any], list[Any], list[Any]]:
    """Build; return mentions and papers up to the last whole day, and the monthly counts without their provenance."""
    build(settings, registry.load(settings))
    with duckdb.connect(str(settings.database), read_only=True) as connection:
        queries = (
            "select * exclude (response_id) from fct_mentions where submitted_on <= ? order by all",
            "select arxiv_id, submitted_on, title, primary_category, categories from fct_papers "
            "where submitted_on <= ? order by all",
            "select * exclude (response_id) from fct_mentions_monthly "
            "where measure = 'title_abstract' and month <= ? order by all",
        )
        mentions, papers, months = (connection.execute(one, [LAST_WHOLE_DAY]).fetchall() for one in queries)
    return mentions, papers, months


def test_the_file_gives_the_facts_that_the_api_gives(world, file, bulk, gather, settings, tmp_path):
    # The corpus, and the papers that name nothing, which the world only counts.
    months = [date(year, month, 1) for year in range(2014, 2019) for month in range(1, 13)]
    with file.open("ab") as lines:
        for month in months:
            ours = [paper for paper in world.arxiv.papers if paper.submitted_on.replace(day=1) == month]
            ours = [paper for paper in ours if set(CATEGORIES) & set(paper.categories)]
            others = range(20_000, 20_000 + world.arxiv.month_total(month) - len(ours))
            papers = (Paper(f"{month:%y%m}.{number}", month, ("cs.LG",), "Invented", "None.") for number in others)
            lines.write(ndjson(map(line, papers)))
    everyone = list(registry.load(settings).frameworks)
    for _ in range(3):
        assert gather("papers", everyone, since=FIRST_MONTH, until=LAST_WHOLE_DAY).failed == []
    of_api = facts(settings)
    elsewhere = replace(settings, home=tmp_path / "elsewhere", raw=tmp_path / "elsewhere" / "raw")
    assert bulk(file, home=elsewhere.home, raw=elsewhere.raw).failed == []
    of_file = facts(elsewhere)
    assert [len(part) > 100 for part in of_file] == [True, True, True]
    assert of_file == of_api


def test_papers_of_the_six_categories_that_name_a_framework_are_kept_whole(file, bulk, naming, rows):
    outcome = bulk(file)
    kept = {row["arxiv_id"]: row for row in rows("papers")}
    assert kept.keys() == naming
    assert len(kept) == outcome.new - len(rows("paper_counts"))
    caffe = kept["1408.5093"]
    assert caffe["title"] == "Caffe: Convolutional Architecture for Fast Feature Embedding"
    assert (caffe["submitted_on"], caffe["primary_category"]) == (date(2014, 6, 20), "cs.CV")
    assert caffe["categories"] == ["cs.CV", "cs.LG", "cs.NE"]
    assert "\n" not in caffe["abstract"] == caffe["abstract"].strip()


def test_months_are_counted_up_to_the_last_whole_one(file, bulk, corpus, rows):
    bulk(file)
    counts = {row["month"]: row["papers"] for row in rows("paper_counts")}
    truth = Counter(paper.submitted_on.replace(day=1) for paper in corpus if set(CATEGORIES) & set(paper.categories))
    assert truth.pop(date(2018, 12, 1)) > 0
    assert counts == truth


def test_the_note_covers_the_days_from_the_first_month_to_eight_days_before_the_newest_paper(file, bulk, rows):
    bulk(file)
    (window,) = rows("paper_windows")
    assert (window["window_start"], window["window_end"]) == (FIRST_MONTH, LAST_WHOLE_DAY)
    assert window["received"] == window["total"] == sum(row["submitted_on"] <= LAST_WHOLE_DAY for row in rows("papers"))


def test_the_note_names_the_raw_answers_that_hold_the_papers(file, bulk, rows, settings, monkeypatch):
    monkeypatch.setattr("collectors.snapshot.CHUNK_BYTES", 50_000)
    bulk(file)
    (note,) = [one for one in Archive(settings.raw).responses("papers") if one.subject.startswith("window-done:")]
    holders = list(dict.fromkeys(row["response_id"] for row in rows("papers")))
    assert len(holders) > 1
    assert note.json()["responses"] == holders


def test_what_the_file_covers_is_not_asked_of_the_api(world, file, bulk, gather, rows, settings):
    bulk(file)
    months_of_file = len(rows("paper_counts"))
    everyone = list(registry.load(settings).frameworks)
    outcome = gather("papers", everyone, since=FIRST_MONTH, until=date(2018, 11, 30))
    asked = [target for target in world.requests if "ti%3A" in target]
    assert (outcome.failed, asked) == ([], [])
    # Months of which the file has no papers are not known by it.
    assert outcome.requests == 59 - months_of_file > 0


@pytest.mark.parametrize("packed", ["gzip", "zip"])
def test_a_packed_file_gives_the_same_papers(file, bulk, rows, packed, tmp_path, naming):
    path = tmp_path / f"archive.{packed}"
    if packed == "gzip":
        path.write_bytes(gzip.compress(file.read_bytes()))
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(file, file.name)
    assert bulk(path).failed == []
    assert {row["arxiv_id"] for row in rows("papers")} == naming


def test_a_file_that_was_read_with_the_same_rules_is_not_read_again(file, bulk, rows):
    bulk(file)
    before = rows("papers")
    outcome = bulk(file)
    assert (outcome.rows, outcome.noticed) == (0, [f"{file.name}: was imported before"])
    assert rows("papers") == before


def test_a_file_is_read_again_when_a_framework_was_added(file, bulk, rows, settings):
    bulk(file)
    (settings.home / "frameworks.toml").write_text(
        '[[framework]]\nid = "novel"\nname = "Novel"\ncolour = "#123456"\nfirst_released_on = 2018-01-01\n'
        'status = "active"\narxiv = { query = ["toolkit"], rules = [{ match = "toolkit" }] }\n',
        "utf-8",
    )
    known = {row["arxiv_id"] for row in rows("papers")}
    outcome = bulk(file)
    assert outcome.failed == []
    assert sum('"toolkit"' in row["query"] for row in rows("paper_windows")) == 1
    assert known == {row["arxiv_id"] for row in rows("papers")}


def test_an_import_that_was_killed_is_done_again(file, bulk, rows, settings):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(snapshot, "CHUNK_BYTES", 2_000)
        bulk(file)
    (merged,) = (settings.raw / "source=papers").iterdir()
    answers = list(Archive(settings.raw).read(merged))
    merged.unlink()
    killed = Archive(settings.raw).start("papers", lambda: NOW)
    for answer in answers[:5]:
        killed.write(answer.subject, answer.body, params=answer.params)
    assert rows("paper_windows") == []
    assert bulk(file).noticed == []
    assert len(rows("paper_windows")) == 1


BROKEN = (
    b'{"id": "1801.00001", "title": "cut sh',
    b"[1, 2]",
    b"null",
    b'"text"',
    b"{}",
    b'{"id":"1801.00001","title":"T","abstract":"A","categories":"cs.LG","versions":[]}',
    b'{"id":"1801.00001","title":"T","abstract":"A","categories":"cs.LG","versions":[{"created":"soon"}]}',
    b'{"id":1801.00001,"title":"T","abstract":"A","categories":"cs.LG","versions":[]}',
    b'{"id":"1813.00001","title":"T","abstract":"A","categories":"cs.LG",'
    b'"versions":[{"created":"Mon, 1 Jan 2018 00:00:00 GMT"}]}',
    b'{"id":"9901.00001","title":"T","abstract":null,"categories":"cs.LG","versions":[]}',
    b'{"id":"2701.00001","title":"T","abstract":"A","categories":"cs.LG",'
    b'"versions":[{"created":"Fri, 1 Jan 2027 00:00:00 GMT"}]}',
    b'{"title": "\xff\xfe"}',
    b"[" * 100_000,
)


@pytest.mark.parametrize("broken", BROKEN, ids=range(len(BROKEN)))
def test_a_broken_line_is_told_and_stops_nothing(file, bulk, corpus, naming, rows, broken):
    head, rest = file.read_bytes().split(b"\n", 1)
    file.write_bytes(head + b"\n" + broken + b"\n\n" + rest)
    outcome = bulk(file)
    assert outcome.failed == []
    assert outcome.noticed == [f"{file.name}: 1 of {len(corpus) + 1} lines cannot be read and were passed over"]
    assert {row["arxiv_id"] for row in rows("papers")} == naming
    assert len(rows("paper_windows")) == 1


def test_a_line_without_end_is_read_in_pieces(file, bulk, naming, rows):
    file.write_bytes(b"x" * (3 * snapshot.MOST_LINE_BYTES) + b"\n" + file.read_bytes())
    (line,) = bulk(file).noticed
    assert line.startswith(f"{file.name}: 3 of ")
    assert {row["arxiv_id"] for row in rows("papers")} == naming


def test_a_file_with_many_broken_lines_makes_no_month_whole(file, bulk, rows):
    file.write_bytes(file.read_bytes() + b"{}\n" * 11)
    outcome = bulk(file)
    assert outcome.noticed[1] == f"{file.name}: its papers were kept, but no month of it counts as whole"
    assert rows("papers")
    assert (rows("paper_windows"), rows("paper_counts")) == ([], [])


@pytest.mark.parametrize("content", [b"", b"\n", b"<!DOCTYPE html>\n<p>Sign in\n", b"{}\n{}\n", b"\x00" * 5_000_000])
def test_a_file_without_a_line_of_the_snapshot_is_refused(tmp_path, bulk, rows, content):
    path = tmp_path / "page.html"
    path.write_bytes(content)
    (fault,) = bulk(path).failed
    assert fault.startswith("page.html: no line of ")
    assert "is one of arxiv-metadata-oai-snapshot.json: expected a JSON object a line" in fault
    assert rows("paper_windows") == []


def test_a_gzip_file_cut_short_is_told_and_covers_nothing(file, bulk, rows, tmp_path):
    path = tmp_path / "cut.json.gz"
    packed = gzip.compress(file.read_bytes())
    path.write_bytes(packed[: len(packed) // 2])
    (fault,) = bulk(path).failed
    assert fault.startswith("cut.json.gz: is damaged or cut short")
    assert rows("paper_windows") == []


def test_a_file_of_few_days_makes_no_month_whole(tmp_path, bulk, rows, corpus):
    path = tmp_path / "few.json"
    path.write_bytes(ndjson(line(paper) for paper in corpus if "2018-03-01" <= str(paper.submitted_on) < "2018-03-09"))
    outcome = bulk(path)
    assert outcome.noticed == ["few.json: its papers were kept, but no month of it counts as whole"]
    assert (bool(rows("papers")), rows("paper_windows"), rows("paper_counts")) == (True, [], [])


def test_no_persons_name_is_kept(file, bulk, settings):
    bulk(file)
    assert not any(b"Author" in answer.body for answer in Archive(settings.raw).responses("papers"))


def test_the_recorded_file_is_read_whole(shared_data, bulk, rows):
    outcome = bulk(shared_data / "arxiv/kaggle-snapshot-first200.jsonl")
    assert outcome.failed == []
    assert not any("cannot be read" in line for line in outcome.noticed)
    # Three days of April 2007, before any framework: no month is whole, no paper names one.
    assert (rows("papers"), rows("paper_windows")) == ([], [])
