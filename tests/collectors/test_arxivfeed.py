"""How arXiv is asked: one connection for all processes, the delay between requests, and no author kept."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections import Counter
from datetime import date
from urllib.parse import urlsplit

import pytest
from filelock import FileLock

from collectors.arxivfeed import without_authors
from tests.collectors.conftest import NOW
from tests.conftest import ROOT
from warehouse.parse.papers import feed
from warehouse.raw import Archive, Response

SINCE, UNTIL = date(2016, 1, 1), date(2017, 12, 31)
PAPERS = "search_query=.*ti%3A"
# Collects without the command's own lock on the source, as two homes do that share arXiv's lock.
COLLECT = """
import sys
from datetime import date
from pathlib import Path
from rich.console import Console
from collectors import papers
from collectors.runner import open_context
from warehouse import registry
from warehouse.settings import Settings

home, raw, address, delay = sys.argv[1:]
settings = Settings(home=Path(home), raw=Path(raw), arxiv_api=address, arxiv_delay=float(delay))
choice = {"since": date(2012, 1, 1), "until": date(2012, 6, 30), "console": Console(quiet=True)}
with open_context(settings, registry.load(settings), ["papers"], **choice) as context:
    outcome = papers.collect(context)
assert not outcome.failed, outcome.failed
print(outcome.requests)
"""


def test_a_request_takes_the_delay_and_little_more(gather):
    delay = 0.3
    started = time.monotonic()
    outcome = gather("papers", ["keras"], since=date(2016, 1, 1), until=date(2016, 12, 31), arxiv_delay=delay)
    assert outcome.requests == 13
    assert time.monotonic() - started <= 1.1 * outcome.requests * delay


def test_two_processes_ask_by_one_connection_and_keep_the_delay_between_them(world, tmp_path):
    delay, home = 0.2, tmp_path / "shared"
    running = [
        subprocess.Popen(
            [sys.executable, "-c", COLLECT, home, tmp_path / raw, world.arxiv_api, str(delay)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for raw in ("one", "other")
    ]
    requests = [process.communicate(timeout=100)[0].strip() for process in running]
    assert requests == ["7", "7"]
    gaps = [later - earlier for earlier, later in zip(world.times, world.times[1:], strict=False)]
    assert len(gaps) == 13
    assert min(gaps) >= delay - 0.01
    assert world.most_at_once("/arxiv") == 1


def test_a_request_waits_for_another_process_that_asks_and_gives_up_in_the_end(world, gather, settings):
    locks = settings.home / "locks"
    locks.mkdir()
    with FileLock(locks / f"{urlsplit(world.arxiv_api).netloc.replace(':', '_')}.lock"):
        outcome = gather("papers", ["keras"], since=SINCE, until=UNTIL, max_wait=0.01, timeout=0.1)
    assert outcome.failed == ["another dlpulse is asking arXiv; one at a time is allowed"]
    assert (world.requests, outcome.left) == ([], "2 windows of papers and 24 monthly totals")


def test_no_authors_name_is_archived(gather, world, settings):
    world.fault("truncated", PAPERS)
    gather("papers", ["keras"], since=SINCE, until=UNTIL)
    bodies = [answer.body for answer in Archive(settings.raw).responses("papers")]
    assert sum(b"<entry>" in body for body in bodies) >= 3
    assert not any(b"A. Author" in body or b"<author" in body for body in bodies)


@pytest.fixture
def feeds(shared_data):
    """The recorded pages of search results, which hold authors and affiliations."""
    paths = sorted((shared_data / "arxiv/feeds").glob("q_*.json"))
    return [json.loads(path.read_text("utf-8"))["body"].encode("latin-1") for path in paths]


def names(body: bytes) -> Counter[str]:
    atom = "{http://www.w3.org/2005/Atom}"
    found = [name.text or "" for name in ET.fromstring(body).iterfind(f".//{atom}author/{atom}name")]
    return Counter(re.sub(r"\s+", " ", name) for name in found)


def as_answer(body: bytes) -> Response:
    return Response("r-1", "r", "papers", "window:2017", None, {"kind": "window"}, 200, None, None, NOW, body)


def test_a_recorded_feed_without_its_authors_tells_the_same_papers(feeds):
    assert sum(sum(names(body).values()) for body in feeds) > 100
    for body in feeds:
        kept = without_authors(body)
        assert not names(kept)
        assert feed(as_answer(kept)) == feed(as_answer(body))
        assert b"<author" not in kept
        assert b"affiliation" not in kept


def test_a_feed_that_breaks_off_loses_its_authors_and_nothing_else(feeds):
    whole = feeds[0]
    kept = without_authors(whole)
    for cut in range(0, len(whole), 61):
        left = without_authors(whole[:cut])
        assert b"<author>" not in left
        assert b"<name>" not in left
        # All but a tag that was cut in its middle.
        text, _, tag = left.rpartition(b"<")
        assert kept.startswith((left if b">" in tag else text).rstrip())
        assert len(left) >= cut - sum(map(len, re.findall(rb"\s*<author\b.*?(?:</author>|\Z)", whole[:cut], re.DOTALL)))


def test_an_author_without_an_end_takes_no_other_paper_along():
    body = b"<entry><id>1</id><author><name>A</name></entry><entry><id>2</id><author><name>B</name></author></entry>"
    assert without_authors(body) == b"<entry><id>1</id></entry><entry><id>2</id></entry>"
