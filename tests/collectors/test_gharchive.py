"""`dlpulse import gharchive`: GH Archive's hour files, from the world's server and made by hand."""

from __future__ import annotations

import gzip
import hashlib
import json
import tracemalloc
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from collectors.base import Outcome
from tests.collectors.conftest import NOW, TOOLOG
from tests.world.reply import Request
from warehouse.raw import Archive

OLD_HOUR, NEW_HOUR = datetime(2014, 12, 31, 23), datetime(2017, 9, 1, 17)


def name_of(hour: datetime) -> str:
    return f"{hour:%Y-%m-%d}-{hour.hour}.json.gz"


@pytest.fixture
def take_in(bring) -> Callable[..., Outcome]:
    """Import hour files by path or address, with settings changed by keyword."""
    return partial(bring, "gharchive")


@pytest.fixture
def hour_file(tmp_path: Path) -> Callable[..., Path]:
    """Write events (or lines of bytes) as an hour file."""

    def write(*events: Any, name: str = "2019-05-04-3.json.gz") -> Path:
        lines = [event if isinstance(event, bytes) else json.dumps(event).encode() for event in events]
        path = tmp_path / name
        path.write_bytes(gzip.compress(b"".join(line + b"\n" for line in lines)))
        return path

    return write


def star(name: str = "keras-team/keras", kind: str = "WatchEvent", action: str = "started") -> dict[str, Any]:
    return {"type": kind, "actor": {"login": "someone"}, "repo": {"id": 1, "name": name}, "payload": {"action": action}}


def old_star(owner: str, name: str) -> dict[str, Any]:
    repository = {"owner": owner, "name": name, "watchers": 5}
    return {"type": "WatchEvent", "actor": "someone", "repository": repository, "payload": {"action": "started"}}


def counted(rows: Any) -> dict[tuple[str, date, int], int]:
    return {(row["repo_name"], row["day"], row["hour"]): row["stars"] for row in rows("star_events")}


@pytest.mark.parametrize("hour", [OLD_HOUR, NEW_HOUR])
def test_an_hour_of_either_shape_is_counted_under_the_names_of_its_day(world, settings, take_in, rows, hour):
    outcome = take_in(f"{world.gharchive_base}/{name_of(hour)}")
    truth = world.gharchive.truth(hour)
    assert sum(truth.values()) >= 3
    assert outcome.failed == []
    assert counted(rows) == {(name, hour.date(), hour.hour): stars for name, stars in truth.items()}
    (window,) = rows("event_windows")
    assert (window["provider"], window["window_start"], window["window_end"], window["hour"]) == (
        "gharchive", hour.date(), hour.date(), hour.hour,
    )  # fmt: skip
    assert {"keras-team/keras", "fchollet/keras", "chainer/chainer"} <= set(window["repo_names"])


def test_broken_lines_are_counted_and_told(world, take_in):
    body = gzip.decompress(world.gharchive.reply(request(NEW_HOUR)).body)
    broken = sum(not is_json(line) for line in body.splitlines())
    assert broken > 0
    outcome = take_in(f"{world.gharchive_base}/{name_of(NEW_HOUR)}")
    assert outcome.noticed == [f"2017-09-01-17.json.gz: passed over {broken} broken of {len(body.splitlines())} lines"]


def request(hour: datetime) -> Any:
    return Request(f"/{name_of(hour)}", {}, {})


def is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def test_only_stars_of_the_registrys_names_in_their_exact_case_count(take_in, hour_file, rows):
    file = hour_file(
        star(), star(), star("fchollet/keras"), star("Keras-Team/keras"), star("someone/keras"), star("keras"),
        star(kind="ForkEvent"), star(action="stopped"), star(kind="PushEvent") | {"payload": {"text": "WatchEvent"}},
        old_star("keras-team", "keras"), old_star("someone", "keras"),
    )  # fmt: skip
    outcome = take_in(file)
    assert (outcome.failed, outcome.noticed, outcome.rows, outcome.new) == ([], [], 3, 3)
    day = date(2019, 5, 4)
    assert counted(rows) == {("keras-team/keras", day, 3): 3, ("fchollet/keras", day, 3): 1}


