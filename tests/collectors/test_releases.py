"""The releases collector through PyGithub against the world's GitHub."""

from __future__ import annotations

import json
import re
from datetime import date, datetime, timedelta

import pytest

from collectors.releases import without_people
from tests.collectors.conftest import NOW
from tests.world import releases as generated

CHAINER = "chainer/chainer"
TORCH7 = "torch/torch7"


@pytest.fixture
def many(monkeypatch):
    """Chainer releases every eight days: 375 releases on four pages."""
    generated.generated.cache_clear()
    monkeypatch.setitem(generated.PACE, CHAINER, 8)
    yield
    generated.generated.cache_clear()


@pytest.fixture
def versions(rows):
    """The newest telling of each release of a repository."""
    return lambda repo=CHAINER: {
        row["version"]: (row["released_on"], row["is_prerelease"]) for row in rows("releases") if row["repo_id"] == repo
    }


def truth(world, name=CHAINER):
    return {
        one["tag_name"]: (date.fromisoformat(one["published_at"][:10]), one["prerelease"])
        for one in world.github.releases(world.github.find(name))
    }


def test_releases_of_one_page_cost_one_request(world, gather, versions):
    outcome = gather("releases")
    assert (outcome.requests, outcome.failed, outcome.left) == (1, [], "")
    assert outcome.new == len(truth(world)) > 40
    assert versions() == truth(world)


def test_all_pages_are_read(many, world, gather, versions):
    outcome = gather("releases")
    assert (outcome.requests, outcome.failed, outcome.left) == (4, [], "")
    assert len(truth(world)) > 300
    assert versions() == truth(world)


def test_the_newest_page_of_every_repository_comes_first(many, world, gather):
    gather("releases", ["chainer", "tensorflow"])
    pages = [re.search(r"[?&]page=(\d)", target)[1] for target in world.requests]
    assert pages == ["1", "1", "2", "2", "3", "4"]


def test_an_unchanged_list_is_revalidated_and_gives_nothing_new(many, world, gather, archived, settings):
    gather("releases")
    budget = world.github.budgets["world-token"]
    outcome = gather("releases")
    assert (outcome.requests, outcome.new, outcome.rows) == (1, 0, 100)
    last = archived("releases")[-1]
    assert (last.status, last.revalidates, last.body) == (304, archived("releases")[0].response_id, b"")
    assert world.github.budgets["world-token"] == budget


def test_paging_stops_at_a_release_that_is_known(world, gather, versions):
    gather("releases", ["tensorflow"])
    later = NOW + timedelta(days=40)
    world.at(later)
    outcome = gather("releases", ["tensorflow"], clock=lambda: later)
    assert (outcome.requests, outcome.new) == (1, len(truth(world, "tensorflow/tensorflow")) - outcome_before(world))
    assert versions("tensorflow/tensorflow") == truth(world, "tensorflow/tensorflow")


def outcome_before(world):
    """How many releases TensorFlow had at NOW."""
    repo = world.github.find("tensorflow/tensorflow")
    return len(generated.generated(repo.born_as, repo.created_on, NOW.date()))


def test_all_pages_are_read_again_after_ninety_days(many, world, gather):
    gather("releases")
    later = NOW + timedelta(days=91)
    world.at(later)
    assert gather("releases", clock=lambda: later).requests == 4


def test_a_renamed_repository_is_read_whole_although_the_redirect_loses_the_query(many, world, gather, versions):
    world.github.rename(CHAINER, "new-home/chain")
    outcome = gather("releases")
    assert (outcome.failed, outcome.left) == ([], "")
    assert versions() == truth(world, "new-home/chain")


def test_the_name_that_the_stars_told_is_asked_first(many, world, gather, versions):
    world.github.rename(CHAINER, "new-home/chain")
    gather("stars", since=date(2026, 9, 1))
    outcome = gather("releases")
    assert (outcome.requests, world.asked("/repos/chainer/chainer/releases")) == (4, 0)
    assert versions() == truth(world, "new-home/chain")


