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

from warehouse.errors import DlpulseError
from warehouse.raw import RUN_END, RUN_START, SCHEMA, Archive

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
