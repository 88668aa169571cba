"""Compaction: the same answers in the same order out of fewer parts, whatever happens meanwhile."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.conftest import Dlpulse
from warehouse import rawparts
from warehouse.compaction import PART_BYTES, alone, compact, plan
from warehouse.errors import DlpulseError
from warehouse.raw import RUN_END, SCHEMA, Archive, Response, Run, members
from warehouse.verification import verify

NOW = datetime(2026, 11, 23, 12)
LATER = datetime(2027, 2, 1)
# A process that compacts when told to, so that its start is none of the moments at which it is killed.
COMPACT = """
import sys, pathlib, datetime
from warehouse.compaction import alone, compact
from warehouse.raw import Archive
archive = Archive(pathlib.Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for now in sys.argv[2:]:
    with alone(archive):
        compact(archive, "stars", datetime.datetime.fromisoformat(now), lambda part: None)
print("done", flush=True)
"""
WRITE = """
import sys, pathlib, datetime, itertools
from warehouse.raw import Archive
archive, begun = Archive(pathlib.Path(sys.argv[1])), datetime.datetime.fromisoformat(sys.argv[2])
for number in itertools.count():
    at = begun + datetime.timedelta(hours=number)
    with archive.start("stars", lambda: at) as run:
        written = [run.write("a/b", b"%d" % page, status=200).response_id for page in range(3)]
    print(*written, flush=True)
"""


def gathered(archive: Archive, at: datetime, bodies: Sequence[bytes] = (b"{}",), source: str = "stars") -> Run:
    """Archive one run that began at `at` and ended well."""
    with archive.start(source, lambda: at) as run:
        for body in bodies:
            run.write("a/b", body, params={"b": 1, "a": 2}, status=200, etag='"e"')
    return run


def killed(archive: Archive, at: datetime, bodies: Sequence[bytes] = (b"1", b"2")) -> Run:
    """Archive one run that was killed: it has no end, and its parts are not merged."""
    run = archive.start("stars", lambda: at).__enter__()
    for body in bodies:
        run.write("a/b", body, status=200)
    return run


def squeeze(archive: Archive, now: datetime = NOW) -> list[str]:
    """Compact the stars; return what was found damaged."""
    with alone(archive):
        return compact(archive, "stars", now, lambda part: None).faults


def rows(archive: Archive) -> list[dict[str, object]]:
    """All rows of the stars as they are stored, in the order of reading."""
    return [row for batch in archive.in_run_order(archive.parts("stars")) for row in batch.to_pylist()]


def runs_by_part(archive: Archive) -> list[int]:
    return [len(members(part)) for part in archive.parts("stars")]


def days(first: datetime, count: int) -> list[datetime]:
    return [first + timedelta(days=day) for day in range(count)]


def test_a_closed_month_becomes_one_part_a_closed_year_one_and_this_month_stays_apart(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    for at in [*days(datetime(2025, 11, 20), 60), *days(datetime(2026, 10, 1), 54)]:
        gathered(archive, at)
    before = rows(archive)
    assert squeeze(archive) == []
    # 42 runs of 2025; 18 of January 2026; 31 of October; 23 of this November, one by one.
    assert runs_by_part(archive) == [42, 18, 31, *[1] * 23]
    assert rows(archive) == before
    assert squeeze(archive, LATER) == []
    assert runs_by_part(archive) == [42, 18 + 54]
    assert rows(archive) == before
    assert sorted(archive.files()) == sorted(archive.parts())


def test_a_second_compaction_has_nothing_to_do(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    for at in days(datetime(2026, 9, 1), 40):
        gathered(archive, at)
    squeeze(archive)
    before = {part: part.stat().st_mtime_ns for part in archive.files()}
    assert plan(archive, "stars", NOW) == []
    squeeze(archive)
    assert {part: part.stat().st_mtime_ns for part in archive.files()} == before


def test_a_run_that_is_going_on_is_left_and_one_silent_for_a_day_is_put_together(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    dead = killed(archive, NOW - timedelta(hours=25))
    going = killed(archive, NOW - timedelta(hours=23))
    before = rows(archive)
    squeeze(archive)
    assert [(members(part), part.stem.count("_")) for part in archive.parts()] == [
        ((dead.run_id,), 2),
        *[((going.run_id,), 0)] * 3,
    ]
    assert rows(archive) == before
    newest, older = archive.runs("stars")
    assert (newest.start.run_id, older.start.run_id, older.error) == (going.run_id, dead.run_id, "did not finish")


def test_a_run_taken_for_dead_that_goes_on_and_ends_is_read_once(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    sleeper = killed(archive, NOW - timedelta(days=2))
    other = killed(archive, NOW - timedelta(days=3))
    squeeze(archive)
    sleeper.write("a/b", b"awake", status=200)
    assert [one.body for one in archive.responses() if one.run_id == sleeper.run_id][1:] == [b"1", b"2", b"awake"]
    sleeper.__exit__(None, None, None)
    for now in (NOW, LATER):
        bodies = [one.body for one in archive.responses() if one.run_id == sleeper.run_id]
        by_part = [one.response_id for part in archive.parts() for one in archive.read(part)]
        assert bodies[1:-1] == [b"1", b"2", b"awake"]
        assert len(by_part) == len(set(by_part)) == len(bodies) + 3
        assert verify(archive, "stars", LATER, lambda part: None).faults == []
        squeeze(archive, now)
    assert {run for part in archive.parts() for run in members(part)} == {sleeper.run_id, other.run_id}
    assert next(run for run in archive.runs("stars") if run.start.run_id == sleeper.run_id).error is None


def test_runs_copied_in_later_are_read_in_their_place_and_rewrite_no_closed_year(tmp_path: Path) -> None:
    here, there = Archive(tmp_path / "here"), Archive(tmp_path / "there")
    for at in days(datetime(2025, 5, 1), 20):
        gathered(here if at.day % 2 else there, at, [b"%d" % at.day])
    squeeze(here)
    (year,) = here.parts()
    unchanged = year.stat().st_ino
    for part in there.parts():
        shutil.copy(part, year.parent)
    squeeze(here)
    assert runs_by_part(here) == [10, 10]
    assert year.stat().st_ino == unchanged
    assert [one.body for one in here.responses() if one.status] == [b"%d" % day for day in range(1, 21)]
    late = datetime(2025, 5, 11)
    assert [one.body for one in here.responses(since=late) if one.status] == [b"%d" % day for day in range(11, 21)]
    assert [run.start.fetched_at.day for run in here.runs("stars")] == [*range(20, 0, -1)]


def test_archives_that_two_machines_compacted_apart_are_read_once_when_put_together(tmp_path: Path) -> None:
    one, other = Archive(tmp_path / "one"), Archive(tmp_path / "other")
    for at in days(datetime(2025, 5, 1), 3):
        gathered(one, at)
    shutil.copytree(one.root, other.root)
    before = rows(one)
    one.parts()[2].unlink()
    other.parts()[0].unlink()
    squeeze(one)
    squeeze(other)
    shutil.copy(*other.parts(), one.parts()[0].parent)
    assert runs_by_part(one) == [2, 2]
    assert rows(one) == before
    assert [answer.response_id for part in one.parts() for answer in one.read(part)] == [
        r["response_id"] for r in before
    ]
    assert verify(one, "stars", NOW, lambda part: None).faults == []


def test_what_a_kill_between_naming_and_removing_leaves_is_not_read_and_goes_with_the_next(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "raw")
    for at in days(datetime(2026, 9, 1), 40):
        gathered(archive, at)
    killed(archive, datetime(2026, 9, 5))
    before = rows(archive)
    shutil.copytree(archive.root, tmp_path / "copy")
    squeeze(archive)
    folder = archive.parts()[0].parent
    for index, part in enumerate(sorted((tmp_path / "copy").glob("*/*.parquet"))):
        if index % 3:
            shutil.copy(part, folder)
    (folder / f".{'x' * 9}_y_z.parquet.1.tmp").write_bytes(b"half")
    assert rows(archive) == before
    assert runs_by_part(archive) == [31, 10]
    assert squeeze(archive) == []
    assert (len(archive.files()), len([*folder.iterdir()])) == (2, 2)
    assert rows(archive) == before


def test_a_leftover_that_holds_more_than_what_is_read_in_its_place_stays(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    for at in days(datetime(2025, 9, 1), 2):
        gathered(archive, at)
    first = archive.parts()[0]
    squeeze(archive)
    gathered(Archive(tmp_path / "other"), datetime(2025, 9, 1), [b"more"])
    shutil.copy(*Archive(tmp_path / "other").parts(), first)
    (fault,) = squeeze(archive)
    assert fault == f"raw part {first} was left by a killed merge, but holds answers that no sound part holds"
    assert first.exists()


@pytest.mark.parametrize("spoil", ["body", "cut"])
def test_a_damaged_part_is_named_and_left_and_the_rest_is_compacted(
    dlpulse: Dlpulse, tmp_path: Path, spoil: str
) -> None:
    archive = Archive(tmp_path / "home" / "raw")
    for at in days(datetime(2025, 9, 1), 5):
        gathered(archive, at, [os.urandom(400)])
    bad = archive.parts()[2]
    content = bytearray(bad.read_bytes())
    content[200 if spoil == "body" else 0] ^= 255
    bad.write_bytes(content if spoil == "body" else content[:300])
    done = dlpulse("raw", "compact", "--format", "csv")
    assert done.returncode == 1
    assert done.stdout.splitlines()[1].startswith("stars,5,2,")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"dlpulse: raw part {bad} cannot be read")
    assert line.endswith("; left as it is")
    assert bad.read_bytes() == bytes(content if spoil == "body" else content[:300])
    assert sorted(map(len, map(members, archive.parts()))) == [1, 4]


def test_parts_are_filled_up_to_their_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = Archive(tmp_path)
    for at in days(datetime(2025, 9, 1), 5):
        gathered(archive, at, [random.Random(at.day).randbytes(20_000)])
    assert PART_BYTES == 128 * 2**20
    monkeypatch.setattr("warehouse.compaction.PART_BYTES", 60_000)
    squeeze(archive)
    assert runs_by_part(archive) == [2, 2, 1]


def test_a_killed_run_that_fills_several_parts_keeps_its_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = Archive(tmp_path)
    killed(archive, datetime(2026, 11, 1), [b"%d" % number for number in range(40)])
    before = rows(archive)
    monkeypatch.setattr("warehouse.compaction.PART_BYTES", 8 * archive.files()[0].stat().st_size)
    squeeze(archive)
    assert len(archive.parts()) in (5, 6)
    assert rows(archive) == before


@pytest.fixture
def deep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Archive, list[Response]]:
    """A compacted part of twelve runs in as many row groups, the first of them damaged; and the answers it had."""
    archive = Archive(tmp_path / "home" / "raw")
    for at in days(datetime(2025, 9, 1), 12):
        gathered(archive, at, [random.Random(at.day).randbytes(10_000)])
    answers = list(archive.responses())
    monkeypatch.setattr("warehouse.compaction.ROW_GROUP_BYTES", 10_000)
    squeeze(archive)
    (part,) = archive.parts()
    content = bytearray(part.read_bytes())
    content[content.index(answers[1].body[:9]) + 5] ^= 255
    part.write_bytes(content)
    return archive, answers


def test_one_answer_or_young_runs_are_read_without_the_row_groups_before(
    deep: tuple[Archive, list[Response]],
) -> None:
    archive, answers = deep
    assert archive.find(answers[7].response_id) == answers[7]
    assert list(archive.responses("stars", since=datetime(2025, 9, 11))) == answers[30:]
    assert next(archive.runs("stars")).start == answers[33]
    with pytest.raises(DlpulseError, match=r"^raw part .* cannot be read"):
        archive.find(answers[1].response_id)


def test_verify_names_the_answers_of_a_damaged_row_group_and_reads_the_others(
    deep: tuple[Archive, list[Response]], dlpulse: Dlpulse
) -> None:
    _, answers = deep
    told = dlpulse("raw", "verify", "--format", "csv")
    assert told.returncode == 1
    assert told.stdout.splitlines()[1].startswith("stars,33,1,")
    first, last = answers[0].response_id, answers[2].response_id
    assert f"cannot be read: answers {first} to {last} (" in told.stderr


@hypothesis_settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 420),
            st.lists(st.binary(max_size=40), max_size=4),
            st.sampled_from(["ended", "killed"]),
            st.integers(0, 2),
        ),
        max_size=12,
    ),
    st.lists(st.integers(0, 500), min_size=1, max_size=3).map(sorted),
)
def test_any_runs_in_any_order_of_arrival_give_the_same_rows_in_the_same_order(
    tmp_path_factory: pytest.TempPathFactory,
    runs: list[tuple[int, list[bytes], str, int]],
    compactions: list[int],
) -> None:
    begun = datetime(2025, 10, 1)
    folder = tmp_path_factory.mktemp("raw")
    plain, archive = Archive(folder / "plain"), Archive(folder / "compacted")
    for round_number, day in enumerate(compactions):
        for at, bodies, how, arrives in runs:
            if arrives == round_number:
                (gathered if how == "ended" else killed)(plain, begun + timedelta(days=at), bodies)
        for part in plain.files():
            if not (folder / part.name).exists():
                (archive.root / "source=stars").mkdir(parents=True, exist_ok=True)
                shutil.copy(part, archive.root / "source=stars" / part.name)
                (folder / part.name).touch()
        (archive.root).mkdir(exist_ok=True)
        assert squeeze(archive, begun + timedelta(days=day)) == []
        assert rows(archive) == rows(plain)
        assert list(archive.responses()) == list(plain.responses())
        assert list(archive.runs("stars")) == list(plain.runs("stars"))
        since = begun + timedelta(days=day // 2)
        assert list(archive.responses("stars", since=since)) == list(plain.responses("stars", since=since))
        by_part = [one.response_id for part in archive.parts() for one in archive.read(part)]
        assert sorted(by_part) == sorted(one["response_id"] for one in rows(plain))
        assert verify(archive, "stars", begun + timedelta(days=999), lambda part: None).faults == []


def filled(root: Path) -> Archive:
    """An archive of 48 runs in three closed months, with bodies that do not shrink, so that work takes a moment."""
    archive = Archive(root)
    for number in range(48):
        noise = random.Random(number)
        gathered(archive, datetime(2025, 10, 2) + timedelta(days=number), [noise.randbytes(60_000) for _ in range(3)])
    return archive


def compactor(archive: Archive, *nows: datetime) -> subprocess.Popen[str]:
    """A process that is ready to compact."""
    command = [sys.executable, "-c", COMPACT, str(archive.root), *(now.isoformat() for now in nows)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout and process.stdout.readline() == "ready\n"
    return process


def start(process: subprocess.Popen[str]) -> None:
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()


@pytest.mark.parametrize("kills", [10, pytest.param(100, marks=pytest.mark.long)])
def test_killed_at_any_moment_every_answer_is_there_once_and_the_next_compaction_finishes(
    tmp_path: Path, kills: int
) -> None:
    template = filled(tmp_path / "template")
    before = rows(template)
    nows = datetime(2025, 12, 5), LATER
    shutil.copytree(template.root, tmp_path / "timed")
    with compactor(Archive(tmp_path / "timed"), *nows) as process:
        began = time.monotonic()
        start(process)
        assert process.stdout and process.stdout.readline() == "done\n"
        took = time.monotonic() - began
    moments, interrupted = random.Random(kills), 0
    for number in range(kills):
        archive = Archive(tmp_path / f"{number}")
        shutil.copytree(template.root, archive.root)
        with compactor(archive, *nows) as process:
            start(process)
            time.sleep(moments.uniform(0, took))
            process.send_signal(signal.SIGKILL)
            interrupted += process.wait() == -signal.SIGKILL
        assert rows(archive) == before
        assert [one.response_id for one in archive.responses()] == [row["response_id"] for row in before]
        told = verify(archive, "stars", LATER, lambda part: None)
        assert (told.answers, told.faults) == (len(before), [])
        assert squeeze(archive, LATER) == []
        assert len([*archive.files()[0].parent.iterdir()]) == 1
        assert rows(archive) == before
        shutil.rmtree(archive.root)
    assert interrupted >= kills // 2


def test_collectors_that_write_during_compactions_lose_nothing(tmp_path: Path) -> None:
    archive = filled(tmp_path)
    before = [one.response_id for one in archive.responses()]
    begun = [datetime(2025, 10, 2, 6), datetime(2026, 3, 1)]
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITE, str(tmp_path), at.isoformat()], stdout=subprocess.PIPE, text=True
        )
        for at in begun
    ]
    until, rounds = time.monotonic() + 6, 0
    while time.monotonic() < until:
        assert squeeze(archive, LATER) == []
        rounds += 1
    for writer in writers:
        writer.kill()
    written = [name for writer in writers for name in writer.communicate()[0].split()]
    assert rounds > 2
    assert len(written) > 30
    now_there = [one.response_id for one in archive.responses()]
    assert len(now_there) == len(set(now_there))
    # A name in a line that was cut by the kill may be short; the answer it names is there as well.
    assert {*before, *(name for name in written if len(name) == len(written[0]))} <= set(now_there)
    assert verify(archive, "stars", LATER + timedelta(days=9), lambda part: None).faults == []


def test_reading_during_compactions_yields_every_answer_once(tmp_path: Path) -> None:
    archive = filled(tmp_path)
    expected = [one.response_id for one in archive.responses()]
    runs = [run.start.run_id for run in archive.runs("stars")]
    readings: list[bool] = []
    with compactor(archive, datetime(2025, 11, 1), datetime(2025, 12, 1), LATER) as process:
        over = threading.Event()
        readers = [
            threading.Thread(target=_read_on, args=(reading, expected, readings, over))
            for reading in (
                lambda: [one.response_id for one in archive.responses()],
                lambda: [one.response_id for one in archive.responses("stars") if archive.find(one.response_id)],
            )
        ]
        notes = threading.Thread(
            target=_read_on, args=(lambda: [run.start.run_id for run in archive.runs("stars")], runs, readings, over)
        )
        for reader in (*readers, notes):
            reader.start()
        start(process)
        assert process.stdout and process.stdout.readline() == "done\n"
        over.set()
        for reader in (*readers, notes):
            reader.join()
    assert len(readings) >= 3
    assert all(readings)


def _read_on(read: Callable[[], list[str]], expected: list[str], readings: list[bool], over: threading.Event) -> None:
    while True:
        last = over.is_set()
        try:
            readings.append(read() == expected)
        except Exception:
            readings.append(False)
            raise
        if last:
            return


def test_a_second_compaction_at_once_says_so_in_one_line(dlpulse: Dlpulse, tmp_path: Path) -> None:
    archive = Archive(tmp_path / "home" / "raw")
    gathered(archive, NOW)
    with alone(archive):
        told = dlpulse("raw", "compact")
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr == f"dlpulse: {archive.root} is being compacted by another process\n"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own: 2 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or shutil.which("mount") is None or subprocess.run(command, check=False).returncode:
        pytest.skip("this machine lets nobody mount a small disk here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_one_line_and_changes_nothing(dlpulse: Dlpulse, disk: Path) -> None:
    archive = Archive(disk)
    for at in days(datetime(2025, 10, 1), 6):
        gathered(archive, at, [os.urandom(200_000)])
    before = rows(archive)
    told = dlpulse("raw", "compact", DLPULSE_RAW=str(disk))
    assert told.returncode == 1
    assert told.stderr.startswith("dlpulse: cannot write ")
    assert told.stderr.endswith(": No space left on device\n")
    assert len(told.stderr.splitlines()) == 1
    assert sorted(path.suffix for path in (disk / "source=stars").iterdir()) == [".parquet"] * 6
    assert rows(archive) == before


def test_a_folder_that_cannot_be_written_is_one_line(dlpulse: Dlpulse, disk: Path) -> None:
    gathered(Archive(disk), datetime(2025, 10, 1))
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    told = dlpulse("raw", "compact", DLPULSE_RAW=str(disk))
    assert told.returncode == 1
    assert told.stderr == f"dlpulse: cannot compact {disk}: Read-only file system\n"


def test_a_dry_run_says_what_would_be_done_and_does_nothing(dlpulse: Dlpulse, tmp_path: Path) -> None:
    archive = Archive(tmp_path / "home" / "raw")
    for at in days(datetime(2025, 10, 1), 4):
        gathered(archive, at)
        gathered(archive, at, source="papers")
    before = archive.files()
    size = sum(part.stat().st_size for part in archive.files("papers"))
    told = dlpulse("raw", "compact", "--dry-run", "--source", "papers", "--format", "csv")
    assert told.stdout.splitlines() == [
        "source,parts_before,parts_after,bytes_before,bytes_after,took_s",
        f"papers,4,1,{size},,",
    ]
    assert sorted(archive.files()) == sorted(before)


def test_compacting_an_unknown_source_offers_the_known(dlpulse: Dlpulse, tmp_path: Path) -> None:
    gathered(Archive(tmp_path / "home" / "raw"), NOW)
    told = dlpulse("raw", "compact", "--source", "star")
    assert told.returncode == 2
    assert told.stderr == (
        f"dlpulse: --source star: no such source in {tmp_path / 'home' / 'raw'}; did you mean stars?\n"
    )


def test_an_empty_home_has_nothing_to_compact_or_verify(dlpulse: Dlpulse, tmp_path: Path) -> None:
    assert dlpulse("raw", "compact", "--format", "json").stdout == "[]\n"
    assert dlpulse("raw", "verify", "--format", "json").stdout == "[]\n"
    assert not (tmp_path / "home" / "raw").exists()


def test_a_part_that_names_other_members_than_its_own_name_says_is_told(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    for at in days(datetime(2025, 10, 1), 3):
        gathered(archive, at)
    squeeze(archive)
    (part,) = archive.parts()
    renamed = part.rename(part.with_name(part.name.replace(part.stem[-8:], "00000000")))
    told = verify(archive, "stars", NOW, lambda part: None)
    assert told.faults == [f"raw part {renamed} is not what it is called: by its members {part.stem}"]


def test_the_footer_names_every_member_and_the_rows_keep_their_types(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    names = [gathered(archive, at).run_id for at in days(datetime(2025, 10, 1), 3)]
    squeeze(archive)
    (part,) = archive.parts()
    assert (members(part), rawparts.span(part)) == (tuple(names), "2025")
    batch = next(rawparts.batches(part))
    assert batch.schema.remove_metadata() == SCHEMA
    assert batch["body"].type == pa.large_binary()
    assert [row["subject"] for row in batch.to_pylist()].count(RUN_END) == 3