def test_no_author_and_no_note_is_kept(gather, settings, archived):
    gather("releases")
    kept = b"".join(path.read_bytes() for path in settings.home.rglob("*") if path.is_file())
    entry = archived("releases")[0].json()[0]
    assert sorted(entry) == ["created_at", "draft", "name", "prerelease", "published_at", "tag_name"]
    assert b"generated-person" not in kept + b"".join(answer.body for answer in archived("releases"))


@pytest.mark.parametrize("kind", ["truncated", "invalid-utf8", "broken-off", "huge"])
def test_no_author_is_kept_of_a_broken_answer_either(world, gather, archived, kind):
    world.fault(kind, "releases")
    outcome = gather("releases")
    assert [line.split(":")[0] for line in outcome.failed] == [CHAINER]
    assert b"generated-person" not in b"".join(answer.body for answer in archived("releases"))


def test_a_repository_without_releases_is_no_fault(gather, versions):
    outcome = gather("releases", ["torch7"])
    assert (outcome.failed, outcome.rows, versions(TORCH7)) == ([], 0, {})


def test_an_empty_list_of_a_repository_that_had_releases_is_a_fault(world, gather, versions):
    gather("releases")
    world.fault("empty", "releases")
    later = NOW + timedelta(days=100)
    world.at(later)
    outcome = gather("releases", clock=lambda: later)
    assert outcome.failed == [f"{CHAINER}: its list of releases is empty, although it has had {len(truth(world))}"]
    assert versions() == truth(world)


@pytest.mark.parametrize("kind", ["html", "truncated", "invalid-utf8", "304", "500", "404", "403"])
def test_a_spoiled_page_gives_no_fact_and_stops_no_other_repository(world, gather, versions, kind):
    world.fault(kind, "chainer/releases", count=3 if kind == "500" else 2 if kind == "403" else 1)
    outcome = gather("releases", ["chainer", "jax"])
    assert [line.split(":")[0] for line in outcome.failed] == [CHAINER]
    assert (versions(), versions("jax-ml/jax")) == ({}, truth(world, "jax-ml/jax"))
    assert gather("releases", ["chainer", "jax"]).failed == []
    assert versions() == truth(world)


def test_after_a_break_only_the_missing_pages_are_asked(many, world, gather, versions):
    """As after a kill: the pages that were archived are not asked again; page 1 is, for its links."""
    world.fault("reset", "[?&]page=4", count=-1)
    first = gather("releases")
    assert (first.requests, first.left) == (3, "1 page of older releases")
    world.faults.clear()
    outcome = gather("releases")
    assert (outcome.requests, outcome.failed, outcome.left) == (2, [], "")
    assert versions() == truth(world)


def test_a_repository_read_whole_before_a_break_is_not_asked_again(world, gather):
    world.fault("reset", "chainer/releases", count=-1)
    first = gather("releases", ["keras", "chainer"])
    world.faults.clear()
    second = gather("releases", ["keras", "chainer"])
    assert (first.left, second.failed, second.requests) == ("1 repository's newest releases", [], 1)
    assert world.asked("keras/releases") == 1


def test_without_a_token_the_budget_ends_the_run_and_says_when_to_come_back(world, gather, versions):
    world.github.budgets[""] = 2
    outcome = gather("releases", ["chainer", "tensorflow", "jax"], github_token=None)
    assert (outcome.requests, outcome.failed) == (2, [])
    assert outcome.left.startswith("1 repository's newest releases and ")
    assert outcome.retry_at == datetime(2026, 9, 11, 16, 22, 40)


def test_since_stops_paging_where_it_begins(many, world, gather, versions):
    outcome = gather("releases", since=date(2021, 6, 1))
    assert (outcome.requests, outcome.left) == (1, "")
    assert gather("releases").requests == 4
    assert versions() == truth(world)


NEWCOMER = """
[[framework]]
id = "newcomer"
name = "Newcomer"
colour = "#123456"
first_released_on = 2026-05-20
status = "active"
repositories = [{ name = "nobody/wrong-one" }, { name = "nobody/wrong-two" }, { name = "nobody/wrong-three" },
                { name = "zaghaghi/toolog" }]
"""


