"""The engines: one module each, the only importer of its library. This one names them and says what they must do."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from bench.data import Images, Labels
from bench.network import Array, Built, Weights
from warehouse.errors import BadInputError, DlpulseError, nearest


class Engine(Protocol):
    """The reference CNN in one framework, as plain as its users would write it. A batch is the engine's own object."""

    def set_threads(self, threads: int) -> None:
        """Use this many threads inside operations; called once, before anything else."""

    def build(self, weights: Weights, *, precision: str, learning_rate: float, mode: str, device: str) -> None:
        """Make model, loss from logits and plain SGD at `precision`, from neutral `weights`, in one of its modes.

        `device` is an accelerator's kind (`cpu`, `cuda`, `rocm`, `mps`).
        """

    def prepare(self, images: Images, labels: Labels) -> Any:
        """Put a channels-last batch into the engine's own layout, precision and memory, outside every clock."""

    def train(self, batches: Sequence[Any]) -> float:
        """Take one SGD step per batch in order; return the last step's loss, read back, so that all work is done."""

    def logits(self, batch: Any) -> Array:
        """Return the (n, 10) logits of a prepared batch as a numpy array."""

    def loss_and_gradients(self, batch: Any) -> tuple[float, Weights]:
        """Return the batch's mean cross-entropy and its gradients in the neutral form; takes no step."""

    def weights(self) -> Weights:
        """Return the present weights in the neutral form."""

    def layers(self) -> Sequence[Built]:
        """Return the layers as the framework itself tells them of the model that `build` made."""

    def describe(self) -> dict[str, Any]:
        """Return what is in force: `versions` by library, build flags, `threads` (None when it cannot be told)…"""

    def float32(self) -> dict[str, Any]:
        """Return how float32 is computed just now, in the library's words; `build` switches TF32 off."""

    def device_mib(self) -> float | None:
        """Return the largest accelerator memory in use so far in MiB; None on the CPU, or where it is not told.

        May be asked before `build`.
        """


class Tutorial(Protocol):
    """A module of bench.tutorials: the default track, written as a beginner would. Plain functions, numpy in and out.

    Weights in and out of it are neutral; images float32 as `arrange` returns them, labels (n,) int64.
    """

    def arrange(self, images: Images) -> Images:
        """Return (n, 32, 32, 3) images as the framework's own data sets hand them out; outside every clock."""

    def make_model(self) -> Any:
        """Return the network with the framework's own initial weights."""

    def prepare(self, model: Any, device: str) -> Any:
        """Choose loss and optimiser; what `train` and `predict` take. Its lines count as training code."""

    def train(self, prepared: Any, images: Images, labels: Labels, epochs: int, batch_size: int) -> float:
        """Train; return the last epoch's mean loss. Its lines count as training code."""

    def predict(self, prepared: Any, images: Images, batch_size: int) -> Array:
        """Return the (n, 10) class probabilities."""

    def in_force(self, prepared: Any) -> dict[str, Any]:
        """Return what the framework chose by itself for this network, such as whether it compiles."""

    def set_seed(self, seed: int) -> None:
        """Fix initial weights and shuffling."""

    def set_weights(self, model: Any, weights: Weights) -> None:
        """Take over neutral weights, for the proof."""

    def layers(self, model: Any) -> Sequence[Built]:
        """Return the layers as the framework itself tells them."""


@dataclass(frozen=True)
class EngineSpec:
    """Where an engine lives, which framework of the registry it measures, and what it needs around it.

    `modes`, the one its tutorial uses first, say what each is. `needs` are modules, `packages` distributions. `extra`
    is the part of dlpulse that brings them. `tutorial` is its default track; "" where it has none.
    """

    name: str
    framework_id: str
    module: str
    modes: Mapping[str, str]
    needs: tuple[str, ...]
    packages: tuple[str, ...]
    extra: str = "bench"
    tutorial: str = ""
    devices: tuple[str, ...] = ("cpu",)
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def mode(self) -> str:
        """The mode that the framework's own tutorial uses."""
        return next(iter(self.modes))


