"""`dlpulse raw show` and `verify`: the exact bytes, the other fields, and one clear line for all that is wrong."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import Dlpulse, environment
from warehouse.raw import RUN_START, SCHEMA, Archive, Response

NOON = datetime(2026, 11, 23, 12)
BINARY = bytes(range(256)) + b"\r\n\xff"


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "home" / "raw")


@pytest.fixture
def answer(archive: Archive) -> Response:
    """The second of a run's three answers."""
    with archive.start("stars", lambda: NOON) as run:
        return run.write("a/b", BINARY, url="http://x/1", params={"page": 1}, status=200, etag='"e"')


def rewritten(part: Path, rows: list[dict[str, object]]) -> None:
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), part)


def rows_of(part: Path) -> list[dict[str, object]]:
    return pq.read_table(part, partitioning=None).to_pylist()


def test_show_writes_the_body_byte_for_byte(answer: Response, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "dlpulse", "raw", "show", answer.response_id]
    shown = subprocess.run(command, env=environment(tmp_path / "home"), capture_output=True, check=True)
    assert (shown.stdout, shown.stderr) == (BINARY, b"")


def test_headers_tell_the_other_fields_on_stderr(dlpulse: Dlpulse, archive: Archive, tmp_path: Path) -> None:
    with archive.start("stars", lambda: NOON) as run:
        answer = run.write("a/b", b"body", url="http://x/1", params={"page": 1}, status=200, etag='"e"')
    shown = dlpulse("raw", "show", "--headers", answer.response_id)
    assert shown.stdout == "body"
    assert shown.stderr.splitlines() == [
        f"response_id: {answer.response_id}",
        f"run_id: {run.run_id}",
        "source: stars",
        "subject: a/b",
        "url: http://x/1",
        "params: {'page': 1}",
        "status: 200",
        'etag: "e"',
        "revalidates: ",
        "fetched_at: 2026-11-23 12:00:00",
        "collector_version: 0.1.0",
        "format_version: 1",
        "body_sha256: 230d8358dc8e8890b4c58deeb62912ee2f20357ae92a5cc861b98e68fe31acb5",
        "bytes: 4",
    ]


def test_an_answer_that_confirms_one_that_is_gone_says_so(dlpulse: Dlpulse, archive: Archive) -> None:
    with archive.start("stars", lambda: NOON) as run:
        confirmed = run.write("a/b", b"", status=304, revalidates="20260101T000000-00000000-00002")
    shown = dlpulse("raw", "show", confirmed.response_id)
    assert (shown.returncode, shown.stdout) == (1, "")
    assert shown.stderr.splitlines()[-1] == (
        f"dlpulse: {confirmed.response_id} confirms 20260101T000000-00000000-00002, which is not in {archive.root}"
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda run: f"{run}-00009", ": that run's answers are {run}-00001 to {run}-00003"),
        (lambda run: run, ": that run's answers are {run}-00001 to {run}-00003"),
        (lambda run: f"{run[:-1]}-00001", "; did you mean one of run {run}?"),
        (lambda run: "nonsense", "; meta_responses lists them all"),
    ],
)
def test_an_unknown_id_is_one_line_with_what_may_have_been_meant(
    dlpulse: Dlpulse, archive: Archive, answer: Response, change, told: str
) -> None:
    wanted = change(answer.run_id)
    shown = dlpulse("raw", "show", wanted)
    assert (shown.returncode, shown.stdout) == (1, "")
    assert shown.stderr == f"dlpulse: no answer {wanted!r} in {archive.root}{told.format(run=answer.run_id)}\n"


def test_an_unknown_cited_fact_is_one_line(dlpulse: Dlpulse) -> None:
    shown = dlpulse("raw", "show", "cited:0")
    assert shown.returncode == 1
    assert shown.stderr.startswith("dlpulse: no cited fact 'cited:0'")


def test_verify_counts_answers_parts_and_bytes_of_each_source(dlpulse: Dlpulse, archive: Archive) -> None:
    for source in ("papers", "stars", "stars"):
        with archive.start(source, lambda: NOON) as run:
            run.write("a/b", b"x", status=200)
    sizes = {name: sum(part.stat().st_size for part in archive.parts(name)) for name in ("papers", "stars")}
    told = dlpulse("raw", "verify", "--format", "json")
    assert told.returncode == 0
    assert json.loads(told.stdout) == [
        {"source": "papers", "answers": 3, "parts": 1, "bytes": sizes["papers"], "faults": 0},
        {"source": "stars", "answers": 6, "parts": 2, "bytes": sizes["stars"], "faults": 0},
    ]
    total = f"{sum(sizes.values()):,}"
    assert told.stderr == f"9 answers in 3 parts, {total} bytes: each with the recorded SHA-256\n"


