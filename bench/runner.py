"""A benchmark run from what was asked for: plans it, keeps others away, and hands it to a session."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench import accelerators, data, device, resume, stackfile, stacks
from bench import wanted as wanting
from bench.alone import alone
from bench.engines import ENGINES, EngineSpec, choose
from bench.files import PROVING_DATASET, write_files
from bench.progress import Progress, silent
from bench.protocol import QUICK, Conditions, Field, Plan, Proving, groups, plan
from bench.proving import Argv, prove
from bench.resume import Past
from bench.session import Session
from bench.summary import Summary
from bench.wanted import Say, Wanted
from warehouse.errors import BadInputError, DlpulseError
from warehouse.parse import Rejected
from warehouse.parse.bench import parse
from warehouse.raw import Archive
from warehouse.settings import Settings

SOURCE = "bench"
_BUSY = "another benchmark is running; two at once would spoil each other's times"


@dataclass(frozen=True)
class Ready:
    """A run that may begin: its plan and data, the library versions it is about, and what there is of it already."""

    plan: Plan
    loaded: data.Dataset
    versions: Mapping[str, str]
    circumstances: Mapping[str, Any]
    stacks: Sequence[stackfile.Stack] = ()
    past: Past | None = None
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


def prepare(settings: Settings, wanted: Wanted, *, say: Say | None = None) -> Ready:
    """Check what was asked for and plan it. With `say` also make the environments of a matrix file, saying how far.

    Raises:
        BadInputError: an unknown engine, mode, tuning, data set or device, or numbers that do not fit this machine.
        DlpulseError: a library, a data set or a device is missing.
    """
    notes: list[str] = []
    known = stackfile.read(wanted.matrix, _stacks_folder(settings)) if wanted.matrix else []
    fields = wanting.entered(wanted, known)
    specs = _specs(fields)
    kind = accelerators.choose(wanted.device, accelerators.detect(), *specs)
    loaded = data.load(wanted.dataset, cache=_cache(settings) / "datasets")
    protocol = wanting.fitting(wanted, kind, loaded, notes)
    threads = wanting.threads(wanted.threads)
    conditions = Conditions(wanted.seed, threads, wanted.precision, kind, loaded.name, loaded.sha256)
    if say and known:
        known = wanting.made(known, wanted.agree, say, notes)
        fields = [one for one in fields if one.stack in {stack.name for stack in known}]
    planned = plan(fields, protocol, conditions, random.Random(f"{wanted.seed}:{settings.clock()}"))
    if not planned.trials:
        raise BadInputError("; ".join(notes) or "nothing to measure: the default track has each engine's first mode")
    versions, circumstances = _circumstances(specs, known)
    return Ready(planned, loaded, versions, circumstances, known, notes=notes)


def again(settings: Settings, run_id: str = resume.LAST) -> Ready:
    """Take up an earlier run where it was stopped, by Ctrl-C, `kill -9` or a power cut.

    Raises:
        BadInputError: there is no such run.
        DlpulseError: device, versions, Python, dlpulse, environment or data are not what they were.
    """
    past = resume.read(Archive(settings.raw), run_id)
    known = [stackfile.Stack(**one, folder=_stacks_folder(settings)) for one in past.stacks]
    for stack in known:
        stacks.prepare(stack)
    conditions = past.plan.conditions
    # Before the circumstances, as in `prepare`: scikit-learn, whose digits they are, sets variables of its own.
    loaded = data.load(conditions.dataset, cache=_cache(settings) / "datasets")
    contestants = [trial.contestant for trial in past.plan.trials]
    if own := [one.engine for one in contestants if not one.stack]:
        choose(own)
    fields = [Field(one.engine, one.mode, one.stack) for one in contestants]
    versions, circumstances = _circumstances(_specs(fields), known)
    past.check(circumstances, versions)
    if loaded.sha256 != conditions.data_sha256:
        raise DlpulseError(f"run {past.run_id} cannot go on: the data set {loaded.name} has changed; start a new run")
    return Ready(past.plan, loaded, versions, circumstances, known, past)


def run(settings: Settings, ready: Ready, *, progress: Progress = silent) -> Summary:
    """Prove and time on this device what the plan says, into the raw archive under `settings.raw`.

    Raises:
        DlpulseError: another run is under way (it would spoil both), or a stack has been removed since `prepare`.
    """
    told = {
        "versions": ready.versions,
        "stacks": [{key: value for key, value in asdict(one).items() if key != "folder"} for one in ready.stacks],
    }
    with alone(settings.home, _BUSY), tempfile.TemporaryDirectory() as folder:
        argv = _launchers(ready.stacks)
        files = write_files(Path(folder), ready.loaded, _cache(settings) / "bounds")
        about = {**asdict(ready.plan.conditions), "quick": ready.plan.protocol.name == QUICK.name}
        if ready.past:
            about["resumes"] = ready.past.run_id
        with Archive(settings.raw).start(SOURCE, settings.clock, **about) as archive_run:
            session = Session(
                *(archive_run, ready.plan, files, ready.circumstances),
                told=told,
                past=ready.past,
                argv=argv,
                progress=progress,
            )
            summary = session.run()
    summary.notes[:0] = ready.notes
    return summary


def verify(wanted: Wanted, *, timeout: float = 900.0) -> Iterator[tuple[Proving, dict[str, Any]]]:
    """Yield the proof of each engine, mode and track as it is made; stores nothing.

    Raises:
        BadInputError, DlpulseError: as `prepare`.
    """
    fields = wanting.entered(wanted, [])
    kind = accelerators.choose(wanted.device, accelerators.detect(), *_specs(fields))
    proofs = list(dict.fromkeys(one.proving for group in groups(fields, wanted.protocol) for one in group))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "proving.npz"
        data.load(PROVING_DATASET).save(path)
        yield from prove(proofs, path, device_kind=kind, seed=wanted.seed, patience=lambda _: timeout, argv={})


def _launchers(known: Sequence[stackfile.Stack]) -> Argv:
    """Return what starts a worker in each stack.

    Raises:
        DlpulseError: one is not there any more.
    """
    for stack in known:
        if not stacks.ready(stack):
            raise DlpulseError(f"stack {stack.name!r} has been removed meanwhile; start again")
    return {stack.name: stacks.argv(stack) for stack in known}


def _circumstances(
    specs: Sequence[EngineSpec], known: Sequence[stackfile.Stack]
) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the versions that a resumed run must meet again, by distribution or `stack: distribution`; the device."""
    circumstances = device.describe([] if known else [package for spec in specs for package in spec.packages])
    versions = dict(circumstances["versions"])
    for stack in known:
        if stacks.ready(stack):
            versions |= {f"{stack.name}: {name}": version for name, version in stacks.versions(stack).items()}
    return versions, circumstances


def _specs(fields: Sequence[Field]) -> list[EngineSpec]:
    return [ENGINES[name] for name in dict.fromkeys(one.engine for one in fields)]


def _cache(settings: Settings) -> Path:
    return settings.home / "cache"


def _stacks_folder(settings: Settings) -> Path:
    return _cache(settings) / "stacks"
