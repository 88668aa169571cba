"""`dlpulse import`: files of any kind and state get one clear line; a good file is read once."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from filelock import FileLock

from tests.conftest import Dlpulse, environment
from tests.world import World
from tests.world.surveys import kaggle_csv
from warehouse.raw import Archive

HOUR = "2018-06-01-15.json.gz"


def faults(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines that tell of faults; never a traceback."""
    assert "Traceback" not in done.stderr
    kinds = ("surveys: ", "events: ", "papers: ", "dlpulse: ")
    return [line for line in done.stderr.splitlines() if line.startswith(kinds)]


def written(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path)


def test_an_unknown_kind_is_told_with_the_nearest(dlpulse: Dlpulse) -> None:
    done = dlpulse("import", "surveys", "x.csv")
    assert (done.returncode, done.stderr) == (2, "dlpulse: unknown kind 'surveys'; did you mean survey?\n")


def test_every_unreadable_file_gets_one_line(dlpulse: Dlpulse, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    names = [
        str(tmp_path / "missing.csv"),
        str(tmp_path),
        str(tmp_path / "pipe"),
        "",
        str(tmp_path / "two\nlines.csv"),
        written(tmp_path / "cut.csv.gz", gzip.compress(b"x" * 100_000)[:-20]),
        written(tmp_path / "bomb.csv.gz", gzip.compress(b"\n" * 30_000_000)),
        written(tmp_path / "empty.zip", b"PK\x05\x06" + b"\0" * 18),
        written(tmp_path / "broken.zip", b"PK\x03\x04 and no more"),
    ]
    done = dlpulse("import", "survey", *names)
    assert done.returncode == 1
    told = faults(done)
    assert told == [
        f"surveys: {tmp_path}/missing.csv: cannot be read: No such file or directory",
        f"surveys: {tmp_path}: is not a file",
        f"surveys: {tmp_path}/pipe: is not a file",
        "surveys: .: is not a file",
        f"surveys: {tmp_path}/two?lines.csv: cannot be read: No such file or directory",
        "surveys: cut.csv.gz: is damaged or cut short: "
        "Compressed file ended before the end-of-stream marker was reached",
        "surveys: bomb.csv.gz: unpacks to more than 200 times its size: refused",
        "surveys: empty.zip: expected one file in the zip archive, found 0",
        "surveys: broken.zip: is damaged or cut short: File is not a zip file",
    ]


@pytest.mark.parametrize(
    "address", ["http://[::1/x", "http://", "ftp://example.org/x", "s3://bucket/x", "http://h:99999/"]
)
def test_what_is_no_address_gets_one_line(dlpulse: Dlpulse, address: str) -> None:
    (line,) = faults(dlpulse("import", "survey", address))
    assert line == f"surveys: the address {address!r} is not an http(s) address with a host"


def test_a_home_that_cannot_be_written_gets_one_line(dlpulse: Dlpulse, tmp_path: Path) -> None:
    file = written(tmp_path / "kaggle_survey_2020_responses.csv", kaggle_csv(2020))
    done = dlpulse("import", "survey", file, DLPULSE_HOME="/dev/null/x")
    assert (done.returncode, faults(done)) == (1, ["dlpulse: /dev/null/x: cannot be written: Not a directory"])


def test_a_file_is_read_once_wherever_it_comes_from(dlpulse: Dlpulse, world: World, tmp_path: Path) -> None:
    first = dlpulse("import", "gharchive", f"{world.gharchive_base}/{HOUR}?signature=s3cret")
    assert first.returncode == 0, first.stderr
    downloads = tmp_path / "home" / "downloads"
    assert list(downloads.iterdir()) == []
    again = dlpulse("import", "gharchive", f"{world.gharchive_base}/{HOUR}")
    assert (again.returncode, faults(again)[-1]) == (0, f"events: {HOUR}: was imported before")
    assert "s3cret" not in repr(list(Archive(tmp_path / "home" / "raw").responses()))


def test_a_bad_file_stops_none_of_the_others(dlpulse: Dlpulse, tmp_path: Path) -> None:
    good = written(tmp_path / "kaggle_survey_2020_responses.csv", kaggle_csv(2020))
    done = dlpulse("import", "survey", str(tmp_path / "missing.csv"), good)
    assert done.returncode == 1
    shares = (
        dlpulse("build"),
        dlpulse("sql", "select count(*) from fct_survey_shares where survey = 'kaggle' and base > 0"),
    )
    assert "0" not in shares[1].stdout.split()


def test_what_a_killed_download_left_is_removed_after_a_day(dlpulse: Dlpulse, world: World, tmp_path: Path) -> None:
    downloads = tmp_path / "home" / "downloads"
    downloads.mkdir(parents=True)
    for name, hours in (("old", 25), ("young", 23)):
        (downloads / name).write_bytes(b"half")
        os.utime(downloads / name, times=(time.time() - hours * 3_600,) * 2)
    assert dlpulse("import", "gharchive", f"{world.gharchive_base}/{HOUR}").returncode == 0
    assert [path.name for path in downloads.iterdir()] == ["young"]


def test_a_source_that_is_being_collected_is_not_imported_into(dlpulse: Dlpulse, tmp_path: Path) -> None:
    locks = tmp_path / "home" / "locks"
    locks.mkdir(parents=True)
    file = written(tmp_path / "kaggle_survey_2020_responses.csv", kaggle_csv(2020))
    with FileLock(locks / "collect-surveys.lock"):
        done = dlpulse("import", "survey", file)
    line = "dlpulse: surveys is being collected by another process; import when it is done"
    assert (done.returncode, faults(done)) == (1, [line])


def test_ctrl_c_ends_the_reading_of_a_large_file(tmp_path: Path) -> None:
    large = tmp_path / "large.json"
    with large.open("wb") as file:
        file.truncate(20 * 2**30)
    command = [sys.executable, "-m", "dlpulse", "import", "arxiv-snapshot", str(large)]
    with subprocess.Popen(command, env=environment(tmp_path / "home"), stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        # The run's first note is there once the reading has begun, and with it the handling of signals.
        while not Archive(tmp_path / "home" / "raw").parts() and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "stopped; what was collected is kept" in said


def test_a_zip_of_several_files_is_refused(dlpulse: Dlpulse, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.csv", "x")
        archive.writestr("../b.csv", "x")
    (line,) = faults(dlpulse("import", "survey", str(tmp_path / "two.zip")))
    assert line == "surveys: two.zip: expected one file in the zip archive, found 2"