def test_verify_names_every_damaged_part_and_answer(dlpulse: Dlpulse, archive: Archive) -> None:
    written = []
    for hour in range(4):
        with archive.start("stars", lambda hour=hour: NOON.replace(hour=hour)) as run:
            written += [run.write("a/b", b"good", status=200), run.write("a/b", b"good", status=200)]
    first, cut, noise, sound = archive.parts("stars")
    rewritten(first, [row | {"body": b"evil"} if row["body"] == b"good" else row for row in rows_of(first)])
    cut.write_bytes(cut.read_bytes()[:-9])
    noise.write_bytes(b"")
    told = dlpulse("raw", "verify", "--source", "stars", "--format", "csv")
    assert told.returncode == 1
    assert told.stdout.splitlines()[1].startswith("stars,8,4,")
    lines = told.stderr.splitlines()
    for answer, line in zip(written[:2], lines, strict=False):
        assert (
            line == f"dlpulse: raw answer {answer.response_id} is damaged: its body no longer has the recorded sha256"
        )
    assert lines[2].startswith(f"dlpulse: raw part {cut} cannot be read (")
    assert lines[3].startswith(f"dlpulse: raw part {noise} cannot be read (")
    assert lines[4].startswith("8 answers in 4 parts, ")
    assert lines[4].endswith(" bytes: 4 faults")
    assert str(sound) not in told.stderr


def test_verify_says_of_a_page_that_cannot_be_read_what_to_do(dlpulse: Dlpulse, archive: Archive) -> None:
    with archive.start("stars", lambda: NOON) as run:
        run.write("a/b", BINARY * 40, status=200)
    (part,) = archive.parts("stars")
    whole = part.read_bytes()
    at = whole.index(b"\x28\xb5\x2f\xfd") + 6  # in the first page
    part.write_bytes(whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :])
    told = dlpulse("raw", "verify")
    assert told.returncode == 1
    line, *_, sum_ = told.stderr.splitlines()
    assert line.startswith(f"dlpulse: raw part {part} cannot be read")
    assert line.endswith(
        "; put a sound copy over it, or move it away (`dlpulse raw verify --quarantine`) and build again"
    )
    assert sum_.endswith(" bytes: 1 fault")


def test_verify_names_repeats_gaps_lost_notes_and_confirmations_of_nothing(dlpulse: Dlpulse, archive: Archive) -> None:
    runs = []
    for hour in range(2):
        with archive.start("stars", lambda hour=hour: NOON.replace(hour=hour)) as run:
            run.write("a/b", b"1", status=200)
            run.write("a/b", b"", status=304, revalidates=f"{run.run_id}-00002")
        runs.append(run.run_id)
    older, newer = archive.parts("stars")
    # The older run has lost its start and the answer that it confirms; the newer one its end, and tells one twice.
    rewritten(older, rows_of(older)[2:])
    rewritten(newer, [*rows_of(newer)[:3], rows_of(newer)[2]])
    told = dlpulse("raw", "verify")
    assert told.returncode == 1
    assert sorted(line.removeprefix("dlpulse: ") for line in told.stderr.splitlines()[:-1]) == sorted(
        [
            f"raw answer {runs[1]}-00003 is there 2 times",
            f"raw answer {runs[0]}-00003 confirms {runs[0]}-00002, which is not in the archive",
            f"raw run {runs[0]} has no note of its start",
            f"raw run {runs[0]} lacks 2 of its answers, the first {runs[0]}-00001",
            f"raw run {runs[1]} has no note of its end",
        ]
    )


def test_verify_takes_a_killed_run_and_one_that_is_going_on_as_they_are(dlpulse: Dlpulse, archive: Archive) -> None:
    dead = archive.start("stars", lambda: NOON.replace(day=1)).__enter__()
    going = archive.start("stars", lambda: NOON).__enter__()
    for run in (dead, going):
        assert run.write("a/b", b"x", status=200).subject != RUN_START
    told = dlpulse("raw", "verify", "--format", "csv", DLPULSE_NOW="2026-11-23T13:00:00Z")
    assert told.returncode == 0
    (archive.root / "source=stars" / f"{dead.run_id}-00001.parquet").unlink()
    (archive.root / "source=stars" / f"{going.run_id}-00001.parquet").unlink()
    told = dlpulse("raw", "verify", "--format", "csv", DLPULSE_NOW="2026-11-23T13:00:00Z")
    assert told.returncode == 1
    assert f"raw run {dead.run_id} has no note of its start" in told.stderr
    assert going.run_id not in told.stderr


def test_show_finds_answers_in_compacted_parts(dlpulse: Dlpulse, archive: Archive) -> None:
    bodies = {}
    for day in range(1, 6):
        with archive.start("stars", lambda day=day: datetime(2025, 1, day)) as run:
            bodies[run.write("a/b", b"%d" % day, status=200).response_id] = str(day)
    compacted = dlpulse("raw", "compact", "--format", "csv")
    assert compacted.stdout.splitlines()[1].startswith("stars,5,1,")
    assert (compacted.returncode, compacted.stderr) == (0, "")
    wanted, body = list(bodies.items())[3]
    assert dlpulse("raw", "show", wanted).stdout == body


@pytest.mark.parametrize("form", ["table", "md"])
def test_compact_tells_people_seconds_as_elsewhere(dlpulse: Dlpulse, answer: Response, form: str) -> None:
    told = dlpulse("raw", "compact", "--format", form).stdout
    assert "took_s" not in told
    assert re.search(r" \d+\.\d s ", told)


def test_compact_tells_programs_seconds_as_a_number(dlpulse: Dlpulse, answer: Response) -> None:
    (row,) = json.loads(dlpulse("raw", "compact", "--format", "json").stdout)
    assert isinstance(row["took_s"], float)