def test_escapes_and_other_scripts_do_not_hide_a_star(take_in, hour_file, rows):
    escaped = json.dumps(star()).replace("/", "\\/").replace("someone", "gr\\u00fc\\ud83d\\ude80").encode()
    plain = json.dumps(star() | {"actor": {"login": "Grün 深度 \N{ROCKET} \u2028"}}, ensure_ascii=False).encode()
    assert take_in(hour_file(escaped, plain)).noticed == []
    assert list(counted(rows).values()) == [2]


def test_lines_that_are_no_event_are_passed_over(take_in, hour_file, rows):
    watch = json.dumps(star()).encode()
    file = hour_file(
        star(), b"", b"{", watch[:-1], watch[1:], watch[:40] + b"\xff\xfe" + watch[40:], b'{"WatchEvent"}',
        b"[" * 5_000 + b"WatchEvent", b'{"WatchEvent":' * 5_000 + b"}",
        {"type": "WatchEvent"}, {"type": "WatchEvent", "payload": {"action": "started"}, "repo": "WatchEvent"},
    )  # fmt: skip
    assert take_in(file).noticed == ["2019-05-04-3.json.gz: passed over 7 broken of 10 lines"]
    assert list(counted(rows).values()) == [1]


def test_an_hour_without_stars_is_a_window_without_events(take_in, hour_file, rows):
    assert take_in(hour_file(star(kind="ForkEvent"))).failed == []
    assert (len(rows("event_windows")), rows("star_events")) == (1, [])


def test_no_persons_name_is_archived(world, take_in, settings):
    take_in(f"{world.gharchive_base}/{name_of(NEW_HOUR)}")
    assert "generated-" not in repr(list(Archive(settings.raw).responses()))


def test_what_is_archived_says_what_it_was_read_from(take_in, hour_file, settings):
    file = hour_file(star())
    take_in(file)
    (answer,) = [one for one in Archive(settings.raw).responses("events") if one.subject == "hour:2019-05-04-3"]
    params = dict(answer.params)
    assert params.pop("rules").startswith("1.")
    assert params.pop("sha256") == hashlib.sha256(file.read_bytes()).hexdigest()
    assert params == {"file": file.name, "bytes": file.stat().st_size, "kind": "gharchive", "last": True}
    assert (answer.status, json.loads(answer.body)["stars"]) == (None, {"keras-team/keras": 1})


@pytest.mark.parametrize(
    "name",
    ["events.json.gz", "2019-05-04-24.json.gz", "2019-05-04-03.json.gz", "2019-02-30-3.json.gz", "2019-05-04-3.csv"],
)
def test_a_file_whose_name_tells_no_hour_is_refused(take_in, hour_file, rows, name):
    line = f"{name}: expected GH Archive's name of an hour file, like 2015-01-31-7.json.gz"
    assert take_in(hour_file(star(), name=name)).failed == [line]
    assert rows("event_windows") == []


