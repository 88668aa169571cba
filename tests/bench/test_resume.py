"""What survives `kill -9` and Ctrl-C, how a run goes on afterwards, and when it must not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench import resume, runner
from bench.protocol import Protocol
from bench.wanted import Wanted
from tests.conftest import environment
from warehouse.errors import BadInputError, DlpulseError
from warehouse.raw import Archive, Response
from warehouse.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
BEGIN = """
import sys
from pathlib import Path
from bench import runner
from bench.protocol import Protocol
from bench.wanted import Wanted
from warehouse.settings import Settings
home = Path(sys.argv[1])
settings = Settings(home=home, raw=home / "raw")
tiny = Protocol("tiny", 3, 2, 0.02, tracks=("matched",), tunings=("stock",), bounds=False)
runner.run(settings, runner.prepare(settings, Wanted(tiny, engines=("pytorch",), dataset="digits", threads=1)))
"""
TRIAL: dict[str, Any] = {
    "kind": "trial",
    **{"engine": "pytorch", "mode": "eager", "track": "matched", "tuning": "stock", "stack": "", "control": False},
    **{"trial_kind": "throughput", "launch": 1, "seed": 0, "batch_sizes": [128], "learned": True, "took_s": 4.5},
    "measurements": [{"phase": "training", "metric": "images_per_s", "batch_size": 128, "value": 3000.0}],
}


@pytest.mark.engines
def test_a_run_killed_then_stopped_by_ctrl_c_goes_on_until_every_trial_is_there_once(tmp_path: Path) -> None:
    home = tmp_path / "home"
    archive = Archive(home / "raw")
    killed = started([sys.executable, "-c", BEGIN, str(home)], home)
    wait_until(lambda: len(trials(archive)) == 1, killed)
    workers = end(killed, signal.SIGKILL)
    assert killed.returncode == -signal.SIGKILL
    wait_until(lambda: not any(alive(worker) for worker in workers))

    dlpulse = [sys.executable, "-m", "dlpulse", "bench", "run", "--resume"]
    stopped = started([*dlpulse, "last"], home)
    wait_until(lambda: len(trials(archive)) == 2, stopped)
    workers = end(stopped, signal.SIGINT)
    assert stopped.returncode == 130
    assert workers
    assert not any(alive(worker) for worker in workers)
    run_id = trials(archive)[0]["bench_run"]
    assert f"go on with: dlpulse bench run --resume {run_id}" in told(home)

    last = started([*dlpulse, run_id], home)
    last.wait(300)
    assert last.returncode == 0, told(home)
    bodies = trials(archive)
    assert sorted(body["launch"] for body in bodies) == [1, 2, 3]
    assert {body["bench_run"] for body in bodies} == {run_id}
    assert len({body["trial_id"] for body in bodies}) == 3
    kinds = Counter(response.subject for response in archive.responses("bench"))
    assert (kinds["plan"], kinds["parity:pytorch"], kinds["device"]) == (1, 1, 3)


def test_what_is_done_is_read_with_its_value_and_what_it_took(settings: Settings) -> None:
    run_id = planned(settings, TRIAL, {**TRIAL, "launch": 2, "error": "it crashed"}, {**TRIAL, "launch": 2, "seed": 9})
    past = resume.read(Archive(settings.raw))
    assert past.run_id == run_id
    assert [(one.trial.launch, one.trial.seed, one.value, one.took_s) for one in past.finished] == [
        (1, 0, 3000.0, 4.5),
        (2, 9, 3000.0, 4.5),
    ]
    left = [trial for trial in past.plan.trials if trial not in past.trials]
    assert [(trial.launch, trial.seed) for trial in left] == [(2, 0), (3, 0)]


def test_what_proofs_bounds_and_failed_launches_took_is_read_and_what_is_untold_counts_nothing(
    settings: Settings,
) -> None:
    proof = {"kind": "parity", **{name: TRIAL[name] for name in ("engine", "mode", "track", "tuning", "stack")}}
    run_id = planned(
        settings,
        {**proof, "proved": True, "took_s": 10.0},
        {**proof, "error": "it crashed", "took_s": 2.0},
        {**proof, "proved": True},
        {"kind": "bounds", "took_s": 20.0},
        {"kind": "bounds", "error": "it crashed", "took_s": 0.5},
        {**TRIAL, "error": "it crashed", "took_s": 3.0},
        {**TRIAL, "learned": False, "took_s": 4.0},
        TRIAL,
        {**TRIAL, "bench_run": "another", "took_s": 99.0, "error": "it crashed"},
    )
    past = resume.read(Archive(settings.raw), run_id)
    assert past.beside_s == 39.5
    assert [one.took_s for one in past.finished] == [4.5]


def test_a_run_does_not_go_on_with_another_device_or_version(settings: Settings) -> None:
    run_id = planned(settings)
    past = resume.read(Archive(settings.raw), run_id)
    past.check({"device_id": "d1"}, {"torch": "2.13.0"})
    with pytest.raises(DlpulseError, match="is of device d1, this is d2: start a new run"):
        past.check({"device_id": "d2"}, {"torch": "2.13.0"})
    with pytest.raises(DlpulseError, match=r"cannot go on: jax absent is now 0\.10\.2, torch 2\.13\.0 is now 2\.14\.0"):
        past.check({"device_id": "d1"}, {"torch": "2.14.0", "jax": "0.10.2"})


@pytest.mark.parametrize(
    ("now", "change"),
    [
        ({"python": "3.12.1"}, "python 3.11.7 is now 3.12.1"),
        ({"git_commit": "b"}, "git_commit a is now b"),
        ({"git_changed": True}, "git_changed False is now True"),
        ({"environment": {"LANG": "C"}}, "LANG absent is now C, OMP_WAIT_POLICY PASSIVE is now absent"),
    ],
    ids=lambda value: "" if isinstance(value, str) else next(iter(value)),
)
def test_a_run_goes_on_only_with_the_python_code_and_variables_it_began_with(
    settings: Settings, now: dict[str, Any], change: str
) -> None:
    begun: dict[str, Any] = {"device_id": "d1", "python": "3.11.7", "git_commit": "a", "git_changed": False}
    begun["environment"] = {"OMP_WAIT_POLICY": "PASSIVE"}
    run_id = planned(settings, {"kind": "device", **begun}, {"kind": "device", **begun, **now})
    past = resume.read(Archive(settings.raw), run_id)
    past.check({**begun, "load_average": [9.0]}, past.versions)
    with pytest.raises(DlpulseError) as failure:
        past.check({**begun, **now}, past.versions)
    assert str(failure.value) == f"run {run_id} cannot go on: {change}; start a new run"


def test_an_unknown_run_and_an_empty_archive_get_one_line(settings: Settings) -> None:
    with pytest.raises(DlpulseError, match="there is no benchmark run to resume: `dlpulse bench run` starts one"):
        resume.read(Archive(settings.raw))
    run_id = planned(settings)
    with pytest.raises(BadInputError, match=f"--resume {run_id[:-1]}: there is no such run with a plan; did you mean"):
        resume.read(Archive(settings.raw), run_id[:-1])


def planned(settings: Settings, *bodies: dict[str, Any]) -> str:
    """Archive a plan of three launches and what was done of it; returns the run's id."""
    tiny = Protocol("tiny", 3, 2, 0.02, tracks=("matched",), tunings=("stock",))
    ready = runner.prepare(settings, Wanted(tiny, engines=("pytorch",), dataset="synthetic"))
    plan = {"kind": "plan", **ready.plan.as_json(), "device_id": "d1", "versions": {"torch": "2.13.0"}}
    with Archive(settings.raw).start("bench", settings.clock) as run:
        for body in (plan, *bodies):
            run.write(body["kind"], json.dumps({"bench_run": run.run_id, **body}).encode())
    return run.run_id


def trials(archive: Archive) -> list[dict[str, Any]]:
    found: list[Response] = [one for one in archive.responses("bench") if one.subject == "trial:pytorch"]
    return [one.json() for one in found]


def started(command: list[str], home: Path) -> subprocess.Popen[bytes]:
    home.mkdir(parents=True, exist_ok=True)
    with (home / "stderr").open("wb") as stderr, (home / "stdout").open("wb") as stdout:
        return subprocess.Popen(command, cwd=ROOT, env=environment(home), stdout=stdout, stderr=stderr)


def told(home: Path) -> str:
    """Return what the last process said on stderr."""
    return (home / "stderr").read_text("utf-8")


def end(process: subprocess.Popen[bytes], number: int) -> list[int]:
    """Send the signal while a worker runs; return the workers' process ids."""
    wait_until(lambda: bool(children(process.pid)), process)
    workers = children(process.pid)
    process.send_signal(number)
    process.wait(60)
    return workers


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[bytes] | None = None) -> None:
    """Poll for up to four minutes; a process that ends early ends the wait."""
    for _ in range(2400):
        if condition():
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
