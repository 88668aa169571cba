"""The stars collector through PyGithub against the world's GitHub."""

from __future__ import annotations

import json
import re
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from collectors.stars import without_people
from tests.collectors import series
from tests.collectors.conftest import NOW
from tests.world import World
from warehouse.raw import RUN_END, Archive

CHAINER = "chainer/chainer"
JAX = "jax-ml/jax"
HISTORY = "stargazers/history"


def page(number: int) -> str:
    """The pattern of requests for one page of Chainer's history."""
    return rf"{CHAINER}/{HISTORY}\?(.*&)?page={number}\b"


def truth(world: World, name: str) -> dict[date, int]:
    """The days of a repository from its first to today, as a whole history tells them."""
    repo = world.github.find(name)
    first = repo.created_on - timedelta(days=(repo.created_on.weekday() + 1) % 7)
    count = (date(2026, 9, 11) - first).days + 1
    return {first + timedelta(days=n): repo.days.get(first + timedelta(days=n), 0) for n in range(count)}


def test_stars_of_the_recorded_repository_add_up_to_its_count(world, gather, rows, days):
    outcome = gather("stars", ["toolog"])
    assert (outcome.requests, outcome.failed, outcome.left) == (2, [], "")
    assert [record["stars"] for record in rows("repo_records")] == [5]
    assert {day: stars for day, stars in days("zaghaghi/toolog").items() if stars} == {
        date(2026, 9, 6): 3,
        date(2026, 9, 7): 1,
        date(2026, 9, 10): 1,
    }


def test_days_to_come_are_dropped_and_todays_is_partial(gather, settings):
    gather("stars", ["toolog"])
    partial = {reading["day"]: reading["is_partial"] for reading in series.readings(settings.raw)}
    assert partial == {date(2026, 8, 30) + timedelta(days=n): n == 12 for n in range(13)}


def test_a_whole_life_is_read_page_by_page(world, gather, days):
    outcome = gather("stars", ["chainer"])
    assert (outcome.failed, outcome.left, outcome.requests) == ([], "", 21)
    assert days(CHAINER) == truth(world, CHAINER)
    assert sum(days(CHAINER).values()) == 5_900


def test_newest_weeks_of_every_framework_come_before_anyones_older(world, gather):
    gather("stars", ["chainer", "jax"])
    pages = [re.search(r"\bpage=(\d+)", target)[1] for target in world.requests if HISTORY in target]
    assert pages[:6] == ["1", "1", "2", "2", "3", "3"]


def test_a_second_run_asks_record_and_newest_page_and_adds_nothing(world, gather, days):
    gather("stars")
    before, asked = days(CHAINER), len(world.requests)
    outcome = gather("stars")
    assert (outcome.requests, outcome.new, len(world.requests) - asked) == (2, 0, 2)
    assert days(CHAINER) == before


def test_every_week_is_read_again_after_28_days(shared_data, gather):
    gather("stars")
    later = NOW + timedelta(days=29)
    with World(shared_data, later) as next_month:
        outcome = gather("stars", clock=lambda: later, github_api=next_month.github_api)
    assert outcome.requests == 21


def test_an_unchanged_record_is_revalidated(gather, archived):
    gather("stars")
    gather("stars")
    first, second = [answer for answer in archived("stars") if answer.params["kind"] == "repo"]
    assert (second.status, second.revalidates, second.body) == (304, first.response_id, b"")


def test_a_renamed_repository_is_paged_under_its_new_name(world, gather, days):
    world.github.rename(CHAINER, "new-home/chain")
    outcome = gather("stars")
    assert outcome.failed == []
    assert world.asked("/repos/new-home/chain/stargazers/history") == 20
    assert sum(days(CHAINER).values()) == 5_900


TWIN = """
[[framework]]
id = "twin"
name = "Twin"
colour = "#654321"
first_released_on = 2015-06-12
status = "active"
repositories = [{ name = "NAME" }]
"""


