"""The world server itself, by plain HTTP: recorded answers as recorded, contracts as SOURCES states them."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pytest
import requests

from tests.world import World
from tests.world.corpus import CATEGORIES, generated

ROOT = Path(__file__).resolve().parents[2]
HISTORY = "/repos/zaghaghi/toolog/stargazers/history"


@pytest.fixture
def world(shared_data: Path) -> Iterator[World]:
    with World(shared_data) as served:
        yield served


@pytest.fixture
def get(world):
    return lambda path, **headers: requests.get(
        world.github_api + path, headers=headers, timeout=10, allow_redirects=False
    )


def test_the_recorded_history_is_served_as_recorded(get, shared_data):
    recorded = json.loads((shared_data / "github/star_history_recorded.json").read_text("utf-8"))
    assert get(f"{HISTORY}?per_page=8").json() == recorded["body"]


def test_pages_join_to_one_series_that_adds_up_to_the_count(get):
    weeks, path = [], "/repos/jax-ml/jax/stargazers/history?per_page=30"
    for page in range(1, 15):
        answer = get(f"{path}&page={page}")
        weeks += answer.json()
        assert ("next" in answer.links) == (page < 14)
    assert {a["week"] - b["week"] for a, b in itertools.pairwise(weeks)} == {7 * 86_400}
    assert sum(week["total"] for week in weeks) == get("/repos/jax-ml/jax").json()["stargazers_count"] == 35_000


def test_days_to_come_are_zeros_and_a_page_past_the_end_is_empty(shared_data, get):
    with World(shared_data, datetime(2026, 9, 7, 12)) as earlier:
        newest = requests.get(earlier.github_api + HISTORY, timeout=10).json()[0]
    assert newest["days"] == [3, 1, 0, 0, 0, 0, 0]
    assert get(f"{HISTORY}?page=2").json() == []


def test_per_page_is_cut_to_30_and_nonsense_is_refused(get):
    assert len(get("/repos/jax-ml/jax/stargazers/history?per_page=100").json()) == 30
    assert get(f"{HISTORY}?page=101").status_code == 422
    assert get(f"{HISTORY}?page=0").status_code == 422


def test_a_former_name_redirects_to_the_number(get, world):
    moved = get("/repos/google/jax/stargazers/history?page=2")
    number = get("/repos/jax-ml/jax").json()["id"]
    assert moved.status_code == 301
    assert moved.headers["Location"] == f"{world.github_api}/repositories/{number}/stargazers/history?page=2"
    assert moved.json()["message"] == "Moved Permanently"


def test_an_etag_revalidates_and_is_free_with_a_token_only(get):
    etag = get(HISTORY).headers["ETag"]
    anonymous = get(HISTORY, **{"If-None-Match": etag})
    assert (anonymous.status_code, anonymous.headers["X-RateLimit-Remaining"]) == (304, "58")
    known = get(HISTORY, **{"If-None-Match": etag, "Authorization": "token world-token"})
    assert (known.status_code, known.headers["X-RateLimit-Remaining"]) == (304, "5000")


def test_a_spent_budget_and_a_bad_token_are_refused(get, world):
    world.github.budgets[""] = 1
    assert [get(HISTORY).status_code, get(HISTORY).status_code] == [200, 403]
    assert get("/rate_limit").json()["resources"]["core"]["remaining"] == 0
    assert get(HISTORY, Authorization="token wrong").status_code == 401


def test_the_old_list_of_stargazers_is_closed_and_the_count_is_open(get):
    assert get("/repos/zaghaghi/toolog/stargazers").status_code == 401
    assert get("/repos/zaghaghi/toolog/stargazers/count").json() == {"count": 5}
    assert get("/repos/nobody/nothing").status_code == 404


def test_every_repository_of_the_registry_is_there(get, world):
    assert len(world.github.repos) == 12
    assert {get(f"/repos/{repo.full_name}").status_code for repo in world.github.repos} == {200}


def test_the_corpus_holds_each_paper_once_under_its_true_id(world):
    ids = world.truth()["papers"]
    assert len(ids) == len(set(ids))
    recorded = [arxiv_id for arxiv_id in ids if arxiv_id < "18"]
    assert len(recorded) == 151
    assert all(re.fullmatch(r"14\d\d\.\d{4}|1[5-7]\d\d\.\d{5}", arxiv_id) for arxiv_id in recorded)


def test_from_2018_on_papers_are_generated_and_say_so():
    papers = generated(date(2026, 9, 11))
    months = Counter(f"{paper.submitted_on:%Y-%m}" for paper in papers)
    assert (min(months), max(months), len(months)) == ("2018-01", "2026-09", 105)
    assert all(30 <= count <= 80 for month, count in months.items() if month != "2026-09")
    assert all(re.match(rf"Generated paper {paper.submitted_on:%Y-%m} #\d+: ", paper.title) for paper in papers)
    assert all(set(paper.categories) <= set(CATEGORIES) for paper in papers)
    named = Counter(
        (paper.submitted_on.year, name)
        for paper in papers
        for name in ("TensorFlow", "PyTorch")
        if name in paper.abstract
    )
    assert named[2018, "TensorFlow"] > 3 * named[2018, "PyTorch"]
    assert named[2025, "PyTorch"] > 3 * named[2025, "TensorFlow"]


def test_a_generated_paper_does_not_depend_on_the_day_of_asking():
    earlier, later = generated(date(2026, 9, 11)), generated(date(2026, 11, 23))
    assert later[: len(earlier)] == earlier
    assert max(paper.submitted_on for paper in earlier) <= date(2026, 9, 11)


def test_a_years_papers_fit_in_three_pages_of_500_and_in_the_monthly_totals(world):
    by_month = Counter(paper.submitted_on.replace(day=1) for paper in world.arxiv.papers)
    by_year = Counter(paper.submitted_on.year for paper in world.arxiv.papers)
    assert by_year[2026] > 0 and max(by_year.values()) <= 1_500
    assert all(count <= world.arxiv.month_total(month) for month, count in by_month.items())


def test_arxiv_refuses_what_the_real_one_refuses(world):
    query = {"search_query": "cat:cs.LG", "start": "30000"}
    beyond = requests.get(world.arxiv_api, params=query, timeout=10)
    assert (beyond.status_code, "<title>Error</title>" in beyond.text) == (400, True)


def test_it_runs_as_a_process_that_takes_orders(shared_data):
    command = [sys.executable, "-m", "tests.world", "--now", "2026-11-23T10:00:00Z", "--data", str(shared_data)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        address = process.stdout.readline().strip()
        order = {"kind": "429", "pattern": "toolog", "retry_after": "9"}
        requests.post(f"{address}/_world/faults", json=order, timeout=10)
        limited = requests.get(f"{address}/github{HISTORY}", timeout=10)
        assert (limited.status_code, limited.headers["Retry-After"]) == (429, "9")
        assert requests.get(f"{address}/github{HISTORY}", timeout=10).status_code == 200
        assert requests.get(f"{address}/_world/requests", timeout=10).json() == [f"/github{HISTORY}"] * 2
        assert requests.get(f"{address}/_world/truth", timeout=10).json()["stars"]["zaghaghi/toolog"] == 5
        requests.post(f"{address}/_world/at", json={"now": "2026-12-24T10:00:00"}, timeout=10)
        assert requests.get(f"{address}/ranking/github-ranking-2026-12-24.csv", timeout=10).status_code == 200
        process.terminate()
