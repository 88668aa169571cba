"""The engines: one module each, the only importer of its library. This one names them and says what they must do."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from bench.data import Images, Labels
from bench.network import Array, Weights
from warehouse.errors import BadInputError, DlpulseError, nearest


class Engine(Protocol):
    """The reference CNN in one framework, as plain as its users would write it. A batch is the engine's own object."""

    def set_threads(self, threads: int) -> None:
        """Use this many threads inside operations; called once, before anything else."""

    def build(self, weights: Weights, *, precision: str, learning_rate: float) -> None:
        """Make model, loss from logits and plain SGD, at `float32` or `float64`, starting from neutral `weights`."""

    def prepare(self, images: Images, labels: Labels) -> Any:
        """Put a channels-last batch into the engine's own layout, precision and memory, outside every clock."""

    def train(self, batches: Sequence[Any]) -> float:
        """Take one SGD step per batch in order; return the last step's loss, read back, so that all work is done."""

    def logits(self, batch: Any) -> Array:
        """Return the (n, 10) logits of a prepared batch as a numpy array."""

    def weights(self) -> Weights:
        """Return the present weights in the neutral form."""

    def describe(self) -> dict[str, Any]:
        """Return what is in force: versions, build flags, threads, device."""


@dataclass(frozen=True)
class EngineSpec:
    """Where an engine lives, which framework of the registry it measures, and what it needs around it."""

    name: str
    framework_id: str
    module: str
    needs: tuple[str, ...]
    packages: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


ENGINES: dict[str, EngineSpec] = {
    spec.name: spec
    for spec in (
        EngineSpec(
            name="keras-tensorflow",
            framework_id="keras",
            module="bench.engines.keras_tensorflow",
            needs=("tensorflow", "keras"),
            packages=("keras", "tensorflow", "tensorflow-cpu"),
            environment={"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "2"},
        ),
        EngineSpec(
            name="pytorch",
            framework_id="pytorch",
            module="bench.engines.pytorch",
            needs=("torch",),
            packages=("torch",),
        ),
    )
}


def choose(names: Sequence[str] | None) -> list[EngineSpec]:
    """Return the named engines, or all.

    Raises:
        BadInputError: for an unknown engine; names the nearest.
        DlpulseError: when a library is not installed; says how to add it. Nothing is imported to find out.
    """
    for name in names or ():
        if name not in ENGINES:
            raise BadInputError(f"unknown engine {name!r}{nearest(name, ENGINES)}")
    chosen = [ENGINES[name] for name in dict.fromkeys(names or ENGINES)]
    if lacking := missing(chosen):
        raise DlpulseError(lacking)
    return chosen


def missing(specs: Iterable[EngineSpec] | None = None) -> str:
    """Say which libraries the engines lack and how to add them; "" when all are there. Imports none of them."""
    needs = {need for spec in specs or ENGINES.values() for need in spec.needs}
    absent = sorted(need for need in needs if importlib.util.find_spec(need) is None)
    if not absent:
        return ""
    return f"the benchmark needs {', '.join(absent)}: add it with `make setup`, or pip install 'dlpulse[bench]'"


def open_engine(name: str) -> Engine:
    """Import an engine's library and return the engine; only a worker process does this."""
    engine: Engine = importlib.import_module(ENGINES[name].module).open_engine()
    return engine