@pytest.mark.parametrize("order", [("chainer", "twin"), ("twin", "chainer"), ("chainer",)])
def test_a_repository_under_its_new_name_too_is_paged_once(world, gather, settings, order):
    (settings.home / "frameworks.toml").write_text(TWIN.replace("NAME", "New-home/chain"), "utf-8")
    world.github.rename(CHAINER, "new-home/chain")
    outcome = gather("stars", order)
    line = "chainer/chainer is New-home/chain today: move it to formerly in the registry"
    assert (outcome.failed, outcome.left) == ([line], "")
    assert world.asked(HISTORY) == (20 if "twin" in order else 0)


def test_a_repository_under_two_former_names_is_paged_once(world, gather, settings):
    (settings.home / "frameworks.toml").write_text(TWIN.replace("NAME", "then/chain"), "utf-8")
    world.github.rename(CHAINER, "then/chain")
    world.github.rename("then/chain", "now/chain")
    line = "then/chain and chainer/chainer are both now/chain today: move it to formerly in the registry"
    for _ in range(2):
        assert gather("stars", ["chainer", "twin"]).failed == [line]
        assert world.asked(HISTORY) == 20


def test_a_password_in_the_address_is_kept_nowhere(gather, settings, archived):
    world_api = settings.github_api
    outcome = gather("stars", ["toolog"], github_api=world_api.replace("//", "//me:s3cret@"))
    assert outcome.failed == []
    assert all(answer.url.startswith(f"{world_api}/repos/") for answer in archived("stars"))
    outcome = gather("stars", ["toolog"], github_api="http://me:s3cret@127.0.0.1:9")
    assert outcome.failed == ["GitHub at 127.0.0.1:9 cannot be reached: connection refused"]
    assert "s3cret" not in repr(list(Archive(settings.raw).responses()))


def test_a_password_in_the_address_is_not_shown(dlpulse):
    shown = dlpulse(
        "collect",
        "stars",
        "papers",
        DLPULSE_GITHUB_API="http://me:s3cret@127.0.0.1:9",
        DLPULSE_ARXIV_API="http://me:s3cret@127.0.0.1:9/api/query",
    )
    assert shown.stderr.count("at 127.0.0.1:9 cannot be reached") == 2
    assert "s3cret" not in shown.stdout + shown.stderr


@pytest.mark.parametrize("kind", ["429", "403-secondary", "500", "503", "reset", "slow"])
def test_a_passing_fault_is_outlived_by_retrying(world, gather, days, kind):
    world.fault(kind, page(2), seconds=1.3)
    outcome = gather("stars")
    assert (outcome.failed, outcome.left) == ([], "")
    assert days(CHAINER) == truth(world, CHAINER)


def test_a_short_retry_after_is_obeyed(world, gather):
    world.fault("429", HISTORY, count=2, retry_after="1")
    outcome = gather("stars", ["toolog"])
    assert (outcome.failed, outcome.left, outcome.took_s > 1.9) == ([], "", True)


def test_a_long_retry_after_ends_the_run_and_says_when_to_come_back(world, gather, days):
    world.fault("429", page(3), retry_after="5400")
    outcome = gather("stars")
    assert (outcome.failed, outcome.left) == ([], "18 pages of star history")
    assert outcome.retry_at == NOW + timedelta(seconds=5400)
    outcome = gather("stars")
    assert (outcome.left, outcome.requests) == ("", 18)
    assert days(CHAINER) == truth(world, CHAINER)


def test_a_retry_after_that_is_a_date_is_understood(world, gather):
    world.fault("429", "/repos/chainer/chainer$", retry_after="Fri, 11 Sep 2026 17:00:00 GMT")
    outcome = gather("stars")
    assert (outcome.left, outcome.retry_at) == ("1 repository record", datetime(2026, 9, 11, 17))


def test_a_primary_limit_ends_the_run_until_its_reset(world, gather):
    world.fault("403-primary", page(2))
    outcome = gather("stars")
    assert (outcome.failed, outcome.left) == ([], "19 pages of star history")
    assert outcome.retry_at == NOW + timedelta(seconds=3601)


