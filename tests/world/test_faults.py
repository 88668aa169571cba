"""Faults, the clock, changes and the ledger of the world, by plain HTTP."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import requests

from tests.world import World
from tests.world.repos import Repo

JAX = "/repos/jax-ml/jax/stargazers/history"
EVENTS = "select * from github.github_events"
KERAS = {"param_names": "['keras-team/keras']", "param_from": "2018-01-01", "param_until": "2018-02-01"}


@pytest.fixture
def world(shared_data: Path) -> Iterator[World]:
    with World(shared_data) as served:
        yield served


@pytest.fixture
def addresses(world):
    events = requests.Request("GET", world.clickhouse_url, params={"query": EVENTS, **KERAS}).prepare().url
    return {
        "github": f"{world.github_api}{JAX}",
        "arxiv": f"{world.arxiv_api}?search_query=cat:cs.LG%20AND%20ti:%22Keras%22",
        "ranking": f"{world.ranking_base}/github-ranking-2020-03-04.csv",
        "clickhouse": f"{events}&default_format=JSONEachRow",
        "pypistats": f"{world.pypistats_api}/packages/torch/overall?mirrors=false",
        "stackexchange": f"{world.stackexchange_api}/questions?site=stackoverflow&tagged=keras&filter=total",
        "conda": f"{world.conda_base}/monthly/2020/2020-03.parquet",
        "surveys": f"{world.survey_base}/2020/results.csv",
        "gharchive": f"{world.gharchive_base}/2018-06-01-7.json.gz",
    }


@pytest.fixture
def get():
    with requests.Session() as session:
        yield lambda address, **options: session.get(address, timeout=10, **options)


def epoch(*day):
    return int(datetime(*day, tzinfo=UTC).timestamp())


SOURCES = ("github", "arxiv", "ranking", "clickhouse", "pypistats", "stackexchange", "conda", "surveys", "gharchive")


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("kind", ["401", "403", "404", "429", "500", "503"])
def test_every_source_refuses_when_ordered_and_then_answers(world, addresses, get, source, kind):
    world.fault(kind, f"^/{source}", retry_after="7" if kind == "429" else None)
    refused = get(addresses[source])
    assert (refused.status_code, len(refused.content) > 0) == (int(kind), True)
    assert refused.headers.get("Retry-After") == ("7" if kind == "429" else None)
    assert get(addresses[source]).status_code == 200


def test_refusals_are_worded_as_the_source_words_them(world, addresses, get):
    world.fault("404", count=-1)
    assert get(addresses["github"]).json()["message"] == "Not Found"
    assert get(addresses["ranking"]).text == "404: Not Found"
    assert "<Code>NoSuchKey</Code>" in get(addresses["conda"]).text
    assert get(addresses["clickhouse"]).text.startswith("Code: 60. DB::Exception: ")
    assert get(addresses["stackexchange"]).json()["error_name"] == "no_method"


@pytest.mark.parametrize("source", SOURCES)
def test_a_moved_address_answers_as_the_old_one_did(world, addresses, get, source):
    old = get(addresses[source]).content
    world.fault("301", f"^/{source}", count=-1)
    moved = get(addresses[source])
    assert moved.history[0].headers["Location"] == addresses[source].replace("/" + source, "/moved/" + source, 1)
    # Only Stack Exchange's quota differs from one answer to the next.
    assert moved.content[:12] == old[:12] and len(moved.content) == len(old)


def test_a_lying_cache_says_304_to_who_did_not_ask(world, addresses, get):
    world.fault("304", "^/ranking")
    assert (get(addresses["ranking"]).status_code, get(addresses["ranking"]).status_code) == (304, 200)


@pytest.mark.parametrize("source", SOURCES)
def test_a_huge_answer_does_not_end_before_the_client_hangs_up(world, addresses, get, source):
    world.fault("huge", f"^/{source}")
    answer = get(addresses[source], stream=True)
    taken = 0
    while taken < 3_000_000:
        taken += len(answer.raw.read(65_536))
    assert "Content-Length" not in answer.headers
    answer.close()
    assert get(addresses[source]).status_code == 200


@pytest.mark.parametrize("source", SOURCES)
def test_invalid_utf8_is_put_into_the_middle(world, addresses, get, source):
    whole = get(addresses[source]).content
    world.fault("invalid-utf8", f"^/{source}")
    body = get(addresses[source]).content
    body, whole = (gzip.decompress(text) if source == "gharchive" else text for text in (body, whole))
    assert (body.count(b"\xff\xfe"), len(body)) == (whole.count(b"\xff\xfe") + 1, len(whole) + 2)


@pytest.mark.parametrize(
    ("source", "body"),
    [
        ("github", b"[]"), ("pypistats", b'{"data":[]}'), ("stackexchange", b'{"items":[],"has_more":false}'),
        ("clickhouse", b""), ("ranking", b""), ("surveys", b""), ("conda", b""),
    ],
)  # fmt: skip
def test_an_empty_answer_is_empty_in_the_sources_own_way(world, addresses, get, source, body):
    world.fault("empty", f"^/{source}")
    answer = get(addresses[source])
    assert (answer.status_code, answer.content) == (200, body)


def test_wrong_totals_lie_in_the_three_sources_that_tell_one(world, addresses, get):
    week, rows = get(addresses["github"]).json()[0], get(addresses["clickhouse"]).text.splitlines()
    world.fault("wrong-total", count=-1, amount=5)
    assert get(addresses["github"]).json()[0] == {**week, "total": week["total"] + 5}
    assert json.loads(get(addresses["clickhouse"]).text.splitlines()[0])["of_rows"] == str(len(rows) + 5)
    assert get(addresses["ranking"]).status_code == 200


def test_a_duplicate_week_begins_a_page_with_the_last_one_of_the_page_before(world, addresses, get):
    pages = [get(f"{addresses['github']}?per_page=3&page={page}").json() for page in (1, 2, 3)]
    world.fault("duplicate-week", "page=3$")
    assert get(f"{addresses['github']}?per_page=3&page=3").json() == [pages[1][-1], *pages[2]]
    world.fault("duplicate-week", "page=1$")
    assert get(f"{addresses['github']}?per_page=3&page=1").json() == [pages[0][0], *pages[0]]


def test_an_exception_of_clickhouse_follows_a_200_in_mid_body(world, addresses, get):
    whole = get(addresses["clickhouse"]).text.splitlines()
    world.fault("exception", "^/clickhouse")
    answer = get(addresses["clickhouse"])
    assert (answer.status_code, answer.text.splitlines()[:16]) == (200, whole[:16])
    assert answer.text.splitlines()[16].startswith("Code: 241. DB::Exception: Memory limit exceeded")


def test_a_week_that_begins_between_two_pages_is_told_twice(world, addresses, get):
    world.at(datetime(2026, 9, 13, 6, 59))  # 23:59 on Saturday in California
    first = get(f"{addresses['github']}?page=1").json()
    world.fault("clock", "page=2", seconds=120)
    second = get(f"{addresses['github']}?page=2").json()
    assert (first[0]["week"], second[0]) == (epoch(2026, 9, 6), first[-1])


def test_as_the_clock_moves_every_part_sees_later_days_and_old_ones_stay(world, get):
    before = {repo.full_name: dict(repo.days) for repo in world.github.repos}
    papers = list(world.arxiv.papers)
    world.at(datetime(2026, 10, 20, 12))
    for repo in world.github.repos:
        assert {day: repo.days[day] for day in before[repo.full_name]} == before[repo.full_name]
    keras = world.github.find("keras-team/keras")
    assert (max(keras.days), keras.stars() > 64_244) == (date(2026, 10, 20), True)
    assert world.arxiv.papers[: len(papers)] == papers and len(world.arxiv.papers) > len(papers)
    assert get(f"{world.ranking_base}/github-ranking-2026-10-20.csv").status_code == 200
    assert get(f"{world.conda_base}/monthly/2026/2026-09.parquet").status_code == 200
    assert get(f"{world.pypistats_api}/packages/jax/overall").json()["data"][-1]["date"] == "2026-10-19"


def test_the_clock_does_not_go_back(world):
    with pytest.raises(ValueError, match="does not go back"):
        world.at(datetime(2026, 9, 10))


def test_a_series_of_a_tests_own_is_served_as_it_stands_and_days_to_come_wait(world, get):
    days = {date(2026, 9, 4): 5, date(2026, 9, 10): 3, date(2026, 9, 14): 9}
    world.github.repos.append(Repo(77, "me/own", (), date(2026, 9, 2), days))
    assert [week["days"] for week in get(f"{world.github_api}/repos/me/own/stargazers/history").json()] == [
        [0, 0, 0, 0, 3, 0, 0],
        [0, 0, 0, 0, 0, 5, 0],
    ]
    world.at(datetime(2026, 9, 15, 12))
    days[date(2026, 9, 4)] = 4  # one was taken back
    assert [week["total"] for week in get(f"{world.github_api}/repos/me/own/stargazers/history").json()] == [9, 3, 4]
    assert get(f"{world.github_api}/repos/me/own").json()["stargazers_count"] == 16


def test_releases_come_newest_first_in_pages_of_at_most_100(world, get):
    address, tags = f"{world.github_api}/repos/tensorflow/tensorflow/releases?per_page=500", []
    while address:
        answer = get(address)
        assert len(answer.json()) <= 100
        tags += [(release["published_at"], release["tag_name"]) for release in answer.json()]
        address = answer.links.get("next", {}).get("url")
    assert len(tags) == len(set(tags)) > 100
    assert tags == sorted(tags, reverse=True) and tags[0][0] < "2026-09-12"
    moved = get(f"{world.github_api}/repos/google/jax/releases")
    assert (moved.history[0].status_code, len(moved.json())) == (301, 30)
    assert get(f"{world.github_api}/repos/torch/torch7/releases").json() == []


def test_the_ledger_knows_agents_times_and_connections_at_once(world, addresses):
    with requests.Session() as one, requests.Session() as other:
        one.get(addresses["arxiv"], headers={"User-Agent": "one"}, timeout=10)
        other.get(addresses["ranking"], headers={"User-Agent": "other"}, timeout=10)
        assert (world.most_at_once("/arxiv"), world.most_at_once("/ranking"), world.most_at_once("/conda")) == (1, 1, 0)
        other.get(addresses["arxiv"], timeout=10)
    assert world.most_at_once("/arxiv") == 2
    assert {"one", "other"} < world.agents
    assert len(world.times) == len(world.requests) == 3 and world.times == sorted(world.times)


def test_connections_one_after_the_other_never_count_as_two(world, addresses):
    for _ in range(50):
        with requests.Session() as session:
            session.get(addresses["arxiv"], timeout=10)
    assert world.most_at_once("/arxiv") == 1