@pytest.mark.parametrize("damage", [lambda body: body[: len(body) // 2], lambda body: body[:-9] + b"x" * 9])
def test_nothing_of_a_damaged_file_is_kept_and_the_next_is_read(take_in, hour_file, rows, damage):
    file = hour_file(*(star() for _ in range(200)))
    file.write_bytes(damage(file.read_bytes()))
    outcome = take_in(file, hour_file(star(), name="2019-05-04-4.json.gz"))
    assert len(outcome.failed) == 1
    assert outcome.failed[0].startswith("2019-05-04-3.json.gz: is damaged or cut short: ")
    assert counted(rows) == {("keras-team/keras", date(2019, 5, 4), 4): 1}


# Ids of their own, and no time in the gzip head: every worker of pytest-xdist must name these tests alike.
@pytest.mark.parametrize(
    "content",
    [b"", gzip.compress(b"", mtime=0), b"<!DOCTYPE html>\n<title>Sign in</title>\n"],
    ids=["empty", "empty when unpacked", "a page"],
)
def test_a_file_without_an_event_is_no_hour_without_stars(take_in, tmp_path, rows, content):
    path = tmp_path / "2019-05-04-3.json.gz"
    path.write_bytes(content)
    assert take_in(path).failed == ["2019-05-04-3.json.gz: expected an event in JSON on each line, found none"]
    assert rows("event_windows") == []


def test_a_file_that_unpacks_to_a_bomb_is_refused(take_in, tmp_path, rows):
    path = tmp_path / "2019-05-04-3.json.gz"
    path.write_bytes(gzip.compress(b"{" + b" " * 50_000_000))
    assert take_in(path).failed == ["2019-05-04-3.json.gz: unpacks to more than 200 times its size: refused"]
    assert rows("event_windows") == []


def test_an_unpacked_hour_file_is_read_as_well(take_in, tmp_path, rows):
    path = tmp_path / "2019-05-04-3.json"
    path.write_text(json.dumps(star()))
    assert take_in(path).failed == []
    assert list(counted(rows).values()) == [1]


def test_a_file_is_read_once_and_again_when_the_registry_names_more(take_in, hour_file, rows, settings):
    file = hour_file(star(), star("zaghaghi/early"))
    assert take_in(file, file).noticed == ["2019-05-04-3.json.gz: was imported before"]
    assert take_in(file).new == 0
    more = TOOLOG.replace('"zaghaghi/toolog"', '"zaghaghi/toolog", formerly = ["zaghaghi/early"]')
    (settings.home / "frameworks.toml").write_text(more, "utf-8")
    assert take_in(file).noticed == []
    assert Counter(row["repo_name"] for row in rows("star_events")) == {"keras-team/keras": 2, "zaghaghi/early": 1}


def test_a_file_is_read_again_when_github_tells_another_name(world, gather, take_in, hour_file, rows):
    file = hour_file(star("chainer/chainer"), star("New-Home/Chain"), star("new-home/chain"))
    take_in(file)
    world.github.rename("chainer/chainer", "New-Home/Chain")
    gather("stars", since=NOW.date())
    assert take_in(file).noticed == []
    day = date(2019, 5, 4)
    assert counted(rows) == {("chainer/chainer", day, 3): 1, ("New-Home/Chain", day, 3): 1}


def test_an_hour_after_the_archives_collapse_is_still_read(world, take_in, rows):
    hour = datetime(2026, 3, 2, 23)
    assert take_in(f"{world.gharchive_base}/{name_of(hour)}").failed == []
    truth = world.gharchive.truth(hour)
    assert truth
    assert {name: stars for (name, _, _), stars in counted(rows).items()} == truth


def test_an_address_without_a_file_is_named_and_gives_no_facts(world, take_in, rows):
    outcome = take_in(f"{world.gharchive_base}/2030-01-01-0.json.gz")
    assert len(outcome.failed) == 1
    assert outcome.failed[0].startswith(f"{world.gharchive_base}/2030-01-01-0.json.gz: the server answered with")
    assert rows("event_windows") == rows("star_events") == []


def test_imported_hours_do_not_keep_clickhouse_from_being_asked(gather, take_in, hour_file):
    take_in(hour_file(star("chainer/chainer")))
    assert gather("events", since=date(2019, 5, 1), until=date(2019, 5, 31)).requests == 1


def test_the_command_imports_a_file_and_names_a_wrong_one(dlpulse, hour_file, tmp_path):
    good, wrong = hour_file(star()), hour_file(star(), star(), name="other.json.gz")
    shown = dlpulse("import", "gharchive", str(good), str(wrong))
    assert shown.returncode == 1
    assert "events: other.json.gz: expected GH Archive's name of an hour file" in shown.stderr
    assert "Traceback" not in shown.stderr
    assert dlpulse("import", "gharchive", str(good)).returncode == 0


def test_memory_stays_bounded_whatever_the_file_holds(take_in, tmp_path):
    path = tmp_path / "2019-05-04-3.json.gz"
    with gzip.open(path, "wb", 1) as file:
        for number in range(20_000):
            file.write(json.dumps(star() | {"id": number, "text": f"{number * 7919:x}" * 600}).encode() + b"\n")
    tracemalloc.start()
    try:
        assert take_in(path).failed == []
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The lines have some 80 MB; modules that are imported meanwhile take up to 30.
    assert peak < 50_000_000