_KERAS = {"TF_CPP_MIN_LOG_LEVEL": "2"}
_FIT = "bench.tutorials.keras_fit"
_ANY = ("cpu", "cuda", "rocm", "mps")
ENGINES: dict[str, EngineSpec] = {
    spec.name: spec
    for spec in (
        EngineSpec(
            name="keras-tensorflow",
            framework_id="keras",
            module="bench.engines.keras_tensorflow",
            modes={
                "graph": "a graph without XLA; on the default track Keras adds XLA by itself beside a GPU",
                "compiled": "jit_compile=True (XLA)",
            },
            needs=("tensorflow", "keras"),
            packages=("keras", "tensorflow", "tensorflow-cpu"),
            tutorial=_FIT,
            devices=("cpu", "cuda", "rocm"),
            environment={"KERAS_BACKEND": "tensorflow", **_KERAS},
        ),
        EngineSpec(
            name="pytorch",
            framework_id="pytorch",
            module="bench.engines.pytorch",
            modes={
                "eager": "as it comes: contiguous NCHW tensors",
                "channels_last": "NHWC memory format",
                "compiled": "torch.compile over channels_last",
            },
            needs=("torch",),
            packages=("torch",),
            tutorial="bench.tutorials.pytorch_loop",
            devices=_ANY,
        ),
        EngineSpec(
            name="tensorflow",
            framework_id="tensorflow",
            module="bench.engines.tensorflow_function",
            modes={"graph": "a tf.function training step", "compiled": "the same with jit_compile=True (XLA)"},
            needs=("tensorflow",),
            packages=("tensorflow", "tensorflow-cpu"),
            devices=("cpu", "cuda", "rocm"),
            environment=_KERAS,
        ),
        EngineSpec(
            name="jax",
            framework_id="jax",
            module="bench.engines.jax_jit",
            modes={"compiled": "a jax.jit training step"},
            needs=("jax",),
            packages=("jax", "jaxlib"),
            extra="bench-jax",
            devices=("cpu", "cuda", "rocm"),
        ),
        EngineSpec(
            name="keras-torch",
            framework_id="keras",
            module="bench.engines.keras_torch",
            modes={"eager": "as compile() leaves it on the torch backend"},
            needs=("keras", "torch"),
            packages=("keras", "torch"),
            tutorial=_FIT,
            devices=_ANY,
            environment={"KERAS_BACKEND": "torch", **_KERAS},
        ),
        EngineSpec(
            name="keras-jax",
            framework_id="keras",
            module="bench.engines.keras_jax",
            modes={"compiled": "as compile() leaves it on the JAX backend: jit"},
            needs=("keras", "jax"),
            packages=("keras", "jax", "jaxlib"),
            extra="bench-jax",
            tutorial=_FIT,
            devices=("cpu", "cuda", "rocm"),
            environment={"KERAS_BACKEND": "jax", **_KERAS},
        ),
    )
}
ARTICLE = ("keras-tensorflow", "pytorch")
"""The two that the article of 2018 compares."""


def choose(names: Sequence[str] | None) -> list[EngineSpec]:
    """Return the named engines, or all that are installed.

    Raises:
        BadInputError: for an unknown engine; names the nearest.
        DlpulseError: when a named engine's library is not installed, or none is; says how to add it. Nothing is
            imported to find out.
    """
    for name in names or ():
        if name not in ENGINES:
            raise BadInputError(f"unknown engine {name!r}{nearest(name, ENGINES)}")
    if names:
        chosen = [ENGINES[name] for name in dict.fromkeys(names)]
        if lacking := missing(chosen):
            raise DlpulseError(lacking)
        return chosen
    present = [spec for spec in ENGINES.values() if not absent(spec)]
    if not present:
        raise DlpulseError(missing([ENGINES[name] for name in ARTICLE]))
    return present


def absent(spec: EngineSpec) -> list[str]:
    """Return the modules that an engine needs and that are not installed; imports none of them."""
    return [need for need in spec.needs if importlib.util.find_spec(need) is None]


def missing(specs: Iterable[EngineSpec] | None = None) -> str:
    """Say which libraries the engines lack and how to add them; "" when all are there. The article's two by default."""
    chosen = list(specs) if specs is not None else [ENGINES[name] for name in ARTICLE]
    lacking = {spec.extra: absent(spec) for spec in chosen if absent(spec)}
    if not lacking:
        return ""
    modules = ", ".join(sorted({need for needs in lacking.values() for need in needs}))
    extras = ",".join(sorted(lacking))
    return f"the benchmark needs {modules}: add it with `make setup`, or pip install 'dlpulse[{extras}]'"


def open_engine(name: str) -> Engine:
    """Import an engine's library and return the engine; only a worker process does this."""
    engine: Engine = importlib.import_module(ENGINES[name].module).open_engine()
    return engine


def open_tutorial(name: str) -> Tutorial:
    """Import an engine's default track; only a worker process does this."""
    tutorial: Tutorial = importlib.import_module(ENGINES[name].tutorial)
    return tutorial
