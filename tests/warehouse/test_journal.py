"""The journal: a JSON line for each event, of which run, with no secret, and never in anybody's way."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.conftest import NOWHERE, Dlpulse, environment
from warehouse import journal
from warehouse.settings import Settings

NOON = datetime(2026, 12, 1, 12)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        home=tmp_path,
        raw=tmp_path / "raw",
        github_token="hidden-token",
        stackexchange_key='hid"den',
        clickhouse_url="https://me:p%40ss@example.org/",
        clock=lambda: NOON,
    )


def lines(home: Path, name: str = journal.FILE) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (home / "logs" / name).read_text("utf-8").splitlines()]


def test_an_event_is_one_line_that_says_when_and_of_which_run(settings: Settings) -> None:
    journal.keep(settings, "collect")
    journal.note("collected", source="stars", failed=["two\nlines"], at_last=NOON)
    journal.note("collected", source="papers")
    first, second = lines(settings.home)
    assert first.pop("run") == second["run"] and len(second["run"]) == 8
    assert first == {
        "at": "2026-12-01T12:00:00Z", "command": "collect", "event": "collected", "source": "stars",
        "failed": ["two\nlines"], "at_last": "2026-12-01 12:00:00",
    }  # fmt: skip
    journal.keep(settings, "build")
    journal.note("published")
    assert lines(settings.home)[-1]["run"] != second["run"] and len(lines(settings.home)) == 3


@pytest.mark.parametrize("secret", ["hidden-token", 'hid"den', "p%40ss", "p@ss", "https://watch/er-id", "er-id"])
def test_a_secret_is_hidden_whoever_says_it(settings: Settings, secret: str) -> None:
    journal.keep(settings, "collect", ["https://watch/er-id", "er-id"])
    journal.note("failed", why=f"refused: {secret}!", deep={"er": [secret, f"x{quote(secret, safe='')}x"]})
    text = (settings.home / "logs" / journal.FILE).read_text("utf-8")
    assert json.dumps(secret)[1:-1] not in text and text.count(journal.HIDDEN) == 3


def test_a_large_journal_is_kept_once_and_a_new_one_begun(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "LARGEST_BYTES", 2_000)
    journal.keep(settings, "collect")
    for number in range(60):
        journal.note("event", number=number)
    kept, now = lines(settings.home, f"{journal.FILE}.1"), lines(settings.home)
    assert [one["number"] for one in kept + now] == list(range(60))[-len(kept + now) :]
    assert len(kept) > 15 and {path.name for path in (settings.home / "logs").iterdir()} <= {
        journal.FILE, f"{journal.FILE}.1", "dlpulse.lock"
    }  # fmt: skip


WRITER = """
import sys
from pathlib import Path
from warehouse import journal
from warehouse.settings import Settings
journal.LARGEST_BYTES = 20_000
home = Path(sys.argv[1])
journal.keep(Settings(home=home, raw=home), sys.argv[2])
for number in range(100):
    journal.note("event", number=number, padding="x" * 50)
"""


def test_several_processes_write_whole_lines(tmp_path: Path) -> None:
    def write(name: str) -> None:
        subprocess.run([sys.executable, "-c", WRITER, str(tmp_path), name], check=True)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, "abcd"))
    told = lines(tmp_path) + lines(tmp_path, f"{journal.FILE}.1")
    assert len({one["run"] for one in told}) > 1 and all(one["event"] == "event" for one in told)
    assert len({(one["run"], one["number"]) for one in told}) == len(told)


def test_where_no_file_can_be_written_nothing_fails(settings: Settings) -> None:
    (settings.home / "logs").write_text("a file where the folder should be")
    journal.keep(settings, "collect")
    journal.note("collected")


def test_the_commands_leave_their_events(dlpulse: Dlpulse, tmp_path: Path) -> None:
    assert dlpulse("sql", "select 1", DLPULSE_HOME=str(tmp_path / "none")).returncode == 1
    assert not (tmp_path / "none").exists(), "a question leaves no trace"
    dlpulse("collect", "stars", "--framework", "keras", GITHUB_TOKEN="hidden-token")
    assert dlpulse("raw", "compact").returncode == 0
    events = lines(tmp_path / "home")
    assert [(one["command"], one["event"]) for one in events] == [("collect", "failed"), ("raw", "compacted")]
    assert events[0]["source"] == "stars" and NOWHERE.removeprefix("http://") in events[0]["failed"][0]
    assert len({one["run"] for one in events}) == 2


def test_a_build_that_fails_says_why(tmp_path: Path) -> None:
    (tmp_path / "dlpulse.duckdb").mkdir()
    command = [sys.executable, "-m", "dlpulse", "build"]
    assert subprocess.run(command, env=environment(tmp_path), capture_output=True, check=False).returncode == 1
    (event,) = lines(tmp_path)
    assert event["event"] == "build failed" and event["why"].endswith("is a folder; move it away")
