"""An export's folder: what it may replace, that it is never half, and what a kill or a full disk leaves behind."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from tests.conftest import environment
from tests.warehouse.exported import description, is_whole
from warehouse import exportfolder
from warehouse.errors import BadInputError, DlpulseError
from warehouse.export import Order, export

NOW = datetime(2026, 11, 23, 12, 30)
Export = Callable[[Path], None]


@pytest.fixture(scope="module")
def database(cited_home: Path) -> Path:
    """A published database of the cited facts."""
    return cited_home / "dlpulse.duckdb"


@pytest.fixture
def into(database: Path) -> Export:
    """Export everything into a folder."""

    def run(folder: Path) -> None:
        export(database, Order(folder), NOW, lambda *_: None)

    return run


def start(database: Path, folder: Path, **variables: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "dlpulse", "export", str(folder)]
    return subprocess.Popen(command, env=environment(database.parent, **variables), stdout=subprocess.DEVNULL)


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_earlier_export_is_replaced_as_a_whole(database: Path, into: Export, tmp_path: Path) -> None:
    into(tmp_path / "out")
    export(database, Order(tmp_path / "out", tables=["dim_repos"]), NOW, lambda *_: None)
    assert {Path(name).stem for name in snapshot(tmp_path / "out") if "/" in name} == {"dim_repos"}
    assert [path.name for path in tmp_path.iterdir()] == ["out"], "nothing is left beside it"


def test_an_empty_folder_and_folders_that_are_not_there_yet_are_filled(into: Export, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    into(tmp_path / "empty")
    into(tmp_path / "not" / "there" / "yet")
    assert is_whole(tmp_path / "empty")
    assert is_whole(tmp_path / "not/there/yet")


def test_a_link_to_a_folder_stays_a_link(into: Export, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    into(tmp_path / "link")
    into(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert is_whole(tmp_path / "real")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"notes.txt": "mine"}, r"holds notes\.txt and is no earlier export; name a new or empty folder$"),
        ({"datapackage.json": "{}"}, r"holds datapackage\.json and is no earlier export"),
        ({"datapackage.json": '{"name": "other", "resources": []}'}, r"holds datapackage\.json and is no earlier"),
        ({"datapackage.json": "[1"}, r"holds datapackage\.json and is no earlier export"),
        ({".git/HEAD": "ref"}, r"holds \.git/HEAD and is no earlier export"),
    ],
)
def test_a_folder_with_anything_else_is_refused_and_stays_as_it_was(
    into: Export, tmp_path: Path, files: dict[str, str], message: str
) -> None:
    out = tmp_path / "out"
    for name, text in files.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(text)
    with pytest.raises(BadInputError, match=message):
        into(out)
    assert snapshot(out) == {name: text.encode() for name, text in files.items()}
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_export_to_which_someone_added_a_file_is_refused(into: Export, tmp_path: Path) -> None:
    into(tmp_path / "out")
    (tmp_path / "out" / "csv" / "mine.csv").write_text("1")
    with pytest.raises(
        BadInputError, match=r"out holds csv/mine\.csv, which no export wrote; move it away or name ano"
    ):
        into(tmp_path / "out")
    (tmp_path / "out" / "csv" / "mine.csv").rename(tmp_path / "out" / ".DS_Store")
    into(tmp_path / "out")
    assert is_whole(tmp_path / "out")


def test_a_file_added_while_the_export_runs_is_kept(database: Path, into: Export, tmp_path: Path) -> None:
    into(tmp_path / "out")
    mine = tmp_path / "out" / "mine.txt"
    with pytest.raises(BadInputError, match=r"holds mine\.txt"):
        export(database, Order(tmp_path / "out"), NOW, lambda *_: mine.touch())
    assert mine.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_file_in_the_place_of_the_folder_is_one_line(into: Export, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(BadInputError, match=r"out is a file; name a new or empty folder, or an earlier export$"):
        into(tmp_path / "out")


def test_a_place_that_cannot_be_written_is_one_line(into: Export, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DlpulseError, match=r"^cannot write .*/out: (Not a directory|File exists)$"):
        into(tmp_path / "file" / "out")


@pytest.mark.skipif(shutil.which("mount") is None or os.geteuid() != 0, reason="only root may mount a small disk")
@pytest.mark.parametrize("size", ["120k", "200k", "400k"])
def test_a_full_disk_is_one_line_and_leaves_the_old_export(
    database: Path, into: Export, tmp_path: Path, size: str
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)], check=False)
    if mounted.returncode:
        pytest.skip("this machine does not let root mount a small disk")
    try:
        with pytest.raises(DlpulseError, match=r"^cannot write .*/out: No space left on device$"):
            into(disk / "out")
        assert list(disk.iterdir()) == []
        export(database, Order(disk / "small", tables=["meta_runs"]), NOW, lambda *_: None)
        before = snapshot(disk / "small")
        with pytest.raises(DlpulseError, match=r"No space left on device$"):
            into(disk / "small")
        assert snapshot(disk / "small") == before
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_there_is_a_whole_export_at_every_instant(into: Export, tmp_path: Path) -> None:
    into(tmp_path / "out")
    looks, faults, over = 0, [], threading.Event()

    def look() -> None:
        nonlocal looks
        while not over.is_set():
            try:
                json.loads((tmp_path / "out" / "datapackage.json").read_bytes())
                looks += 1
            except (OSError, ValueError) as error:
                faults.append(error)

    reader = threading.Thread(target=look)
    reader.start()
    for _ in range(5):
        into(tmp_path / "out")
    over.set()
    reader.join()
    assert not faults
    assert looks > 100


@pytest.mark.parametrize("kills", [10, pytest.param(100, marks=pytest.mark.long)])
def test_kills_leave_the_old_export_or_the_new_one_and_the_next_one_tidies_up(
    database: Path, into: Export, tmp_path: Path, kills: int
) -> None:
    out, chance = tmp_path / "out", random.Random(kills)
    into(out)
    in_time = 0
    for number in range(kills):
        before = description(out)["created"]
        process = start(database, out, DLPULSE_NOW=f"2026-11-24T00:{number % 60:02}:00")
        deadline = time.monotonic() + 30
        while not list(tmp_path.glob(".out.*")) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.7))
        process.send_signal(signal.SIGKILL)
        in_time += process.wait() == -signal.SIGKILL
        assert is_whole(out)
        assert description(out)["created"] in (before, f"2026-11-24T00:{number % 60:02}:00Z")
    assert in_time > kills / 4
    into(out)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_two_exports_at_once_leave_one_whole_export(database: Path, tmp_path: Path) -> None:
    both = [start(database, tmp_path / "out") for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    assert is_whole(tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_ctrl_c_leaves_nothing_half(database: Path, tmp_path: Path) -> None:
    process = start(database, tmp_path / "out")
    while not list(tmp_path.glob(".out.*")) and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    # -SIGINT: it came when all was done and Python was closing down; a shell shows 130 for it too.
    assert process.wait(60) in (130, 0, -signal.SIGINT)
    assert [path.name for path in tmp_path.iterdir()] in ([], ["out"])


def test_where_folders_cannot_change_places_a_kill_between_the_two_renames_is_mended(
    into: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exportfolder, "_exchange", lambda *_: False)  # as on some network file systems
    into(tmp_path / "out")
    before = snapshot(tmp_path / "out")
    into(tmp_path / "out")
    assert snapshot(tmp_path / "out") == before
    work = tmp_path / ".out.x.dlpulse-export"
    work.mkdir()
    (work / "lock").touch()
    (tmp_path / "out").rename(work / "old")
    (tmp_path / "other").mkdir()
    with pytest.raises(BadInputError), exportfolder.replacing(tmp_path / "out", lambda: _refuse(tmp_path / "out")):
        pass
    assert snapshot(tmp_path / "out") == before


def _refuse(folder: Path) -> None:
    raise BadInputError(f"{folder} is not to be replaced")


def test_ten_times_the_rows_do_not_take_twice_the_memory(database: Path, tmp_path: Path) -> None:
    peaks = []
    for rows in (150_000, 1_500_000):
        home = tmp_path / f"home{rows}"
        home.mkdir()
        shutil.copy(database, home)
        with duckdb.connect(str(home / "dlpulse.duckdb")) as connection:
            connection.execute(
                "create table fct_big as select range as id, 'some text ' || range as title, "
                "(select min(response_id) from meta_responses) as response_id "
                f"from range({rows})"
            )
        process = start(home / "dlpulse.duckdb", tmp_path / "out")
        _, status, usage = os.wait4(process.pid, 0)
        assert status == 0
        peaks.append(usage.ru_maxrss)
        assert {one["dlpulse:rows"] for one in description(tmp_path / "out")["resources"]} >= {rows}
    assert peaks[1] < 2 * peaks[0], peaks
