"""What a line of arXiv's snapshot tells, which papers are kept, and that memory does not grow with the file."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from collectors.snapshot import Phrases, Submission, submission
from tests.conftest import ROOT
from tests.world.corpus import CATEGORIES
from warehouse import registry
from warehouse.settings import Settings

# A file of 20 MB may take this much more memory than one of 2 MB.
MORE_MIB = 24
MEASURE = """
import resource, sys
from pathlib import Path
from rich.console import Console
from collectors.imports import import_files
from collectors.runner import open_context
from warehouse import registry
from warehouse.settings import Settings

settings = Settings(home=Path(sys.argv[1]), raw=Path(sys.argv[1]) / "raw")
with open_context(settings, registry.load(settings), ["papers"], console=Console(quiet=True)) as context:
    outcome = import_files(context, "arxiv-snapshot", [sys.argv[2]])
assert not outcome.failed, outcome.failed
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_the_recorded_lines_tell_their_first_submission(shared_data, tmp_path):
    lines = (shared_data / "arxiv/kaggle-snapshot-first200.jsonl").read_bytes().splitlines()
    # None of the 200 is of the six categories but for cs.AI and cs.NE; here all are.
    papers = [submission(json.dumps({**json.loads(one), "categories": "cs.LG"}).encode()) for one in lines]
    assert len(papers) == 200
    assert all(isinstance(paper, Submission) for paper in papers)
    first = papers[0]
    assert (first.arxiv_id, first.submitted_on, first.numbered_in) == ("0704.0001", date(2007, 4, 2), date(2007, 4, 1))
    assert first.title == ("Calculation of prompt diphoton production cross sections at Tevatron and LHC energies")
    assert {paper.submitted_on for paper in papers} == {date(2007, 3, 31), date(2007, 4, 1), date(2007, 4, 2)}
    assert sum(submission(one) is not None for one in lines) == sum(
        bool(set(CATEGORIES) & set(json.loads(one)["categories"].split())) for one in lines
    )


def test_the_last_hour_of_a_day_elsewhere_is_the_next_day_in_gmt():
    paper = {"id": "1801.00001", "title": "T", "abstract": "A", "categories": "cs.LG"}
    versions = [{"version": "v1", "created": "Mon, 1 Jan 2018 23:30:00 -0500"}]
    found = submission(json.dumps({**paper, "versions": versions}).encode())
    assert found is not None
    assert found.submitted_on == date(2018, 1, 2)


@pytest.mark.parametrize(
    ("arxiv_id", "month"),
    [("0704.0001", date(2007, 4, 1)), ("cs/9905014", date(1999, 5, 1)), ("math.GT/0309136", date(2003, 9, 1))],
)
def test_an_id_tells_its_month(arxiv_id, month):
    assert Submission(arxiv_id, month, "", "", ()).numbered_in == month


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("We use KERAS.", True),
        ("We use keras-based nets.", True),
        ("See github.com/someone/keras/tree", True),
        ("We use AutoKeras.", False),
        ("We use Keras2.", False),
        ("Tensor flow in pipes.", True),
        ("A tensor of flow.", False),
    ],
)
def test_phrases_are_found_as_whole_words_in_any_case(text, named):
    paper = Submission("1801.00001", date(2018, 1, 1), "In a title", text, ("cs.LG",))
    assert Phrases(["Keras", "Tensor  Flow"]).named_in(paper) is named


def test_phrases_are_not_found_across_title_and_abstract():
    paper = Submission("1801.00001", date(2018, 1, 1), "A Tensor", "Flow is studied.", ("cs.LG",))
    assert not Phrases(["Tensor Flow"]).named_in(paper)


def test_phrases_find_what_the_api_finds(world):
    known = registry.load(Settings(home=Path(), raw=Path(), registry_file=registry.SHIPPED))
    for framework in known.frameworks.values():
        found = Phrases(framework.arxiv_query)
        query = " OR ".join(f'ti:"{phrase}" OR abs:"{phrase}"' for phrase in framework.arxiv_query)
        by_api = {paper.arxiv_id for paper in world.arxiv.find(query)}
        assert by_api == {
            paper.arxiv_id
            for paper in world.arxiv.papers
            if found.named_in(Submission("", paper.submitted_on, paper.title, paper.abstract, ()))
        }


def test_ten_times_the_file_takes_hardly_more_memory(tmp_path, shared_data):
    used = []
    lines = (shared_data / "arxiv/kaggle-snapshot-first200.jsonl").read_bytes()
    lines = lines.replace(b'"hep-ph"', b'"cs.LG"').replace(b" energy ", b" Keras ")
    assert lines.count(b"cs.LG") > 10
    for times in (2, 20):
        path, home = tmp_path / f"{times}.json", tmp_path / f"home-{times}"
        home.mkdir()
        path.write_bytes(lines * (times * 1_000_000 // len(lines)))
        command = [sys.executable, "-c", MEASURE, str(home), str(path)]
        used.append(int(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout))
    assert used[1] - used[0] < MORE_MIB