def test_a_lasting_secondary_limit_ends_the_run_for_a_minute(world, gather):
    world.fault("403-secondary", HISTORY, count=-1)
    outcome = gather("stars")
    assert (outcome.failed, outcome.retry_at) == ([], NOW + timedelta(seconds=60))
    assert world.asked(HISTORY) == 2


def test_the_anonymous_budget_is_spent_on_newest_weeks_and_then_ends_cleanly(world, gather):
    world.github.budgets[""] = 7
    outcome = gather("stars", ["chainer", "jax"], github_token=None)
    assert (outcome.requests, outcome.failed, len(world.requests)) == (7, [], 7)
    assert outcome.left == "29 pages of star history"
    assert outcome.retry_at == NOW + timedelta(seconds=3601)


def test_a_wrong_name_is_named_and_the_others_go_on(world, gather, settings, days):
    wrong = (settings.home / "frameworks.toml").read_text("utf-8").replace("zaghaghi/toolog", "zaghaghi/tolog")
    (settings.home / "frameworks.toml").write_text(wrong, "utf-8")
    outcome = gather("stars", ["toolog", "chainer"])
    assert outcome.failed == ["zaghaghi/tolog: GitHub knows no such repository (404); correct its name in the registry"]
    assert days(CHAINER) == truth(world, CHAINER)


def test_a_refused_token_is_told_once_and_never_stored(world, gather, settings):
    outcome = gather("stars", ["chainer", "jax"], github_token="ghp_wrong")
    assert outcome.failed == ["GitHub refuses the GITHUB_TOKEN (401): renew it, or unset it to ask without one"]
    assert (outcome.reached, outcome.requests) == (True, 1)
    answers = list(Archive(settings.raw).responses())
    assert "ghp_wrong" not in repr(answers)
    assert "ghp_wrong" not in repr(settings)


def test_a_host_that_refuses_gets_one_retry_and_is_named_once(gather):
    outcome = gather("stars", ["chainer", "jax"], github_api="http://127.0.0.1:9")
    assert outcome.failed == ["GitHub at 127.0.0.1:9 cannot be reached: connection refused"]
    assert (outcome.reached, outcome.requests, outcome.left) == (False, 0, "2 repository records")


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("html", "not JSON (cut short, or a web page)"),
        ("truncated", "not JSON (cut short, or a web page)"),
        ("broken-off", "the answer broke off before its end"),
        ("empty", "page 2 of its star history is empty, although the repository is older"),
        ("403", "GitHub answered with status 403, also after retries"),
        ("500", "GitHub answered with status 500, also after retries"),
    ],
)
def test_a_bad_page_fails_its_repository_alone_and_the_next_run_mends_it(world, gather, days, kind, line):
    world.fault(kind, page(2), count=-1)
    outcome = gather("stars", ["chainer", "jax"])
    assert len(outcome.failed) == 1
    assert outcome.failed[0].startswith(f"{CHAINER}: {line}")
    assert days(JAX) == truth(world, JAX)
    assert days(CHAINER).items() <= truth(world, CHAINER).items()
    world.faults.clear()
    assert gather("stars", ["chainer", "jax"]).failed == []
    assert days(CHAINER) == truth(world, CHAINER)


@pytest.mark.parametrize("kind", ["html", "truncated", "403", "500", "429"])
def test_bad_answers_are_kept_with_their_status(world, gather, archived, kind):
    world.fault(kind, "/repos/chainer/chainer$", count=-1)
    gather("stars")
    kept = archived("stars")
    assert [answer.status for answer in kept] == [{"html": 200, "truncated": 200}.get(kind) or int(kind)]
    assert kept[0].body


def reborn(world: World, name: str = CHAINER) -> int:
    """Let someone else start a repository under the name of one that was deleted; returns the first one's id."""
    repo = world.github.find(name)
    first, repo.id = repo.id, 7
    return first


def test_another_repository_under_the_same_name_gives_no_fact_and_is_named(world, gather, days):
    gather("stars")
    first, asked, before = reborn(world), len(world.requests), days(CHAINER)
    for _ in range(2):
        outcome = gather("stars", ["chainer"])
        assert outcome.failed == [
            f"chainer/chainer is another repository today (id 7, was {first}): "
            "give the new one its own entry in the registry"
        ]
        assert (outcome.rows, outcome.new, outcome.refused) == (0, 0, [CHAINER])
    assert (len(world.requests) - asked, days(CHAINER)) == (2, before)


