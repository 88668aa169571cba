"""A benchmark run: device, parity proofs, then trials in random interleaved order, each stored as it ends."""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import filelock

from bench import data, device
from bench.engines import EngineSpec, choose
from bench.launch import ARGUMENTS, TUNINGS, Worker, WorkerFailed, environment, outer_environment, telling
from bench.protocol import FULL, QUICK, Planned, Protocol, plan
from bench.trial import Job
from warehouse.errors import BadInputError, DlpulseError, nearest
from warehouse.parse import Rejected
from warehouse.parse.bench import parse
from warehouse.raw import Archive, Run
from warehouse.settings import Settings

SOURCE = "bench"
Progress = Callable[[int, int, str], None]
"""Called with steps done, steps planned, and what comes next."""


@dataclass
class Summary:
    """What a run brought. `failures` make the exit code 1; `notes` do not."""

    run_id: str
    device_id: str
    trials: int = 0
    proved: dict[str, bool] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def has_result(archive: Archive, device_id: str) -> bool:
    """Tell whether the archive holds a trial of this device that gives facts."""
    for response in archive.responses(SOURCE):
        try:
            if any(table == "bench_trials" and row["device_id"] == device_id for table, row in parse(response)):
                return True
        except Rejected:
            continue
    return False


def this_device() -> str:
    """Return the device_id of the machine this runs on."""
    return str(device.describe(())["device_id"])


