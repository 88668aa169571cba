"""The raw archive: whole or absent, safe before the next page, twice is once, damage is named."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import Dlpulse
from warehouse.errors import DlpulseError
from warehouse.raw import RUN_END, RUN_START, SCHEMA, Archive
from warehouse.schedule import refused_lately

NOON = datetime(2026, 11, 23, 12)


def test_a_run_keeps_start_answers_and_end_in_one_merged_part(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    with archive.start("stars", lambda: NOON, frameworks=["keras"]) as run:
        first = run.write("keras-team/keras", b'{"a": 1}', url="http://x/1", params={"page": 1}, status=200, etag='"e"')
        assert [part.stem for part in archive.parts()] == [f"{run.run_id}-00001", first.response_id]
        run.rows = 7
    assert [part.stem for part in archive.parts()] == [run.run_id]
    start, answer, end = archive.responses("stars")
    assert (start.subject, end.subject) == (RUN_START, RUN_END)
    assert answer == first
    assert end.json() == {"requests": 1, "rows": 7, "left": "", "noticed": [], "error": None}
    assert archive.find(first.response_id) == first
    assert archive.find(f"{run.run_id}-00009") is None


def test_a_failing_run_says_why_it_ended(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    with pytest.raises(ValueError, match="broken"), archive.start("stars", lambda: NOON):
        raise ValueError("broken")
    assert list(archive.responses())[-1].json()["error"] == "ValueError: broken"


def test_what_was_written_before_a_kill_is_there(tmp_path: Path) -> None:
    script = textwrap.dedent(
        """
        import sys, time, pathlib
        from warehouse.raw import Archive
        from warehouse.settings import utc_now
        with Archive(pathlib.Path(sys.argv[1])).start("papers", utc_now) as run:
            for page in range(3):
                run.write("window", b"page %d" % page, status=200)
            print("written", flush=True)
            time.sleep(60)
        """
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdout.readline() == "written\n"
        process.send_signal(signal.SIGKILL)
    bodies = [response.body for response in Archive(tmp_path).responses("papers")]
    assert bodies[1:] == [b"page 0", b"page 1", b"page 2"]
    assert not list(tmp_path.rglob("*.tmp"))


def test_single_parts_left_by_a_killed_merge_are_not_read_twice(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    with archive.start("stars", lambda: NOON) as run:
        run.write("a/b", b"x", status=200)
    merged = archive.parts()[0]
    pq.write_table(
        pq.read_table(merged, partitioning=None).slice(1, 1), merged.with_name(f"{run.run_id}-00002.parquet")
    )
    assert archive.parts() == [merged]
    assert len(list(archive.responses())) == 3


def test_a_damaged_body_is_named(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    with archive.start("stars", lambda: NOON) as run:
        answer = run.write("a/b", b"good", status=200)
    part = archive.parts()[0]
    rows = pq.read_table(part, partitioning=None).to_pylist()
    damaged = [row | {"body": b"evil"} if row["body"] == b"good" else row for row in rows]
    pq.write_table(pa.Table.from_pylist(damaged, schema=SCHEMA), part)
    with pytest.raises(DlpulseError, match=f"raw answer {answer.response_id} is damaged"):
        list(archive.responses())


def test_a_truncated_part_is_named(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    with archive.start("stars", lambda: NOON):
        pass
    part = archive.parts()[0]
    part.write_bytes(part.read_bytes()[:100])
    with pytest.raises(DlpulseError, match=f"raw part {part} cannot be read"):
        list(archive.responses())


def test_runs_come_newest_first_with_their_notes_and_old_parts_stay_closed(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    for hour in (10, 11):
        with archive.start("stars", lambda hour=hour: datetime(2026, 11, 23, hour)) as run:
            run.write("a/b", b"{}", status=200)
    killed = archive.start("stars", lambda: datetime(2026, 11, 23, 12)).__enter__()
    killed.write("a/b", b"{}", status=200)
    archive.parts("stars")[0].write_bytes(b"damaged")
    runs = archive.runs("stars")
    newest, middle = next(runs), next(runs)
    assert (newest.start.fetched_at.hour, newest.end, newest.error) == (12, None, "did not finish")
    assert (middle.start.fetched_at.hour, middle.error, middle.is_import) == (11, None, False)
    hours = {answer.fetched_at.hour for answer in archive.responses("stars", since=datetime(2026, 11, 23, 11))}
    assert hours == {11, 12}


def test_the_body_of_an_answer_that_confirms_another_is_the_other_ones(dlpulse: Dlpulse, tmp_path: Path) -> None:
    archive = Archive(tmp_path / "home" / "raw")
    with archive.start("stars", lambda: NOON) as run:
        record = run.write("a/b", b'{"stars": 5}', status=200, etag='"e"')
        confirmed = run.write("a/b", b"", status=304, revalidates=record.response_id)
    shown = dlpulse("raw", "show", confirmed.response_id)
    assert shown.stdout == '{"stars": 5}'
    assert shown.stderr == f"{confirmed.response_id} says that {record.response_id} still stands, which is:\n"


def test_a_merge_beyond_the_memory_limit_reads_the_parts_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("warehouse.rawruns._MERGE_FROM_MEMORY_BYTES", 3_000)
    archive = Archive(tmp_path)
    with archive.start("stars", lambda: NOON) as run:
        written = [run.write("a/b", bytes([65 + n]) * 1_000, status=200) for n in range(6)]
    assert len(archive.parts()) == 1
    assert [answer for answer in archive.responses() if answer.status] == written


def test_questions_refused_in_the_last_week_are_remembered_with_their_newest_time(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    for day, labels in ((1, ["long ago"]), (14, ["keras 2020-01", "keras 2020-02"]), (15, ["keras 2020-01"]), (16, [])):
        with archive.start("questions", lambda day=day: datetime(2026, 11, day)) as run:
            run.refused = labels
    remembered = refused_lately(archive, "questions", datetime(2026, 11, 16))
    assert remembered == {"keras 2020-01": datetime(2026, 11, 15), "keras 2020-02": datetime(2026, 11, 14)}
