"""How much a run measures and in which order: contestants, launches, stages, random interleaving. Runs nothing."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple, get_args

from bench.engines import ENGINES
from bench.job import Job, Kind, Track
from bench.launch import TUNINGS
from warehouse.statistics import LEAST_RANKED

TRACKS: tuple[Track, ...] = get_args(Track)
PRECISIONS = ("float32", "float64", "bfloat16")
LEAST_BUDGETED = 3
"""Launches of each contestant before a budget's time goes where it is needed most."""


@dataclass(frozen=True)
class Protocol:
    """How much is measured. Each block of `blocks` takes about `block_s` seconds at the first batch size, the main one.

    The other batch sizes are measured in each contestant's first `aside_launches` only, in all when that is None.
    `learning_seeds` processes a contestant train for whole epochs. With `budget_s` (seconds) later stages are left out
    that would not end in time; `fill` spends the rest of it on further launches. `bounds`: measure the
    machine's own limits too.
    """

    name: str
    launches: int
    blocks: int
    block_s: float
    tracks: tuple[Track, ...] = TRACKS
    tunings: tuple[str, ...] = tuple(TUNINGS)
    batch_sizes: tuple[int, ...] = (128,)
    aside_launches: int | None = None
    learning_seeds: int = 0
    budget_s: float | None = None
    fill: bool = False
    bounds: bool = True
    timeout_s: float = 900.0

    def __post_init__(self) -> None:
        # It is stored as JSON, which has no tuples.
        for name in ("tracks", "tunings", "batch_sizes"):
            object.__setattr__(self, name, tuple(getattr(self, name)))

    def within(self, seconds: float) -> Protocol:
        """Return the same with a budget: three launches of each contestant, then more where they tell most."""
        return replace(self, launches=LEAST_BUDGETED, budget_s=seconds, fill=True)


QUICK = Protocol("quick", launches=3, blocks=1, block_s=0.15, tracks=("default",), budget_s=84.0, timeout_s=300.0)
STANDARD = Protocol("standard", launches=8, blocks=6, block_s=0.5)
FULL = replace(
    STANDARD,
    name="full",
    blocks=2,
    batch_sizes=(128, 1, 32, 512),
    # They show how speed goes with the batch, and take most of a launch: a median is enough.
    aside_launches=LEAST_RANKED,
    learning_seeds=10,
    timeout_s=1800.0,
)


@dataclass(frozen=True)
class Conditions:
    """What is the same for every trial of a run."""

    seed: int
    threads: int
    precision: str
    device: str
    dataset: str
    data_sha256: str


class Field(NamedTuple):
    """An engine in one of its modes, with one set of library versions ("" for dlpulse's own)."""

    engine: str
    mode: str
    stack: str = ""


class Proving(NamedTuple):
    """What one proof is about: it must stand before anything of it is timed. Other tunings may use other kernels."""

    engine: str
    mode: str
    track: Track
    tuning: str
    stack: str


@dataclass(frozen=True)
class Contestant:
    """What is launched again and again, each launch being one value. `control` is the second of two equal programs."""

    engine: str
    mode: str
    track: Track
    tuning: str
    stack: str = ""
    kind: Kind = "throughput"
    control: bool = False

    @property
    def proving(self) -> Proving:
        """The proof that it needs."""
        return Proving(self.engine, self.mode, self.track, self.tuning, self.stack)

    @property
    def title(self) -> str:
        """What the progress display says."""
        stack = f" [{self.stack}]" if self.stack else ""
        more = " (learning)" if self.kind == "learning" else " (control)" if self.control else ""
        return f"{self.engine} {self.mode}{stack}, {self.track}, {self.tuning}{more}"


@dataclass(frozen=True)
class Planned:
    """One trial to come: the launch's number, from 1, and the seed of its initial weights."""

    contestant: Contestant
    launch: int
    seed: int

    @property
    def title(self) -> str:
        """What the progress display says."""
        return f"{self.contestant.title}, launch {self.launch}"

    def batch_sizes(self, protocol: Protocol) -> tuple[int, ...]:
        """Return the batch sizes that it measures."""
        late = protocol.aside_launches is not None and self.launch > protocol.aside_launches
        return protocol.batch_sizes[:1] if late or self.contestant.kind == "learning" else protocol.batch_sizes

    def job(self, protocol: Protocol, conditions: Conditions) -> Job:
        """Return what the worker is asked to do."""
        one = self.contestant
        return Job(
            engine=one.engine,
            mode=one.mode,
            track=one.track,
            tuning=one.tuning,
            threads=conditions.threads,
            seed=self.seed,
            kind=one.kind,
            precision=conditions.precision,
            device=conditions.device,
            batch_sizes=self.batch_sizes(protocol),
            blocks=protocol.blocks,
            block_s=protocol.block_s,
            control=one.control,
            stack=one.stack,
        )