def run(
    settings: Settings,
    *,
    quick: bool,
    progress: Progress | None = None,
    engines: Sequence[str] | None = None,
    dataset: str = "digits",
    seed: int = 0,
    protocol: Protocol | None = None,
) -> Summary:
    """Prove and time the engines on this device, into the raw archive under `settings.raw`.

    Raises:
        BadInputError: unknown engine, data set or tuning.
        DlpulseError: a library is missing, or another run is under way (it would spoil both).
    """
    specs = choose(engines)
    loaded = data.load(dataset)
    chosen = protocol or (QUICK if quick else FULL)
    for tuning in chosen.tunings:
        if tuning not in TUNINGS:
            raise BadInputError(f"unknown tuning {tuning!r}{nearest(tuning, TUNINGS)}")
    with _alone(settings.home), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.npz"
        loaded.save(path)
        parameters = {"seed": seed, "dataset": dataset, "quick": quick, **asdict(chosen)}
        with Archive(settings.raw).start(SOURCE, settings.clock, **parameters) as archive_run:
            session = _Session(archive_run, chosen, specs, loaded, path, seed, progress or _silent)
            return session.run()


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Keep other benchmarks of this home away."""
    lock = filelock.FileLock(home / "bench.lock", timeout=0)
    try:
        home.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except filelock.Timeout:
        raise DlpulseError("another benchmark is running; two at once would spoil each other's times") from None
    except OSError as error:
        raise DlpulseError(f"cannot benchmark in {home}: {error.strerror or error}") from None
    try:
        yield
    finally:
        lock.release()


def verify(engines: Sequence[str] | None, *, seed: int = 0, timeout: float = 300.0) -> dict[str, dict[str, Any]]:
    """Prove parity alone and return each engine's proof; stores nothing.

    Raises:
        DlpulseError: a library is missing or a worker crashed.
    """
    specs = choose(engines)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.npz"
        data.load("digits").save(path)
        answers = _prove(specs, path, seed, timeout)
    for answer in answers.values():
        if "error" in answer:
            raise DlpulseError(str(answer["error"]))
    return answers


def _silent(done: int, planned: int, title: str) -> None:
    """Show nothing."""


@dataclass
class _Session:
    archive_run: Run
    protocol: Protocol
    specs: list[EngineSpec]
    dataset: data.Dataset
    data_path: Path
    seed: int
    progress: Progress

    def run(self) -> Summary:
        began = time.monotonic()
        packages = [package for spec in self.specs for package in spec.packages]
        circumstances = device.describe(packages)
        self.device_id = str(circumstances["device_id"])
        self.summary = Summary(self.archive_run.run_id, self.device_id)
        self._store("device", circumstances)
        stages = plan(self.specs, self.protocol, random.Random(f"{self.seed}:{self.archive_run.run_id}"))
        self.planned, self.done = 1 + sum(map(len, stages)), 0
        self._parity()
        trials_began = time.monotonic()
        for number, stage in enumerate(stages):
            pace = (time.monotonic() - trials_began) / max(1, self.summary.trials)
            if number and not self._fits(stage, time.monotonic() - began + pace * len(stage)):
                continue
            for trial in stage:
                self._trial(trial)
        self.progress(self.done, self.done, "done")
        return self.summary

    def _parity(self) -> None:
        self.progress(self.done, self.planned, "parity in float64")
        for name, proof in _prove(self.specs, self.data_path, self.seed, self.protocol.timeout_s).items():
            self._store(f"parity:{name}", {**proof, "device_id": self.device_id, "data_sha256": self.dataset.sha256})
            self.summary.proved[name] = proof.get("proved", False)
            if "error" in proof:
                self.summary.failures.append(str(proof["error"]))
            elif not proof["proved"]:
                self.summary.failures.append(f"{name}: not the reference network, so not timed: {proof['faults'][0]}")
        self.done += 1

    def _fits(self, stage: Sequence[Planned], expected_s: float) -> bool:
        """Tell whether a further stage ends within the budget, going by the trials so far; say so when not."""
        if self.protocol.budget_s is None or expected_s <= self.protocol.budget_s:
            return True
        names = ", ".join(sorted({trial.tuning for trial in stage}))
        self.summary.notes.append(f"tuning {names} left out for lack of time; `dlpulse bench run` measures it")
        return False

    def _trial(self, trial: Planned) -> None:
        """Run one trial and store it; an engine that failed once is not asked again."""
        self.progress(self.done, self.planned, trial.title)
        self.done += 1
        name = trial.spec.name
        if not self.summary.proved.get(name):
            return
        job = Job(
            engine=name,
            tuning=trial.tuning,
            threads=device.usable_cores(),
            seed=self.seed,
            blocks=self.protocol.blocks,
            block_s=self.protocol.block_s,
        )
        body = self._measure(trial, job)
        self._store(f"trial:{name}", body)
        if "error" in body or not body["learned"]:
            self.summary.proved[name] = False
            reason = body.get("error") or f"{name}: did not learn (accuracy {body['accuracy']}); no result"
            self.summary.failures.append(str(reason))
        else:
            self.summary.trials += 1

    def _measure(self, trial: Planned, job: Job) -> dict[str, Any]:
        folder = self.data_path.parent
        variables = environment(trial.spec, trial.tuning, folder, outer_environment())
        body = {
            **asdict(job),
            "trial_id": f"{self.archive_run.run_id}-t{self.done:03d}",
            "device_id": self.device_id,
            "framework_id": trial.spec.framework_id,
            "dataset": self.dataset.name,
            "data_sha256": self.dataset.sha256,
            "launch": trial.launch,
            "argv": list(ARGUMENTS),
            "environment": telling(variables),
            "started_at": self.archive_run.clock().isoformat(),
        }
        request = {"kind": "trial", "job": asdict(job), "data": str(self.data_path)}
        try:
            with Worker(trial.spec, request, folder, variables) as worker:
                return {**body, **worker.result(self.protocol.timeout_s)}
        except WorkerFailed as error:
            return {**body, "error": str(error)}

    def _store(self, subject: str, body: dict[str, Any]) -> None:
        content = {**body, "kind": subject.partition(":")[0]}
        self.archive_run.write(subject, json.dumps(content, sort_keys=True).encode())


def _prove(specs: Sequence[EngineSpec], path: Path, seed: int, timeout: float) -> dict[str, dict[str, Any]]:
    """Prove all engines at once, since nothing is timed; a worker that fails gives `{"engine", "error"}`."""
    folder = path.parent
    threads = max(1, device.usable_cores() // len(specs))
    job = {"kind": "parity", "threads": threads, "seed": seed, "data": str(path)}
    # The numpy reference's own threads would spin against the engines'.
    alone = {"OPENBLAS_NUM_THREADS": "1"}
    answers: dict[str, dict[str, Any]] = {}
    with ExitStack() as stack:
        workers = []
        for spec in specs:
            variables = environment(spec, "stock", folder, outer_environment()) | alone
            workers.append(stack.enter_context(Worker(spec, {**job, "engine": spec.name}, folder, variables)))
        for worker in workers:
            name = worker.spec.name
            try:
                answers[name] = {"engine": name, **worker.result(timeout)}
            except WorkerFailed as error:
                answers[name] = {"engine": name, "error": str(error)}
    return answers
