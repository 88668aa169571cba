"""Every engine in a process of its own: the specified network, the reference's numbers, no device that is not there."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from bench.engines import ENGINES, devices
from bench.network import SPECIFICATION
from warehouse.errors import DlpulseError

FACTS = Path(__file__).with_name("engine_facts.py")
ASKED = {
    "keras-tensorflow": ("graph/float64", "graph/float32", "compiled/float64"),
    "pytorch": ("eager/float64", "eager/float32", "channels_last/float64"),
    "tensorflow": ("graph/float64", "graph/float32", "compiled/float64"),
    "jax": ("compiled/float64", "compiled/float32"),
    "keras-torch": ("eager/float64", "eager/float32"),
    "keras-jax": ("compiled/float64", "compiled/float32"),
}
VERSIONS = {
    "keras-tensorflow": {"keras", "tensorflow"},
    "pytorch": {"torch"},
    "tensorflow": {"tensorflow"},
    "jax": {"jax", "jaxlib"},
    "keras-torch": {"keras", "torch"},
    "keras-jax": {"keras", "jax", "jaxlib"},
}
LIBRARY = {
    "keras-tensorflow": "tensorflow", "pytorch": "pytorch", "tensorflow": "tensorflow",
    "jax": "jax", "keras-torch": "pytorch", "keras-jax": "jax",
}  # fmt: skip
FLOAT32 = {
    "tensorflow": {"tensor_float_32_execution": False},
    "pytorch": {"matmul.allow_tf32": False, "cudnn.allow_tf32": False},
    "jax": {"default_matmul_precision": "highest"},
}
LIMITS = {"float64": 1e-12, "float32": 1e-5}
each_engine = pytest.mark.parametrize("engine", ASKED)


@functools.cache
def ask(engine: str, *asked: str) -> dict[str, Any]:
    """Ask an engine once, in a process that sees no GPU and none of the user's settings."""
    with tempfile.TemporaryDirectory() as folder:
        variables = {"PATH": os.environ["PATH"], "HOME": folder, "KERAS_HOME": folder, "CUDA_VISIBLE_DEVICES": ""}
        answer = subprocess.run(
            [sys.executable, "-I", str(FACTS), engine, *asked],
            env={**variables, **ENGINES[engine].environment},
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    assert answer.returncode == 0, answer.stderr[-2000:]
    told: dict[str, Any] = json.loads(answer.stdout)
    return told


def answers(engine: str) -> dict[str, Any]:
    told = everything(engine)
    return {one: told[one] for one in ASKED[engine]}


def everything(engine: str) -> dict[str, Any]:
    return ask(engine, *ASKED[engine], f"{ENGINES[engine].mode}/bfloat16")


def check_numbers(one: str, told: dict[str, Any]) -> None:
    precision = one.split("/")[1]
    assert told["dtypes"] == [precision]
    assert (told["round trip"], told["moved by asking"]) == (0.0, 0.0)
    assert set(told["differences"]) == {"logits", "losses", "gradients", "one step"}
    assert {what: value for what, value in told["differences"].items() if not value <= LIMITS[precision]} == {}


@pytest.mark.engines
@each_engine
def test_an_engine_is_the_specified_network_layer_by_layer_in_its_frameworks_own_words(engine: str) -> None:
    specified = [[layer.kind, list(layer.output), layer.parameters] for layer in SPECIFICATION]
    assert [told["layers"] for told in answers(engine).values()] == [specified] * len(ASKED[engine])


@pytest.mark.engines
@each_engine
def test_an_engine_gives_the_references_logits_losses_gradients_and_steps(engine: str) -> None:
    for one, told in answers(engine).items():
        check_numbers(one, told)


@pytest.mark.engines
@each_engine
def test_an_engine_tells_its_versions_mode_and_threads_and_none_where_xla_decides(engine: str) -> None:
    for one, told in answers(engine).items():
        mode = one.split("/")[0]
        assert set(told["in_force"]["versions"]) == VERSIONS[engine]
        assert told["in_force"]["mode"] == mode
        assert told["in_force"]["threads"] == (None if mode == "compiled" else 1)
        assert told["device_mib"] is None


@pytest.mark.engines
@each_engine
def test_an_engine_switches_tf32_off_and_tells_so_and_keras_what_it_compiles(engine: str) -> None:
    for one, told in answers(engine).items():
        assert told["in_force"]["float32"] == FLOAT32[LIBRARY[engine]]
        if engine.startswith("keras"):
            assert told["in_force"]["jit_compile"] == one.startswith("compiled")


@pytest.mark.engines
@each_engine
def test_an_engine_trains_in_bfloat16_near_the_reference(engine: str) -> None:
    found = everything(engine)[f"{ENGINES[engine].mode}/bfloat16"]["differences"]
    # Eight bits of values up to 2.4; in float32 all would be below 1e-5.
    assert {what: value for what, value in found.items() if not 1e-4 < value < 0.05} == {}


@pytest.mark.engines
@each_engine
def test_an_engine_refuses_an_accelerator_that_its_library_does_not_see(engine: str) -> None:
    assert everything(engine)["refusals"] == {
        kind: f"{LIBRARY[engine]} sees no {name} device, only CPU: "
        f"install its {name} build and driver, or use --device cpu"
        for kind, name in (("cuda", "CUDA"), ("rocm", "ROCm"))
    }


@pytest.mark.engines
@pytest.mark.long
def test_torch_compile_gives_the_references_numbers_with_the_threads_it_was_given() -> None:
    told = ask("pytorch", "compiled/float64", "compiled/float32")
    for one in ("compiled/float64", "compiled/float32"):
        check_numbers(one, told[one])
        assert told[one]["in_force"]["threads"] == 1


def test_naming_the_engines_imports_none_of_their_libraries() -> None:
    loaded = "import sys, bench.engines; print({'tensorflow', 'keras', 'torch', 'jax'} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-I", "-c", loaded], capture_output=True, text=True, check=True)
    assert answer.stdout == "set()\n"


@pytest.mark.parametrize(
    ("told", "kinds"),
    [
        ({"gpu": False, "rocm": False}, ["cpu"]),
        ({"gpu": True, "rocm": False}, ["cpu", "cuda"]),
        ({"gpu": True, "rocm": True}, ["cpu", "rocm"]),
        ({"gpu": False, "rocm": True}, ["cpu"]),
        ({"gpu": False, "rocm": False, "mps": True}, ["cpu", "mps"]),
    ],
)
def test_a_library_is_seen_to_have_one_makers_gpu_beside_the_cpu(told: dict[str, bool], kinds: list[str]) -> None:
    assert devices.seen(**told) == kinds


def test_a_device_of_another_maker_is_refused_with_what_there_is() -> None:
    devices.require("pytorch", "cuda", ["cpu", "cuda"])
    with pytest.raises(DlpulseError, match=r"^jax sees no Apple MPS device, only CPU and CUDA: install its Apple MPS"):
        devices.require("jax", "mps", ["cpu", "cuda"])


def test_compiling_without_a_compiler_is_refused_with_the_compilers_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(
        DlpulseError, match=r"torch.compile compiles with (g|clang)\+\+, which is not installed: add it"
    ):
        devices.require_compiler("torch.compile")
