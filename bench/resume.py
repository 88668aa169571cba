"""What an earlier run left in the raw archive: its plan, proofs and finished trials, so that another can go on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.protocol import Contestant, Plan, Planned, Proving
from warehouse.errors import BadInputError, DlpulseError, nearest
from warehouse.raw import Archive, Response

_SAME = ("python", "git_commit", "git_changed")
"""Circumstances besides device, versions and environment that must be the same when a run goes on."""
LAST = "last"
"""In place of a run's id: the newest run with a plan."""


@dataclass
class Finished:
    """One trial that gave a result: its headline value (None when it has none) and what it took (seconds)."""

    trial: Planned
    value: float | None
    took_s: float


@dataclass
class Past:
    """What is there of a run; `plan` is what all of it was to be, `circumstances` are those it began in.

    `beside_s` are the seconds that went into all but the finished trials: proofs, bounds, launches that failed.
    """

    run_id: str
    plan: Plan
    device_id: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    circumstances: Mapping[str, Any] = field(default_factory=dict)
    stacks: list[dict[str, Any]] = field(default_factory=list)
    proofs: dict[Proving, dict[str, Any]] = field(default_factory=dict)
    has_bounds: bool = False
    finished: list[Finished] = field(default_factory=list)
    beside_s: float = 0.0

    @property
    def spent_s(self) -> float:
        """What the run has taken so far, as far as it was stored: older ones told it of trials alone."""
        return self.beside_s + sum(one.took_s for one in self.finished)

    @property
    def trials(self) -> set[Planned]:
        """The trials that need not be done again."""
        return {one.trial for one in self.finished}

    def check(self, circumstances: Mapping[str, Any], versions: Mapping[str, str]) -> None:
        """Refuse to go on where it would mix circumstances; what the run did not store is not compared.

        Raises:
            DlpulseError: when the device, a library's version, Python, dlpulse itself or a variable is not what it was.
        """
        device_id = circumstances["device_id"]
        if self.device_id != device_id:
            raise DlpulseError(f"run {self.run_id} is of device {self.device_id}, this is {device_id}: start a new run")
        told = {name: self.circumstances[name] for name in _SAME if name in self.circumstances}
        changed = [
            *_changes(self.versions, versions),
            *_changes(told, {name: circumstances.get(name) for name in told}),
        ]
        if "environment" in self.circumstances:
            changed += _changes(self.circumstances["environment"], circumstances["environment"])
        if changed:
            raise DlpulseError(f"run {self.run_id} cannot go on: {', '.join(changed)}; start a new run")


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return [
        f"{name} {before.get(name, 'absent')} is now {now.get(name, 'absent')}"
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    ]


def read(archive: Archive, run_id: str = LAST) -> Past:
    """Return what a run, begun or resumed in however many processes, has left so far.

    Raises:
        BadInputError: for a run without a plan; names the nearest.
        DlpulseError: when there is none at all.
    """
    rows = [(response, _body(response)) for response in archive.responses("bench")]
    plans = {_run(response, body): body for response, body in rows if body.get("kind") == "plan"}
    if not plans:
        raise DlpulseError("there is no benchmark run to resume: `dlpulse bench run` starts one")
    chosen = max(plans) if run_id == LAST else run_id
    if chosen not in plans:
        raise BadInputError(f"--resume {run_id}: there is no such run with a plan{nearest(run_id, plans)}")
    body = plans[chosen]
    past = Past(chosen, Plan.from_json(body), body["device_id"], body["versions"], stacks=body.get("stacks", []))
    for response, row in rows:
        if _run(response, row) == chosen:
            _take(past, row)
    return past


def headline(answer: Mapping[str, Any], batch_size: int) -> float | None:
    """Return a trial's training images a second at its main batch size; None when it has none."""
    for one in answer.get("measurements", ()):
        if (one["phase"], one["metric"], one["batch_size"]) == ("training", "images_per_s", batch_size):
            return float(one["value"])
    return None


def _take(past: Past, body: Mapping[str, Any]) -> None:
    took_s = float(body.get("took_s", 0.0))
    kind = body.get("kind")
    if kind == "trial" and "error" not in body and body["learned"]:
        value = headline(body, body["batch_sizes"][0])
        past.finished.append(Finished(_planned(body), value, took_s))
        return
    past.beside_s += took_s
    if "error" in body:
        return
    match kind:
        case "device" if not past.circumstances:
            past.circumstances = body
        case "parity":
            past.proofs[proving_of(body)] = dict(body)
        case "bounds":
            past.has_bounds = True


def proving_of(body: Mapping[str, Any]) -> Proving:
    """Return what a stored proof is about."""
    return Proving(body["engine"], body["mode"], body["track"], body.get("tuning", "stock"), body.get("stack", ""))


def _planned(body: Mapping[str, Any]) -> Planned:
    names = ("engine", "mode", "track", "tuning", "stack", "control")
    contestant = Contestant(**{name: body[name] for name in names}, kind=body["trial_kind"])
    return Planned(contestant, body["launch"], body["seed"])


def _run(response: Response, body: Mapping[str, Any]) -> str:
    return str(body.get("bench_run", response.run_id))


def _body(response: Response) -> dict[str, Any]:
    """Return a row's table; empty for one that is none, which the build reports."""
    try:
        body = json.loads(response.body)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
