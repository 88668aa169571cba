"""Whole runs in real processes: what is stored, what survives a kill, and what a crash says."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bench import engines, results, runner
from bench.engines import ENGINES, EngineSpec
from bench.launch import Worker, WorkerFailed, environment
from bench.protocol import QUICK, Protocol, plan
from warehouse.errors import DlpulseError
from warehouse.parse.bench import parse
from warehouse.parse.tables import TABLES, Rejected, Row
from warehouse.raw import Archive, Response
from warehouse.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
TINY = Protocol(launches=1, blocks=2, block_s=0.02, tunings=("stock",))
RUN_ONE = """
import sys
from pathlib import Path
from bench import runner
from bench.protocol import Protocol
from warehouse.settings import Settings
folder = Path(sys.argv[1])
protocol = Protocol(launches=50, blocks=2, block_s=0.02, tunings=("stock",))
runner.run(Settings(home=folder / "home", raw=folder / "raw"), quick=True, engines=["pytorch"], protocol=protocol)
"""


def parsed(archive: Archive) -> list[Row]:
    return [row for response in archive.responses("bench") for row in parse(response)]


def stored(archive: Archive, subject: str) -> list[Response]:
    return [response for response in archive.responses("bench") if response.subject.startswith(subject)]


@pytest.mark.engines
def test_a_run_stores_device_proofs_and_trials_that_parse_into_the_promised_columns(settings: Settings) -> None:
    seen: list[str] = []
    summary = runner.run(settings, quick=True, protocol=TINY, progress=lambda done, of, what: seen.append(what))
    assert (summary.trials, summary.failures) == (2, [])
    assert seen[0] == "parity in float64"
    rows = parsed(Archive(settings.raw))
    assert {table for table, _ in rows} == {"bench_devices", "bench_parity", "bench_trials"}
    assert all(set(row) == set(TABLES[table].names) for table, row in rows)
    trials = [row for table, row in rows if table == "bench_trials"]
    assert {row["engine"]: row["framework_id"] for row in trials} == {"keras-tensorflow": "keras", "pytorch": "pytorch"}
    metrics = {(row["phase"], row["metric"]) for row in trials if row["engine"] == "pytorch"}
    assert metrics >= {
        *(("training", name) for name in ("images_per_s", "images_per_cpu_s", "accuracy")),
        *(("inference", name) for name in ("images_per_s", "latency_p50_ms", "latency_p95_ms")),
        *(("setup", name) for name in ("import_s", "build_s", "first_step_s", "rss_mib")),
    }
    assert runner.has_result(Archive(settings.raw), summary.device_id)
    assert not runner.has_result(Archive(settings.raw), "another")
    body = stored(Archive(settings.raw), "trial:pytorch")[0].json()
    assert body["in_force"]["threads"] == body["threads"]
    assert body["environment"]["CUDA_VISIBLE_DEVICES"] == ""
    shown = results.read_run(Archive(settings.raw)).results()
    assert all(result.parity_proved and result.n == 1 for result in shown)


@pytest.mark.engines
def test_a_run_killed_in_the_middle_keeps_its_finished_trials_and_leaves_no_worker(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", RUN_ONE, str(tmp_path)], cwd=ROOT)
    archive = Archive(tmp_path / "raw")
    try:
        wait_until(lambda: len(stored(archive, "trial:")) >= 2, process)
        workers = children(process.pid)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    trials = {row["trial_id"] for table, row in parsed(archive) if table == "bench_trials"}
    assert len(trials) >= 2
    assert results.read_run(archive).results()[0].n == len(trials)
    wait_until(lambda: not any(alive(worker) for worker in workers))


def test_a_crashing_worker_gives_one_line_with_the_engine_and_its_last_words(tmp_path: Path) -> None:
    broken = replace(ENGINES["pytorch"], name="broken")
    job = {"kind": "parity", "data": str(tmp_path / "absent.npz")}
    with Worker(broken, job, tmp_path, plain(broken, tmp_path)) as worker, pytest.raises(WorkerFailed) as failure:
        worker.result(60)
    assert str(failure.value).startswith("broken: worker failed with exit code 1: FileNotFoundError: ")
    assert "\n" not in str(failure.value)


def test_a_worker_killed_from_outside_is_named_with_its_signal(tmp_path: Path) -> None:
    spec = ENGINES["pytorch"]
    with Worker(spec, {}, tmp_path, plain(spec, tmp_path)) as worker:
        os.kill(worker.pid, signal.SIGKILL)
        with pytest.raises(WorkerFailed, match="pytorch: worker was ended by signal 9"):
            worker.result(60)


@pytest.mark.engines
def test_an_engine_that_crashes_is_recorded_without_facts_and_the_others_are_still_measured(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The worker knows no such engine and fails with a KeyError.
    monkeypatch.setitem(engines.ENGINES, "broken", replace(ENGINES["pytorch"], name="broken"))
    summary = runner.run(settings, quick=True, protocol=TINY, engines=["broken", "pytorch"], dataset="synthetic")
    assert summary.failures == ["broken: worker failed with exit code 1: KeyError: 'broken'"]
    assert (summary.trials, summary.proved) == (1, {"broken": False, "pytorch": True})
    (response,) = stored(Archive(settings.raw), "parity:broken")
    with pytest.raises(Rejected, match="parity could not be tried: broken: worker failed"):
        list(parse(response))
    assert {one.engine for one in results.read_run(Archive(settings.raw)).results()} == {"pytorch"}


def test_without_results_the_reader_is_told_how_to_get_them(settings: Settings) -> None:
    with pytest.raises(DlpulseError, match="no benchmark results yet: `dlpulse bench run --quick`"):
        results.read_run(Archive(settings.raw))


def test_a_worker_does_not_inherit_paths_and_the_tuning_wins(tmp_path: Path) -> None:
    paths = {"PATH": "/bin", "PYTHONPATH": "/x", "LD_LIBRARY_PATH": "/x"}
    outer = {**paths, "OMP_NUM_THREADS": "1", "MALLOC_MMAP_MAX_": "9"}
    variables = environment(ENGINES["keras-tensorflow"], "tuned", tmp_path, outer)
    assert "PYTHONPATH" not in variables
    assert "LD_LIBRARY_PATH" not in variables
    assert variables["OMP_NUM_THREADS"] == "1"
    assert variables["MALLOC_MMAP_MAX_"] == "0"
    assert variables["KERAS_BACKEND"] == "tensorflow"


def test_a_missing_library_is_named_with_the_way_to_add_it(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = EngineSpec("odd", "odd", "bench.engines.odd", needs=("no_such_library",), packages=())
    monkeypatch.setitem(engines.ENGINES, "odd", spec)
    with pytest.raises(DlpulseError, match=r"needs no_such_library: add it with .* 'dlpulse\[bench\]'"):
        engines.choose(["odd"])


def test_every_round_has_each_configuration_once_in_an_order_that_the_seed_decides() -> None:
    specs = list(ENGINES.values())
    protocol = replace(TINY, launches=20, tunings=("stock", "tuned"))
    (stage,) = plan(specs, protocol, random.Random(1))
    rounds = [[(one.spec.name, one.tuning) for one in stage[start : start + 4]] for start in range(0, 80, 4)]
    assert all(len(set(one)) == 4 for one in rounds)
    assert len({tuple(one) for one in rounds}) > 5
    assert plan(specs, protocol, random.Random(1)) == [stage]


def test_with_a_budget_the_stock_tuning_is_whole_before_the_tuned_one_begins() -> None:
    stages = plan(list(ENGINES.values()), QUICK, random.Random(0))
    assert [{one.tuning for one in stage} for stage in stages] == [{"stock"}, {"tuned"}]
    assert [len(stage) for stage in stages] == [6, 6]


def test_two_benchmarks_at_once_are_refused(settings: Settings) -> None:
    import filelock

    settings.home.mkdir(parents=True)
    with (
        filelock.FileLock(settings.home / "bench.lock"),
        pytest.raises(DlpulseError, match="another benchmark is running"),
    ):
        runner.run(settings, quick=True, protocol=TINY, engines=["pytorch"], dataset="synthetic")


def plain(spec: EngineSpec, folder: Path) -> dict[str, str]:
    return environment(spec, "stock", folder, os.environ)


def wait_until(condition: object, process: subprocess.Popen[bytes] | None = None) -> None:
    """Poll for up to four minutes; a process that ends early ends the wait."""
    for _ in range(2400):
        if condition():  # type: ignore[operator]
            return
        assert process is None or process.poll() is None, "the run ended early"
        time.sleep(0.1)
    raise AssertionError("it did not happen")


def children(pid: int) -> list[int]:
    listing = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in listing.stdout.split()]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
