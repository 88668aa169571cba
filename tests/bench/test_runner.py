"""Whole runs in real processes: what is stored, what a crash says, and what a worker may and may not inherit."""

from __future__ import annotations

import itertools
import os
import random
import re
import signal
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import filelock
import pytest

from bench import engines, progress, proving, runner, session, wanted
from bench.data import Dataset
from bench.device import usable_cores
from bench.engines import ENGINES, EngineSpec
from bench.files import Files
from bench.job import Job
from bench.launch import Worker, WorkerFailed, environment, telling
from bench.progress import Step
from bench.protocol import (
    FULL,
    QUICK,
    STANDARD,
    Conditions,
    Contestant,
    Field,
    Plan,
    Planned,
    Protocol,
    Proving,
    plan,
)
from bench.resume import Finished, Past
from bench.session import Session
from bench.stackfile import Stack
from bench.summary import Summary
from bench.wanted import Wanted
from bench.worker import bind
from warehouse.errors import BadInputError, DlpulseError
from warehouse.raw import Archive, Response
from warehouse.settings import Settings

TINY = Protocol("tiny", 1, blocks=2, block_s=0.02, tracks=("matched",), tunings=("stock",), bounds=False)
LAST = Field("pytorch", "channels_last", "s")
EAGER = Proving("pytorch", "eager", "matched", "stock", "")


def stored(settings: Settings, subject: str) -> list[Response]:
    return [one for one in Archive(settings.raw).responses("bench") if one.subject.startswith(subject)]