@pytest.mark.parametrize("weeks", [(9,), (1, 6, 12, 18), (9, 20)])
def test_the_first_id_is_remembered_however_old(world, gather, weeks):
    """Also when all that was answered in the last eight weeks is the other's record."""
    gather("stars")
    reborn(world)
    for week in weeks:
        later = NOW + timedelta(weeks=week)
        world.at(later)
        outcome = gather("stars", clock=lambda later=later: later)
        assert (len(outcome.failed), "is another repository today (id 7" in outcome.failed[0]) == (1, True)


def test_of_a_repository_never_known_the_archive_is_searched_once(gather, settings, archived):
    (settings.home / "frameworks.toml").write_text(TWIN.replace("NAME", "nobody/gone"), "utf-8")
    gather("stars", ["twin"])
    assert [(answer.status, answer.params["github_id"]) for answer in archived("stars")] == [(404, None)]


def test_no_login_is_archived_of_a_record(gather, archived):
    gather("stars", ["toolog"])
    record = archived("stars")[0]
    assert sorted(record.json()) == [
        "archived", "created_at", "forks_count", "full_name", "id", "open_issues_count", "pushed_at",
        "stargazers_count", "subscribers_count",
    ]  # fmt: skip
    assert record.params["cut"].startswith("all fields but id, full_name, ")


@pytest.mark.parametrize("kind", ["truncated", "invalid-utf8", "broken-off", "huge"])
def test_no_login_is_archived_of_a_broken_record_either(world, gather, archived, kind):
    world.fault(kind, "/repos/chainer/chainer$")
    assert [line.split(":")[0] for line in gather("stars").failed] == [CHAINER]
    assert [b"login" in answer.body for answer in archived("stars")] == [False] * len(archived("stars"))


def test_a_record_keeps_its_licenses_id_and_a_message_stays():
    record = {"id": 7, "license": {"spdx_id": "MIT", "name": "MIT License"}, "owner": {"login": "someone"},
              "organization": {"login": "someone"}}  # fmt: skip
    body = json.dumps(record).encode()
    assert json.loads(without_people(body)) == {"id": 7, "license": {"spdx_id": "MIT"}}
    assert b"someone" not in without_people(body[:-1]) + without_people(b"[" + body + b"]")
    assert json.loads(without_people(b'{"message": "Not Found"}')) == {"message": "Not Found"}
    assert without_people(b"<html>") == b"<html>"


def test_a_repository_refused_lately_is_read_after_all_pages_of_the_others(world, gather):
    world.fault("html", f"{JAX}/{HISTORY}", count=-1)
    assert gather("stars", ["jax"]).refused == [JAX]
    asked = len(world.requests)
    gather("stars", ["jax", "chainer"])
    assert ["jax" in target for target in world.requests[asked:]] == [False] * 21 + [True]


def test_a_run_that_did_not_finish_is_noted_with_its_reason(world, gather, settings):
    world.fault("html", HISTORY)
    gather("stars")
    (end,) = [note for note in Archive(settings.raw).responses("stars") if note.subject == RUN_END]
    assert "not JSON" in json.loads(end.body)["error"]


def test_no_machine_path_or_secret_stands_in_the_raw_parts(gather, settings):
    gather("stars", ["toolog"])
    parts = Archive(settings.raw).parts("stars")
    assert len(parts) == 1
    assert b"world-token" not in Path(parts[0]).read_bytes()


def test_what_github_last_said_of_its_budget_is_kept_with_the_run(world, gather, settings):
    gather("stars", ["chainer"])
    (run,) = Archive(settings.raw).runs("stars")
    left = world.github.budgets["world-token"]
    assert left < 5_000
    assert run.end.json()["budget"].startswith(f"{left:,} of 5,000 calls left until 2026-09-11 ")
