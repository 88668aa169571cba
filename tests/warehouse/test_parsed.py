"""The parsed store against the archive read by hand: whatever the order in which answers come in, merge and go."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.warehouse.readings import by_hand, stored
from warehouse import parsed, rawparts, starweeks
from warehouse.compaction import compact
from warehouse.errors import DlpulseError
from warehouse.parse import Rejected, rows_of
from warehouse.raw import Archive, Response, Run

START = datetime(2026, 9, 11, 6, 17)
REPOS = ("keras-team/keras", "apache/mxnet")
FIRST_WEEK = date(2026, 8, 23)
HISTORY = {"kind": "history", "page": 1}


class Clock:
    """A clock that goes on by a second each time it is read."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at


def page(weeks: dict[date, list[int]]) -> bytes:
    entries = [
        {"week": (week - date(1970, 1, 1)).days * 86_400, "total": sum(days), "days": days}
        for week, days in weeks.items()
    ]
    return json.dumps(entries, separators=(",", ":")).encode()


class World:
    """Runs of the two sources on two machines, whose readings come and go between few values."""

    def __init__(self, raw: Path, seed: int) -> None:
        self.archive, self.random = Archive(raw), random.Random(seed)
        self.pages: dict[str, str] = {}

    def write(self, runs: int) -> None:
        """Write so many runs, some at the same time as another, some without an end."""
        at = START
        for _ in range(runs):
            at += timedelta(seconds=self.random.choice([0, 2, 3_600, 86_400, 200_000]))
            source = self.random.choice(["stars", "stars", "downloads"])
            run = self.archive.start(source, Clock(at))
            with run if self.random.random() < 0.8 else Killed(run):
                for repo in REPOS:
                    self._stars(run, repo) if source == "stars" else self._downloads(run)

    def _stars(self, run: Run, repo: str) -> None:
        if repo in self.pages and self.random.random() < 0.4:
            run.write(repo, b"", params=HISTORY, status=304, revalidates=self.pages[repo])
            return
        weeks = {
            FIRST_WEEK + timedelta(7 * week): [self.random.randrange(2) if week == 3 else 1, 0, 0, 0, 0, 0, 2]
            for week in self.random.sample(range(5), self.random.randrange(1, 5))
        }
        body = page(weeks) if self.random.random() < 0.9 else b"<html>"
        self.pages[repo] = run.write(repo, body, params=HISTORY, status=200).response_id

    def _downloads(self, run: Run) -> None:
        name = self.random.choice(["torch-geometric", "Torch_Geometric"])
        days = [
            {"category": "without_mirrors", "date": f"2026-09-0{day}", "downloads": self.random.randrange(2)}
            for day in (1, 2)
        ]
        body = json.dumps({"data": days, "package": name}).encode()
        run.write(name, body, params={"kind": "pypistats", "package": name, "mirrors": False}, status=200)