@dataclass(frozen=True)
class Plan:
    """Everything a run is to do; stored with it, so that another process can go on where it was stopped."""

    protocol: Protocol
    conditions: Conditions
    stages: list[list[Planned]]

    @property
    def trials(self) -> list[Planned]:
        """All planned trials in order."""
        return [trial for stage in self.stages for trial in stage]

    @property
    def proofs(self) -> list[Proving]:
        """What is to be proved, each once."""
        return list(dict.fromkeys(trial.contestant.proving for trial in self.trials))

    def beyond(self, contestant: Contestant, launches: int) -> Planned:
        """Return a contestant's next launch after all that are planned and the `launches` that it has had."""
        return Planned(contestant, 1 + max(launches, self.protocol.launches), self.conditions.seed)

    def as_json(self) -> dict[str, Any]:
        """Return the plan as stored in the raw archive."""
        return asdict(self)

    @staticmethod
    def from_json(body: Mapping[str, Any]) -> Plan:
        """Undo `as_json`."""
        stages = [
            [Planned(Contestant(**one["contestant"]), one["launch"], one["seed"]) for one in stage]
            for stage in body["stages"]
        ]
        return Plan(Protocol(**body["protocol"]), Conditions(**body["conditions"]), stages)


def groups(fields: Sequence[Field], protocol: Protocol) -> list[list[Contestant]]:
    """Return who is compared with whom: a group for each track and tuning, the control of its first one among them.

    The default track has only engines with a tutorial, in the tutorial's mode. Where nobody is compared, there is no
    control either.
    """
    found = []
    for track in protocol.tracks:
        entered = [field for field in fields if track == "matched" or _has_tutorial(field)]
        for tuning in protocol.tunings if entered else ():
            group = [Contestant(field.engine, field.mode, track, tuning, field.stack) for field in entered]
            control = [replace(group[0], control=True)] if len(group) > 1 else []
            found.append(group + control)
    return found


def learners(fields: Sequence[Field], protocol: Protocol) -> list[Contestant]:
    """Return who trains for whole epochs: each engine in its first mode, in the last of the tunings, on each track."""
    tuning = protocol.tunings[-1]
    return [
        Contestant(field.engine, field.mode, track, tuning, field.stack, "learning")
        for track in protocol.tracks
        for field in fields
        if field.mode == ENGINES[field.engine].mode and (track == "matched" or _has_tutorial(field))
    ]


def plan(fields: Sequence[Field], protocol: Protocol, conditions: Conditions, chance: random.Random) -> Plan:
    """Return the trials in stages; inside each, rounds of every contestant once, in an order that `chance` decides.

    With a budget each group is a stage of its own, so that the first is whole; else one stage mixes them all. Learning
    comes last, a seed of its own for each launch.
    """
    compared = groups(fields, protocol)
    together = compared if protocol.budget_s is not None else [[one for group in compared for one in group]]
    seeds = [conditions.seed] * protocol.launches
    stages = [_rounds(group, seeds, chance) for group in together]
    if protocol.learning_seeds:
        each = range(conditions.seed, conditions.seed + protocol.learning_seeds)
        stages.append(_rounds(learners(fields, protocol), each, chance))
    return Plan(protocol, conditions, [stage for stage in stages if stage])


def _rounds(contestants: Sequence[Contestant], seeds: Iterable[int], chance: random.Random) -> list[Planned]:
    trials: list[Planned] = []
    for launch, seed in enumerate(seeds, 1):
        trials += [Planned(one, launch, seed) for one in chance.sample(contestants, len(contestants))]
    return trials


def _has_tutorial(field: Field) -> bool:
    spec = ENGINES[field.engine]
    return bool(spec.tutorial) and field.mode == spec.mode