@pytest.mark.engines
def test_a_run_stores_device_plan_proof_and_trial_and_leaves_out_what_crashes(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The worker knows no such engine and fails with a KeyError.
    monkeypatch.setitem(engines.ENGINES, "broken", replace(ENGINES["pytorch"], name="broken"))
    asked = Wanted(replace(TINY, batch_sizes=(64, 8)), engines=("broken", "pytorch"), dataset="synthetic", threads=1)
    steps: list[Step] = []
    summary = runner.run(settings, runner.prepare(settings, asked), progress=steps.append)
    assert summary.failures == ["broken: worker failed with exit code 1: KeyError: 'broken'"]
    assert summary.proved == {EAGER._replace(engine="broken"): False, EAGER: True}
    assert (summary.trials, summary.stopped) == (1, False)
    assert steps[0].title == "proofs of identity"
    assert (steps[-1].title, steps[-1].done, steps[-1].planned) == ("done", 1, 1)
    kinds = [response.subject for response in Archive(settings.raw).responses("bench")]
    assert sorted(kinds[1:-1]) == ["device", "parity:broken", "parity:pytorch", "plan", "trial:pytorch"]
    (proof,) = stored(settings, "parity:pytorch")
    assert {"engine": "pytorch", "mode": "eager", "track": "matched", "proved": True}.items() <= proof.json().items()
    (trial,) = stored(settings, "trial:pytorch")
    body = trial.json()
    assert body["bench_run"] == trial.run_id == summary.run_id
    assert (body["trial_kind"], body["batch_sizes"], body["launch"], body["control"]) == (
        "throughput",
        [64, 8],
        1,
        False,
    )
    assert (body["in_force"]["threads"], len(body["in_force"]["affinity"])) == (1, 1)
    assert body["environment"]["CUDA_VISIBLE_DEVICES"] == ""
    assert body["took_s"] > 0
    told = {(one["phase"], one["metric"], one["batch_size"]) for one in body["measurements"]}
    assert told >= {
        *(("training", name, size) for name in ("images_per_s", "images_per_cpu_s") for size in (64, 8)),
        *(("training", name, 64) for name in ("cores_used", "page_faults")),
        *(("inference", name, 1) for name in ("latency_p50_ms", "latency_p95_ms")),
        *(("setup", name, 64) for name in ("import_s", "build_s", "first_step_s", "rss_mib")),
    }
    assert runner.has_result(Archive(settings.raw), summary.device_id)
    assert not runner.has_result(Archive(settings.raw), "another")


def test_a_crashing_worker_gives_one_line_with_the_engine_and_its_last_words(tmp_path: Path) -> None:
    request = {"kind": "trial", "job": asdict(Job("pytorch", "eager", "matched", "stock", 1, 0)), "data": "absent.npz"}
    with Worker("broken", request, tmp_path, plain(tmp_path)) as worker, pytest.raises(WorkerFailed) as failure:
        worker.result(60)
    assert str(failure.value).startswith("broken: worker failed with exit code 1: FileNotFoundError: ")
    assert "\n" not in str(failure.value)


def test_a_worker_killed_from_outside_is_named_with_its_signal(tmp_path: Path) -> None:
    with Worker("pytorch", {}, tmp_path, plain(tmp_path)) as worker:
        os.kill(worker.pid, signal.SIGKILL)
        with pytest.raises(WorkerFailed, match="pytorch: worker was ended by signal 9"):
            worker.result(60)


def test_a_worker_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    sleeper = ["sleep", "60"]
    with Worker("slow", {}, tmp_path, plain(tmp_path), sleeper) as worker:
        with pytest.raises(WorkerFailed, match=r"slow: no result after 0 s; its worker was ended"):
            worker.result(0.2)
        pid = worker.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_another_command_can_run_the_worker(tmp_path: Path) -> None:
    echo = ["sh", "-c", 'read request; echo "$request"']
    with Worker("echo", {"kind": "said"}, tmp_path, plain(tmp_path), echo) as worker:
        assert worker.result(60) == {"kind": "said"}


def test_a_worker_does_not_inherit_paths_and_the_tuning_wins(tmp_path: Path) -> None:
    paths = {"PATH": "/bin", "PYTHONPATH": "/x", "LD_LIBRARY_PATH": "/x"}
    outer = {**paths, "OMP_WAIT_POLICY": "PASSIVE", "MALLOC_MMAP_MAX_": "9", "SECRET": "s"}
    variables = environment(ENGINES["keras-tensorflow"], "tuned", tmp_path, outer)
    assert not variables.keys() & {"PYTHONPATH", "LD_LIBRARY_PATH", "SECRET"}
    assert variables["OMP_WAIT_POLICY"] == "PASSIVE"
    assert variables["MALLOC_MMAP_MAX_"] == "0"
    assert variables["KERAS_BACKEND"] == "tensorflow"


def test_what_a_worker_leaves_in_its_temporary_folder_goes_with_the_run(tmp_path: Path) -> None:
    left = ["sh", "-c", 'read request; touch "$TMPDIR/left"; echo "{}"']
    with Worker("leaver", {}, tmp_path, environment(None, "stock", tmp_path, {"TMPDIR": "/elsewhere"}), left) as worker:
        worker.result(60)
    assert (tmp_path / "left").exists()


def test_accelerators_are_hidden_on_the_cpu_only(tmp_path: Path) -> None:
    outer = {"CUDA_VISIBLE_DEVICES": "1"}
    spec = ENGINES["pytorch"]
    assert environment(spec, "stock", tmp_path, outer)["CUDA_VISIBLE_DEVICES"] == ""
    assert environment(spec, "stock", tmp_path, outer, device="cuda")["CUDA_VISIBLE_DEVICES"] == "1"


def test_keras_on_pytorch_is_told_the_device_since_it_would_take_any_gpu_that_it_sees(tmp_path: Path) -> None:
    outer = {"KERAS_TORCH_DEVICE": "mps"}
    told = {
        kind: environment(ENGINES["keras-torch"], "stock", tmp_path, outer, device=kind)["KERAS_TORCH_DEVICE"]
        for kind in ("cpu", "mps", "cuda", "rocm")
    }
    assert told == {"cpu": "cpu", "mps": "mps", "cuda": "cuda", "rocm": "cuda"}
    assert "KERAS_TORCH_DEVICE" not in environment(ENGINES["keras-jax"], "stock", tmp_path, {})


def test_stored_variables_hold_no_paths_and_preloads_by_name() -> None:
    variables = {"HOME": "/home/me", "TF_CACHE": "/home/me/c", "LD_PRELOAD": "/usr/lib/libjemalloc.so.2", "OMP_X": "1"}
    assert telling(variables) == {"LD_PRELOAD": "libjemalloc.so.2", "OMP_X": "1"}


def test_no_secret_and_no_kept_compilation_reaches_a_worker_or_the_archive(tmp_path: Path) -> None:
    kept = {"NVIDIA_API_KEY": "s", "TF_VAR_db_password": "s", "TF_TOKEN_app": "s", "JAX_COMPILATION_CACHE_DIR": "/c"}
    variables = environment(ENGINES["jax"], "stock", tmp_path, {**kept, "XLA_FLAGS": "--xla_dump_to=/home/me/x"})
    assert not variables.keys() & kept.keys()
    told = telling({**kept, **variables})
    assert told["XLA_FLAGS"] == "--xla_dump_to=PATH"
    assert "s" not in told.values()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system binds no process")
def test_a_worker_is_bound_to_as_many_processors_as_it_has_threads() -> None:
    before = os.sched_getaffinity(0)
    try:
        found = bind(1)
        assert found == sorted(os.sched_getaffinity(0))
        assert len(found) == 1
    finally:
        os.sched_setaffinity(0, before)


def test_a_missing_library_is_named_with_the_way_to_add_it(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = EngineSpec("odd", "odd", "bench.engines.odd", modes={"plain": ""}, needs=("no_such_library",), packages=())
    monkeypatch.setitem(engines.ENGINES, "odd", spec)
    with pytest.raises(DlpulseError, match=r"needs no_such_library: add it with .* 'dlpulse\[bench\]'"):
        engines.choose(["odd"])


def test_what_does_not_fit_the_data_is_left_out_with_a_note(settings: Settings) -> None:
    asked = Wanted(replace(FULL, learning_seeds=2), engines=("pytorch",), dataset="synthetic", precision="float64")
    ready = runner.prepare(settings, asked)
    assert ready.notes == [
        "track default left out: its tutorials train in float32, not float64",
        "learning trials left out: an accuracy on synthetic data would mean nothing",
    ]
    assert {trial.contestant.track for trial in ready.plan.trials} == {"matched"}


def test_bfloat16_needs_a_cpu_that_has_it_and_is_told_to_be_proved_in_other_precisions(
    digits: Dataset, tmp_path: Path
) -> None:
    asked, notes = Wanted(STANDARD, precision="bfloat16"), list[str]()
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text("flags : avx2 avx512_bf16\n", "utf-8")
    assert wanted.fitting(asked, "cpu", digits, notes, root=tmp_path).tracks == ("matched",)
    assert notes == [
        "bfloat16 keeps 3 digits: the proofs are of the same programs in float64 and float32",
        "track default left out: its tutorials train in float32, not bfloat16",
    ]
    (tmp_path / "proc/cpuinfo").write_text("flags : avx2\n", "utf-8")
    with pytest.raises(DlpulseError, match=r"^--precision bfloat16: this CPU tells none of .*; emulated it would be"):
        wanted.fitting(asked, "cpu", digits, notes, root=tmp_path)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (Wanted(replace(STANDARD, tunings=("stok",))), "unknown tuning 'stok'; did you mean stock?"),
        (
            Wanted(STANDARD, precision="float16"),
            "unknown precision 'float16'; did you mean bfloat16 or float64 or float32?",
        ),
        (Wanted(STANDARD, modes=("graf",)), "--mode graf: the chosen engines have no such mode; did you mean graph?"),
        (Wanted(STANDARD, engines=("pytroch",)), "unknown engine 'pytroch'; did you mean pytorch?"),
        (Wanted(STANDARD, dataset="digit"), "unknown data set 'digit'; did you mean digits?"),
        (
            Wanted(replace(STANDARD, batch_sizes=(2000,))),
            "--batch-size 2000: a trial on digits has 1,437 images to train on",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_wish_gets_one_line(settings: Settings, asked: Wanted, message: str) -> None:
    with pytest.raises(BadInputError) as failure:
        runner.prepare(settings, asked)
    assert str(failure.value) == message


def test_more_threads_than_cores_are_refused() -> None:
    with pytest.raises(BadInputError, match=r"--threads 10000: this process may use \d+ cores"):
        wanted.threads(10_000)


@pytest.mark.skipif(usable_cores() < 2, reason="one core has no smaller quota that counts")
def test_a_cpu_quota_decides_the_threads_and_is_named_where_it_refuses_more(tmp_path: Path) -> None:
    (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
    (tmp_path / "sys/fs/cgroup/cpu.max").write_text("50000 100000\n", "utf-8")
    assert wanted.threads(None, root=tmp_path) == wanted.threads(1, root=tmp_path) == 1
    message = rf"--threads 2: this process may use 0\.5 of {usable_cores()} cores at a time, its CPU quota; more would"
    with pytest.raises(BadInputError, match=message):
        wanted.threads(2, root=tmp_path)


def test_two_benchmarks_at_once_are_refused(settings: Settings) -> None:
    ready = runner.prepare(settings, Wanted(TINY, engines=("pytorch",), dataset="synthetic"))
    settings.home.mkdir(parents=True)
    with (
        filelock.FileLock(settings.home / "bench.lock"),
        pytest.raises(DlpulseError, match="another benchmark is running"),
    ):
        runner.run(settings, ready)


def test_a_stack_that_was_removed_before_the_run_began_is_named(settings: Settings, tmp_path: Path) -> None:
    ready = runner.prepare(settings, Wanted(TINY, engines=("pytorch",), dataset="synthetic"))
    gone = Stack("old", ("torch==2.12.0",), ("pytorch",), tmp_path / "stacks")
    with pytest.raises(DlpulseError, match=r"^stack 'old' has been removed meanwhile; start again$"):
        runner.run(settings, replace(ready, stacks=[gone]))
    assert stored(settings, "") == []


def plain(folder: Path) -> dict[str, str]:
    return environment(None, "stock", folder, os.environ)


ANSWERING = """
import json, os, sys, time
request = json.loads(sys.stdin.readline())
if request["kind"] == "parity":
    if os.path.exists(request["mode"] + " proof hangs"):
        time.sleep(60)
    wrong = request["mode"] == "channels_last"
    wrong |= os.path.exists("tuned is wrong") and "MALLOC_TOP_PAD_" in os.environ and request["mode"] == "eager"
    answer = {"proved": not wrong, "faults": ["logits differ by 1"] if wrong else [], "figures": {}}
    answer["threads"] = request["threads"]
else:
    job = request["job"]
    if os.path.exists(job["mode"] + " crashes once"):
        os.remove(job["mode"] + " crashes once")
        sys.exit("lost")
    if os.path.exists(job["mode"] + " crashes"):
        sys.exit("lost")
    if os.path.exists(job["mode"] + " hangs"):
        time.sleep(60)
    value = {"graph": 100.0, "eager": 100.0 + time.time_ns() % 50}[job["mode"]]
    one = {"phase": "training", "metric": "images_per_s", "unit": "images/s", "batch_size": 128, "value": value}
    learned = job["tuning"] == "stock"
    answer = {"measurements": [one], "learned": learned, "accuracy": 0.1, "in_force": {}}
print(json.dumps(answer))
"""


ARGV = {"s": [sys.executable, "-c", ANSWERING]}
CONDITIONS = Conditions(0, 1, "float32", "cpu", "digits", "")


def session_of(
    settings: Settings, protocol: Protocol, folder: Path, *, conditions: Conditions = CONDITIONS, **more: Any
) -> tuple[Summary, list[dict[str, Any]]]:
    """Run a plan of three engines whose worker is a small program that answers at once; return its trials' bodies."""
    fields = [Field("pytorch", "eager", "s"), Field("keras-tensorflow", "graph", "s"), LAST]
    planned = plan(fields, protocol, conditions, random.Random(0))
    files = Files(folder, folder, folder, folder / "p", "", folder)
    with Archive(settings.raw).start("bench", settings.clock) as run:
        summary = Session(run, planned, files, {"device_id": "d"}, argv=ARGV, **more).run()
    return summary, [response.json() for response in stored(settings, "trial:")]


def test_a_failed_proof_keeps_that_mode_from_being_timed_and_no_other(settings: Settings, tmp_path: Path) -> None:
    summary, bodies = session_of(settings, TINY, tmp_path)
    assert summary.failures == [
        "pytorch channels_last stock s: not the reference network, so not timed: logits differ by 1"
    ]
    assert sorted((body["mode"], body["control"]) for body in bodies) == [
        ("eager", False),
        ("eager", True),
        ("graph", False),
    ]


def test_a_proof_is_made_in_each_tunings_own_environment_and_counts_for_that_alone(
    settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "tuned is wrong").touch()
    summary, bodies = session_of(settings, replace(TINY, tunings=("stock", "tuned")), tmp_path)
    failed = [proving for proving, proved in summary.proved.items() if not proved]
    assert [(one.mode, one.tuning) for one in sorted(failed)] == [
        ("channels_last", "stock"),
        ("channels_last", "tuned"),
        ("eager", "tuned"),
    ]
    timed = {(body["mode"], body["tuning"]) for body in bodies}
    assert timed == {("eager", "stock"), ("graph", "stock"), ("graph", "tuned")}
    told = [response.json() for response in stored(settings, "parity:")]
    assert {(one["tuning"], one["stack"]) for one in told} == {("stock", "s"), ("tuned", "s")}


def test_what_does_not_learn_is_no_result_and_is_not_launched_again(settings: Settings, tmp_path: Path) -> None:
    summary, bodies = session_of(settings, replace(TINY, launches=3, tunings=("tuned",)), tmp_path)
    assert summary.trials == 0
    assert sorted(failure.partition(": ")[2] for failure in summary.failures[1:]) == [
        "did not learn (accuracy 0.1); no result"
    ] * len(bodies)
    assert len(bodies) == 2
    assert summary.notes == []


def test_a_trial_that_fails_once_is_done_again_and_both_are_stored_and_told(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "graph crashes once").touch()
    summary, bodies = session_of(settings, replace(TINY, launches=2), tmp_path)
    assert summary.notes == ["keras-tensorflow: worker failed with exit code 1: lost; tried once more"]
    assert len(summary.failures) == 1  # the proof that fails in any case
    graph = [(body["launch"], "error" in body) for body in bodies if body["mode"] == "graph"]
    assert graph == [(1, True), (1, False), (2, False)]
    assert len({body["trial_id"] for body in bodies}) == len(bodies)


def test_what_fails_twice_in_a_row_is_not_launched_again(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "graph crashes").touch()
    summary, bodies = session_of(settings, replace(TINY, launches=3), tmp_path)
    line = "keras-tensorflow: worker failed with exit code 1: lost"
    assert (summary.notes, summary.failures[1:]) == ([f"{line}; tried once more"], [line])
    assert [body["launch"] for body in bodies if body["mode"] == "graph"] == [1, 1]
    assert len(bodies) == 2 + 2 * 3


SHARED: dict[str, Any] = {"track": "matched", "tuning": "stock", "stack": "s"}
STACKED = [
    *(("pytorch", "eager", False), ("pytorch", "eager", True), ("keras-tensorflow", "graph", False)),
    ("pytorch", "channels_last", False),
]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let everything be expected to take half a second, so that what hangs is ended soon."""
    monkeypatch.setattr(progress, "START_S", 0.4)
    monkeypatch.setattr(session, "PROOF_S", 0.5)


@pytest.mark.usefixtures("impatient")
def test_a_launch_that_hangs_is_ended_with_the_budget_and_not_tried_again(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "graph hangs").touch()
    began = time.monotonic()
    summary, bodies = session_of(settings, replace(TINY, budget_s=6.0), tmp_path)
    assert time.monotonic() - began < 20
    assert (summary.notes, len(summary.failures)) == ([], 2)
    assert re.fullmatch(r"keras-tensorflow: no result after \d s; its worker was ended", summary.failures[1])
    assert sorted((body["mode"], "error" in body) for body in bodies) == [
        ("eager", False),
        ("eager", False),
        ("graph", True),
    ]


@pytest.mark.usefixtures("impatient")
def test_a_later_launch_that_the_budget_ends_before_it_can_be_called_hung_is_no_failure(
    settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "eager hangs").touch()
    protocol = replace(TINY, launches=2, budget_s=5.5)
    programs = [Contestant(mode=mode, engine=engine, control=control, **SHARED) for engine, mode, control in STACKED]
    past = Past("r", Plan(protocol, CONDITIONS, []), "d")
    past.proofs = {one.proving: {"proved": one.mode != "channels_last", "faults": ["other"]} for one in programs}
    # What takes a second is not taken to hang before fifteen are gone; 3.2 of the 5.5 are left.
    seconds = {"eager": 1.0, "graph": 0.3}
    past.finished = [Finished(Planned(one, 1, 0), 100.0, seconds[one.mode]) for one in programs[:3]]
    summary, bodies = session_of(settings, protocol, tmp_path, past=past)
    late = [body for body in bodies if body.get("out_of_time")]
    assert [(body["mode"], body["launch"], "error" in body) for body in late] == [("eager", 2, True)]
    assert len(summary.failures) == 1  # the proof that fails in any case
    line = r"pytorch: no result after [0-4] s; its worker was ended, as the budget was spent"
    assert [note for note in summary.notes if re.fullmatch(line, note)] == summary.notes[:1]


@pytest.mark.usefixtures("impatient")
def test_a_proof_that_hangs_is_ended_with_the_budget_and_the_others_are_made_and_timed(
    settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "graph proof hangs").touch()
    began = time.monotonic()
    summary, bodies = session_of(settings, replace(TINY, budget_s=6.0), tmp_path)
    assert time.monotonic() - began < 20
    assert [(one.mode, proved) for one, proved in sorted(summary.proved.items())] == [
        ("graph", False),
        ("channels_last", False),
        ("eager", True),
    ]
    assert any(re.fullmatch(r"keras-tensorflow: no result after [0-7] s; .* ended", one) for one in summary.failures)
    assert {(body["mode"], body["control"]) for body in bodies} == {("eager", False), ("eager", True)}


def test_a_quick_runs_launch_on_a_busy_machine_is_not_taken_to_hang_and_a_hung_proof_leaves_time_for_the_launches(
    settings: Settings, tmp_path: Path
) -> None:
    planned = plan([Field("keras-tensorflow", "graph"), Field("pytorch", "eager")], QUICK, CONDITIONS, random.Random(0))
    past = Past("r", planned, "d", has_bounds=True, beside_s=15.0)
    files = Files(tmp_path, tmp_path, tmp_path, tmp_path / "p", "", tmp_path)
    with Archive(settings.raw).start("bench", settings.clock) as run:
        one = Session(run, planned, files, {"device_id": "d"}, past=past)
    keras = next(trial for trial in planned.trials if trial.contestant.engine == "keras-tensorflow")
    # Healthy ones took up to 49 seconds where others were at work.
    assert 100.0 < one._patience(keras) < 130.0
    # Proofs first: what hangs there leaves time for the first round.
    assert one._patience_of_proofs(planned.proofs[:2]) == pytest.approx(60.0)


@pytest.mark.parametrize(("quota", "threads"), [("max", 2), ("200000", 1)])
def test_proofs_are_sized_by_the_cpu_quota(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str, threads: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
    (tmp_path / "sys/fs/cgroup/cpu.max").write_text(f"{quota} 100000\n", "utf-8")
    proofs = proving.prove(
        [EAGER._replace(stack="s")],
        tmp_path / "p",
        device_kind="cpu",
        seed=0,
        patience=lambda _: 60.0,
        argv=ARGV,
        root=tmp_path,
    )
    assert [answer["threads"] for _, answer in proofs] == [threads]


def test_what_proofs_and_bounds_took_is_stored_the_clock_counting_once_for_proofs_side_by_side(
    settings: Settings, tmp_path: Path
) -> None:
    began = time.monotonic()
    # No processor at all: the bounds fail at once, which takes its time too.
    session_of(settings, replace(TINY, bounds=True), tmp_path, conditions=replace(CONDITIONS, threads=0))
    gone = time.monotonic() - began
    took = [response.json()["took_s"] for response in stored(settings, "parity:")]
    assert len(took) == 3
    assert 0 < sum(took) < gone
    (bounds,) = stored(settings, "bounds")
    assert 0 < bounds.json()["took_s"] < gone


def test_a_resumed_run_has_spent_what_its_proofs_bounds_and_launches_took_once(
    settings: Settings, tmp_path: Path
) -> None:
    protocol = replace(TINY, launches=2, bounds=False).within(60.0)
    first = Contestant("pytorch", "eager", "matched", "stock", "s")
    past = Past("r", Plan(protocol, CONDITIONS, []), "d", has_bounds=True)
    past.finished = [Finished(Planned(first, launch, 0), 100.0, 15.0) for launch in (1, 2, 3)]
    past.beside_s = 15.0
    steps: list[Step] = []
    summary, bodies = session_of(settings, protocol, tmp_path, past=past, progress=steps.append)
    assert 60.0 <= steps[0].elapsed_s < 90.0
    assert (steps[0].done, summary.trials) == (3, 3 + len(bodies))
    # Of each other program the first round, and nothing of what is there.
    assert sorted((body["mode"], body["control"], body["launch"]) for body in bodies) == [
        ("eager", True, 1),
        ("graph", False, 1),
    ]


def test_a_budget_goes_on_after_three_launches_of_each_and_never_twice_in_a_row(
    settings: Settings, tmp_path: Path
) -> None:
    summary, bodies = session_of(settings, replace(TINY, bounds=False).within(4.0), tmp_path)
    launched = [(body["mode"], body["control"]) for body in bodies]
    assert sorted(launched[:9]) == [("eager", False)] * 3 + [("eager", True)] * 3 + [("graph", False)] * 3
    assert all(one != following for one, following in itertools.pairwise(launched[9:]))
    assert summary.trials == len(bodies)
    assert len({(body["mode"], body["control"], body["launch"]) for body in bodies}) == len(bodies)


def test_a_budget_that_is_spent_leaves_later_stages_out_with_a_note(settings: Settings, tmp_path: Path) -> None:
    protocol = replace(TINY, launches=2, tracks=("default", "matched"), budget_s=0.01)
    summary, bodies = session_of(settings, protocol, tmp_path)
    assert summary.notes == [
        "default stock: 1 of 2 launches only: this machine is slow or busy now",
        "matched stock left out for lack of time; `dlpulse bench run` measures it",
    ]
    assert {(body["track"], body["launch"]) for body in bodies} == {("default", 1)}