class Killed:
    """Begins a run and never ends it."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def __enter__(self) -> Run:
        return self.run.__enter__()

    def __exit__(self, *_: object) -> None:
        return None


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsed, "MOST_RUNS", 4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield tmp_path_factory.mktemp("parsed")


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 4), data=st.data())
def test_answers_in_any_order_of_arrival_give_the_facts_of_the_archive(folder, seed, steps, data):
    shutil.rmtree(folder)
    World(folder / "there", seed).write(runs=data.draw(st.integers(1, 14)))
    parts = Archive(folder / "there").parts()
    arrivals = data.draw(st.permutations(parts))
    here = Archive(folder / "here")
    for step in range(steps):
        for part in arrivals[step::steps]:
            copied = here.root / part.relative_to(folder / "there")
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(part, copied)
        known = parsed.refresh(here, folder / "home")
        assert stored(known.folder) == by_hand(here)
    lost = here.root / data.draw(st.sampled_from(parts)).relative_to(folder / "there")
    lost.unlink()
    assert stored(parsed.refresh(here, folder / "home").folder) == by_hand(here)


def test_runs_already_parsed_are_not_parsed_again(tmp_path):
    World(tmp_path / "raw", 1).write(20)
    archive = Archive(tmp_path / "raw")
    first = parsed.refresh(archive, tmp_path / "home")
    assert first.new_parts == first.parts == len(archive.parts())
    assert parsed.refresh(archive, tmp_path / "home").new_parts == 0


def test_one_more_run_leaves_the_closed_batches_alone(tmp_path):
    archive = Archive(tmp_path / "raw")
    for day in range(9):
        with archive.start("stars", Clock(START + timedelta(day))) as run:
            run.write(REPOS[0], page({FIRST_WEEK: [day, 0, 0, 0, 0, 0, 0]}), params=HISTORY, status=200)
    folder = parsed.refresh(archive, tmp_path / "home").folder / "star_weeks"
    before = {path.name: path.stat().st_ino for path in folder.iterdir()}
    assert len(before) == 1 + 3
    with archive.start("stars", Clock(START + timedelta(10))) as run:
        run.write(REPOS[0], page({FIRST_WEEK: [10, 0, 0, 0, 0, 0, 0]}), params=HISTORY, status=200)
    parsed.refresh(archive, tmp_path / "home")
    after = {path.name: path.stat().st_ino for path in folder.iterdir()}
    assert len(after) == 1 + 3
    assert len(before.items() & after.items()) == 1 + 2


def test_a_week_told_every_day_is_stored_once(tmp_path):
    archive = Archive(tmp_path / "raw")
    for day in range(3):
        with archive.start("stars", Clock(START + timedelta(day))) as run:
            run.write(REPOS[0], page({FIRST_WEEK: [3, 1, 0, 0, 1, 0, 0]}), params=HISTORY, status=200)
    folder = parsed.refresh(archive, tmp_path / "home").folder
    assert duckdb.sql(f"select count(*) from read_parquet('{folder}/star_weeks/*.parquet')").fetchall() == [(1,)]


def test_a_page_that_comes_after_the_304_that_confirms_it_is_told_by_it(tmp_path):
    there, here = Archive(tmp_path / "there"), Archive(tmp_path / "here")
    with there.start("stars", Clock(START)) as run:
        asked = run.write(REPOS[0], page({FIRST_WEEK: [1] * 7}), params=HISTORY, status=200)
    with here.start("stars", Clock(START + timedelta(1))) as run:
        run.write(REPOS[0], b"", params=HISTORY, status=304, revalidates=asked.response_id)
    assert stored(parsed.refresh(here, tmp_path / "home").folder).star_days == []
    shutil.copy(there.parts()[0], here.root / "source=stars")
    assert stored(parsed.refresh(here, tmp_path / "home").folder) == by_hand(here)
    assert len(by_hand(here).pages) == 2


def test_a_run_that_merges_after_it_was_parsed_changes_its_part_and_no_fact(tmp_path):
    archive = Archive(tmp_path / "raw")
    run = archive.start("stars", Clock(START))
    with run:
        answer = run.write(REPOS[0], page({FIRST_WEEK: [1] * 7}), params=HISTORY, status=200)
        known = parsed.refresh(archive, tmp_path / "home")
        before = stored(known.folder)
        assert parts_of(known.folder)[answer.response_id] == f"source=stars/{answer.response_id}.parquet"
    known = parsed.refresh(archive, tmp_path / "home")
    assert stored(known.folder).star_days == before.star_days
    assert parts_of(known.folder) == {run.run_id: f"source=stars/{run.run_id}.parquet"}


def parts_of(folder: Path) -> dict[str, str]:
    return dict(duckdb.sql(f"select stem, part from read_parquet('{folder}/parts/*.parquet')").fetchall())


def test_a_compaction_changes_the_parts_and_parses_nothing(tmp_path):
    archive = Archive(tmp_path / "raw")
    for month in range(9):
        with archive.start("stars", Clock(START + timedelta(31 * month))) as run:
            run.write(REPOS[0], page({FIRST_WEEK: [month, 0, 0, 0, 0, 0, 0]}), params=HISTORY, status=200)
    known = parsed.refresh(archive, tmp_path / "home")
    before = stored(known.folder)
    batches = {path: path.stat().st_ino for path in (known.folder / "responses").iterdir()}
    compact(archive, "stars", START + timedelta(3_000), lambda _: None)
    known = parsed.refresh(archive, tmp_path / "home")
    assert (known.parts, known.new_parts) == (len(archive.parts()), 0)
    assert known.parts < 9
    assert {path: path.stat().st_ino for path in (known.folder / "responses").iterdir()} == batches
    assert stored(known.folder) == before == by_hand(archive)
    assert set(parts_of(known.folder).values()) == {f"source=stars/{part.name}" for part in archive.parts()}


def test_damaged_files_of_the_store_are_made_anew(tmp_path):
    World(tmp_path / "raw", 2).write(20)
    archive = Archive(tmp_path / "raw")
    folder = parsed.refresh(archive, tmp_path / "home").folder
    for table in ("responses", "star_weeks", "package_downloads"):
        victim = sorted((folder / table).glob("[!_]*.parquet"))[0]
        victim.write_bytes(b"") if table == "responses" else victim.unlink()
    assert stored(parsed.refresh(archive, tmp_path / "home").folder) == by_hand(archive)


def star_runs(archive: Archive, days: list[int]) -> list[str]:
    """One run on each day after the start: a page that tells the day's number; returns the answers' ids."""
    told = []
    for day in days:
        with archive.start("stars", Clock(START + timedelta(day))) as run:
            answer = run.write(REPOS[0], page({FIRST_WEEK: [day, 0, 0, 0, 0, 0, 1]}), params=HISTORY, status=200)
        told.append(answer.response_id)
    return told


def cut(part: Path) -> bytes:
    """Cut the part's end off; returns what it was."""
    whole = part.read_bytes()
    part.write_bytes(whole[: len(whole) // 2])
    return whole


DAMAGES = {
    "cut": lambda whole: whole[: len(whole) // 2],
    "empty": lambda _: b"",
    "noise": lambda whole: b"x" * len(whole),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("when", ["never compacted", "compacted and seen", "compacted since"])
def test_a_part_damaged_after_it_was_parsed_is_told_and_loses_nothing(tmp_path, when: str, damage) -> None:
    archive, home = Archive(tmp_path / "raw"), tmp_path / "home"
    star_runs(archive, list(range(0, 300, 31)))
    parsed.refresh(archive, home)
    if when != "never compacted":
        compact(archive, "stars", START + timedelta(3_000), lambda _: None)
    known = parsed.refresh(archive, home) if when == "compacted and seen" else None
    before, part = by_hand(archive), archive.parts()[0]
    whole = part.read_bytes()
    part.write_bytes(damage(whole))
    rawparts._footer.cache_clear()  # another process builds
    for _ in range(2):
        known = parsed.refresh(archive, home)
        assert (known.damaged, known.new_parts) == ([part], 0)
        assert stored(known.folder) == before
        assert f"source=stars/{part.name}" in parts_of(known.folder).values()
    part.write_bytes(whole)
    known = parsed.refresh(archive, home)
    assert (known.damaged, known.new_parts) == ([], 0)
    assert stored(known.folder) == before


def test_a_damaged_part_that_was_not_parsed_is_an_error_and_what_was_parsed_stays(tmp_path) -> None:
    archive, home = Archive(tmp_path / "raw"), tmp_path / "home"
    star_runs(archive, [0, 31])
    folder = parsed.refresh(archive, home).folder
    star_runs(archive, [40])
    cut(archive.parts()[0])
    cut(archive.parts()[2])
    with pytest.raises(DlpulseError, match=rf"^raw part {archive.parts()[2]} cannot be read \("):
        parsed.refresh(archive, home)
    assert len(stored(folder).pages) == 2
    archive.parts()[2].unlink()
    assert parsed.refresh(archive, home).damaged == [archive.parts()[0]]


def test_a_compacted_part_of_which_nothing_is_known_is_an_error_and_what_was_parsed_stays(tmp_path) -> None:
    archive, home = Archive(tmp_path / "raw"), tmp_path / "home"
    star_runs(archive, [0])
    folder = parsed.refresh(archive, home).folder
    star_runs(archive, [1, 2])
    compact(archive, "stars", START + timedelta(3_000), lambda _: None)
    (part,) = archive.parts()
    whole = cut(part)
    rawparts._footer.cache_clear()
    with pytest.raises(DlpulseError, match=rf"^raw part {part} cannot be read \("):
        parsed.refresh(archive, home)
    assert len(stored(folder).pages) == 1
    part.write_bytes(whole)
    assert stored(parsed.refresh(archive, home).folder) == by_hand(archive)


@pytest.mark.parametrize("where", ["end", "body"])
def test_a_304_to_a_page_in_a_damaged_part_adds_nothing_until_the_part_is_there_again(tmp_path, where: str) -> None:
    archive, home = Archive(tmp_path / "raw"), tmp_path / "home"
    (asked,) = star_runs(archive, [0])
    before = stored(parsed.refresh(archive, home).folder)
    (part,) = archive.parts()
    whole = part.read_bytes()
    at = len(whole) - 1 if where == "end" else whole.index(b"\x28\xb5\x2f\xfd", len(whole) // 4)
    part.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    with archive.start("stars", Clock(START + timedelta(1))) as run:
        run.write(REPOS[0], b"", params=HISTORY, status=304, revalidates=asked)
    for _ in range(2):
        known = parsed.refresh(archive, home)
        assert known.damaged == [part]
        assert stored(known.folder).pages == before.pages
        assert stored(known.folder).star_days == before.star_days
        assert len(stored(known.folder).responses) == len(before.responses) + 3
    part.write_bytes(whole)
    known = parsed.refresh(archive, home)
    assert known.damaged == []
    assert stored(known.folder) == by_hand(archive)
    assert len(by_hand(archive).pages) == 2


def test_what_was_parsed_of_a_damaged_part_outlives_the_rest_of_its_batch(tmp_path) -> None:
    archive, home = Archive(tmp_path / "raw"), tmp_path / "home"
    star_runs(archive, [0, 1, 2])
    folder = parsed.refresh(archive, home).folder
    before = by_hand(archive)
    gone, damaged, _ = archive.parts()
    whole = cut(damaged)
    gone.unlink()
    for _ in range(2):
        known = parsed.refresh(archive, home)
        assert (known.folder, known.damaged) == (folder, [damaged])
        assert [row for row in before.pages if gone.stem not in row[0]] == stored(folder).pages
    damaged.write_bytes(whole)
    assert stored(parsed.refresh(archive, home).folder) == by_hand(archive)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), data=st.data())
def test_whatever_is_damaged_and_comes_and_goes_nothing_parsed_is_lost_and_all_is_mended(folder, seed, data) -> None:
    shutil.rmtree(folder)
    World(folder / "there", seed).write(runs=data.draw(st.integers(2, 14)))
    parts = [part.relative_to(folder / "there") for part in Archive(folder / "there").parts()]
    arrivals = data.draw(st.permutations(parts))
    here, home = Archive(folder / "here"), folder / "home"
    half = len(arrivals) // 2
    copy_in(arrivals[:half], folder)
    parsed.refresh(here, home)
    damaged = set(data.draw(st.lists(st.sampled_from(arrivals[:half] or parts[:1]), max_size=4))) & set(arrivals[:half])
    for part in damaged:
        cut(here.root / part)
    copy_in(arrivals[half:], folder)
    if sound := sorted(set(arrivals) - damaged):
        (here.root / data.draw(st.sampled_from(sound))).unlink()
    for _ in range(2):
        known = parsed.refresh(here, home)
        assert known.damaged == sorted(here.root / part for part in damaged)
        ids = [row[0] for row in stored(known.folder).responses]
        assert len(set(ids)) == len(ids)
        # More single answers of a run wait until those that were damaged are there again.
        waiting = {rawparts.run_of(part.stem) for part in damaged}
        stems = {part.stem for part in here.parts() if rawparts.run_of(part.stem) not in waiting}
        stems |= {part.stem for part in damaged}
        assert stems <= {*ids, *map(rawparts.run_of, ids)}
    copy_in(damaged, folder)
    assert stored(parsed.refresh(here, home).folder) == by_hand(here)


def copy_in(parts, folder: Path) -> None:
    for part in parts:
        (folder / "here" / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / "there" / part, folder / "here" / part)


def test_what_a_killed_merge_left_beside_the_merged_batch_is_not_read_twice(tmp_path):
    archive = Archive(tmp_path / "raw")
    for day in range(2):
        with archive.start("stars", Clock(START + timedelta(day))) as run:
            run.write(REPOS[0], page({FIRST_WEEK: [day, 0, 0, 0, 0, 0, 0]}), params=HISTORY, status=200)
        known = parsed.refresh(archive, tmp_path / "home")
        if day == 0:
            shutil.copytree(known.folder, tmp_path / "before")
    shutil.copytree(tmp_path / "before", known.folder, dirs_exist_ok=True)
    assert len(list((known.folder / "responses").glob("[!_]*"))) == 2
    assert stored(parsed.refresh(archive, tmp_path / "home").folder) == by_hand(archive)


def test_a_parsing_killed_at_any_moment_leaves_a_store_that_the_next_one_completes(tmp_path):
    World(tmp_path / "raw", 3).write(60)
    archive = Archive(tmp_path / "raw")
    expected = by_hand(archive)
    code = (
        "import sys; from pathlib import Path; from warehouse import parsed; from warehouse.raw import Archive;"
        "parsed.MOST_RUNS = 4; print('begun', flush=True);"
        "parsed.refresh(Archive(Path(sys.argv[1])), Path(sys.argv[2]))"
    )
    for delay in (0.02, 0.08, 0.2, 0.4, 0.8):
        home = tmp_path / f"home-{delay}"
        child = subprocess.Popen([sys.executable, "-c", code, tmp_path / "raw", home], stdout=subprocess.PIPE)
        assert child.stdout and child.stdout.readline() == b"begun\n"
        time.sleep(delay)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        assert stored(parsed.refresh(archive, home).folder) == expected


def test_many_parts_are_parsed_by_processes_to_the_same_store(tmp_path, monkeypatch):
    World(tmp_path / "raw", 4).write(40)
    archive = Archive(tmp_path / "raw")
    monkeypatch.setattr(parsed, "PARTS_FOR_PROCESSES", 2)
    told: list[tuple[int, int]] = []
    known = parsed.refresh(archive, tmp_path / "home", lambda *progress: told.append(progress))
    assert stored(known.folder) == by_hand(archive)
    assert (known.parts, known.parts) in told


COUNTS = st.lists(st.integers(0, 3), min_size=7, max_size=7)
ENTRIES = st.lists(
    st.one_of(
        st.builds(
            lambda week, days, slip: {
                "week": ((FIRST_WEEK - date(1970, 1, 1)).days + 7 * week) * 86_400,
                "total": sum(days) + slip,
                "days": days,
            },
            st.integers(0, 4), COUNTS, st.sampled_from([0] * 20 + [1]),
        ),
        st.sampled_from([{"week": True}, {"week": "},{"}, 7, [], {"week": 0, "total": 0, "days": [{}] * 7}]),
    ),
    max_size=8,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(entries=ENTRIES, compact=st.booleans(), cut=st.integers(0, 3), joint=st.sampled_from([",", "],["]))
def test_a_page_read_week_by_week_is_the_page_that_the_parser_reads(entries, compact, cut, joint):
    text = json.dumps(entries, separators=(joint, ":") if compact else None)
    response = replace(starweeks._PAGE, body=text[: len(text) - cut].encode())
    assert weeks_or_reason(starweeks.read, response) == weeks_or_reason(starweeks._whole, response)


def weeks_or_reason(read, response: Response):
    try:
        return [(week.week, week.days) for week in read(response)]
    except Rejected as reason:
        return str(reason)


def test_a_rejected_page_is_kept_with_its_reason(tmp_path):
    archive = Archive(tmp_path / "raw")
    with archive.start("stars", Clock(START)) as run:
        answer = run.write(REPOS[0], b"<html>", params=HISTORY, status=200)
    with pytest.raises(Rejected) as reason:
        rows_of(answer)
    known = stored(parsed.refresh(archive, tmp_path / "home").folder)
    assert (answer.response_id, str(reason.value)) in known.responses