def test_wrong_names_in_the_registry_do_not_keep_the_others_from_being_asked(gather, settings, versions, world):
    (settings.home / "frameworks.toml").write_text(NEWCOMER, "utf-8")
    outcome = gather("releases", ["newcomer"])
    assert [line.split(":")[0] for line in outcome.failed] == [
        "nobody/wrong-one",
        "nobody/wrong-two",
        "nobody/wrong-three",
    ]
    assert versions("zaghaghi/toolog") == truth(world, "zaghaghi/toolog")


def test_three_web_pages_in_a_row_end_the_run(world, gather):
    world.fault("html", count=-1)
    outcome = gather("releases", ["chainer", "jax", "keras", "tensorflow"])
    assert outcome.requests == 3
    assert outcome.failed[-1] == "GitHub gave no usable answer 3 times in a row"


def test_a_login_is_cut_out_of_githubs_own_form():
    entry = {"url": "u", "author": {"login": "someone"}, "tag_name": "v1", "draft": False, "prerelease": False,
             "body": "by @someone"}  # fmt: skip
    assert json.loads(without_people(json.dumps([entry]).encode())) == [
        {"tag_name": "v1", "draft": False, "prerelease": False}
    ]
    assert without_people(json.dumps([entry]).encode()[:60]) == b'[{"url": "u", '
    assert without_people(b'{"message": "Not Found"}') == b'{"message": "Not Found"}'


def test_the_plan_tells_calls_and_budget(gather, planned):
    gather("releases")
    told = planned("releases", ["chainer", "jax"])
    assert (told.calls, told.budget, told.left) == (3, "4,999 of 5,000 left, shared with stars", "")


@pytest.fixture
def lists(rows):
    """How each list was read: from when, and whether whole."""
    return lambda: [(row["repo_id"], row["read_from"], row["is_whole"]) for row in rows("release_lists")]


def test_a_list_read_to_its_last_page_is_whole_and_one_read_to_a_known_release_is_not(world, gather, lists):
    gather("releases", ["tensorflow"])
    later = NOW + timedelta(days=40)
    world.at(later)
    gather("releases", ["tensorflow"], clock=lambda: later)
    assert lists() == [("tensorflow/tensorflow", NOW, True), ("tensorflow/tensorflow", later, False)]


def test_a_reading_begins_with_the_first_of_its_pages_also_after_a_break(many, world, gather, lists):
    world.fault("reset", "[?&]page=4", count=-1)
    gather("releases")
    world.faults.clear()
    gather("releases")
    assert lists() == [(CHAINER, NOW, True)]


def test_new_releases_do_not_put_off_the_reading_of_all_pages(world, gather, lists):
    for days in (0, 60, 91):
        later = NOW + timedelta(days=days)
        world.at(later)
        gather("releases", ["tensorflow"], clock=lambda later=later: later)
    assert [is_whole for _, _, is_whole in lists()] == [True, False, True]


def test_by_due_a_repository_that_is_gone_rests_a_day_and_the_others_their_week(world, due, settings):
    (settings.home / "frameworks.toml").write_text(NEWCOMER, "utf-8")
    chosen = ("newcomer", "torch7", "chainer")
    first, second = due("releases", 0, chosen), due("releases", 1, chosen)
    assert first.refused == ["nobody/wrong-one", "nobody/wrong-two", "nobody/wrong-three"]
    assert (first.requests, second.requests, second.failed) == (6, 0, [])
    assert second.left == "3 repositories refused lately"
    assert [due("releases", hours, chosen).requests for hours in (22, 24, 25)] == [0, 3, 0]
    assert world.asked("torch7/releases") == 1


def test_repositories_refused_lately_are_read_after_all_pages_of_the_others(many, world, gather):
    bad = ["jax", "keras", "tensorflow"]
    world.fault("html", "(jax|keras|tensorflow)/releases", count=-1)
    first = gather("releases", bad)
    asked = len(world.requests)
    gather("releases", ["chainer", *bad])
    assert (len(first.refused), len(world.requests) - asked) == (3, 4 + 3)
    of_the_bad = [bool(re.search("jax|keras|tensorflow", target)) for target in world.requests[asked:]]
    assert of_the_bad == [False] * 4 + [True] * 3
