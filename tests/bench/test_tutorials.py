"""The default track: each tutorial trains the article's network, and a trial of it tells what the archive keeps."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import codesize, data, default_track, network, reference
from bench.engines import ENGINES
from bench.job import Job

pytestmark = pytest.mark.engines
ROOT = Path(__file__).resolve().parents[2]
# Runs in a process of its own, as Keras takes its backend at import; prints one JSON. A whole trial comes first, its
# timed epoch cut to a few batches.
TRY_OUT = """
import json, sys
import numpy as np
from bench import data, default_track, network
from bench.engines import open_engine, open_tutorial
from bench.job import Job
from bench.worker import bind

bind(1)  # JAX heeds nothing else
# There may be no GPU: its memory is told as the number of batch sizes trained so far.
tutorial, sizes = open_tutorial(sys.argv[1]), set()
train = tutorial.train
tutorial.train = lambda *arguments: sizes.add(arguments[-1]) or train(*arguments)
type(open_engine(sys.argv[1])).device_mib = lambda self: float(len(sizes))
default_track.EPOCH_IMAGES, default_track.timing.LEAST_FOR_P99 = 512, 20
job = Job(sys.argv[1], sys.argv[2], "default", "stock", 1, 0, batch_sizes=(64, 32), blocks=2, block_s=0.01)
trial = default_track.measure(job, data.load("digits"))
few = data.load("digits", limit=256)

def trained(seed):
    tutorial.set_seed(seed)
    prepared = tutorial.prepare(tutorial.make_model(), "cpu")
    losses = [tutorial.train(prepared, tutorial.arrange(few.train_images), few.train_labels, 2, 64) for _ in range(2)]
    return losses, prepared

model = tutorial.make_model()
tutorial.set_weights(model, network.initial_weights(1))
given = tutorial.prepare(model, "cpu")
losses, prepared = trained(3)
images = tutorial.arrange(few.test_images[:10])
probabilities = tutorial.predict(prepared, images, 4)
print(json.dumps({
    "departures": network.departures(tutorial.layers(model)),
    "given": tutorial.predict(given, images, 4).tolist(),
    "losses": losses,
    "again": trained(3)[0],
    "other": trained(4)[0],
    "sums": probabilities.sum(axis=1).tolist(),
    "batch": float(np.abs(tutorial.predict_batch(prepared, images) - probabilities).max()),
    "trial": trial,
}))
"""
EVERY = [
    "pytorch",
    "keras-tensorflow",
    pytest.param("keras-torch", marks=pytest.mark.long),
    pytest.param("keras-jax", marks=pytest.mark.long),
]


@cache
def tried_out(engine: str) -> dict[str, Any]:
    spec = ENGINES[engine]
    told = subprocess.run(
        [sys.executable, "-c", TRY_OUT, engine, spec.mode],
        env={**os.environ, **spec.environment, "OMP_WAIT_POLICY": "PASSIVE", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    answer: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
    return answer


@pytest.mark.parametrize("engine", EVERY)
def test_a_tutorials_network_is_the_specified_one(engine: str) -> None:
    assert tried_out(engine)["departures"] == []


@pytest.mark.parametrize("engine", EVERY)
def test_a_tutorial_gives_the_references_probabilities_for_the_same_weights(engine: str) -> None:
    images = data.load("digits").test_images[:10].astype(np.float64)
    logits = reference.logits(network.initial_weights(1), images)
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    expected = exponentials / exponentials.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(tried_out(engine)["given"], expected, atol=1e-6)


@pytest.mark.parametrize("engine", EVERY)
def test_a_tutorial_learns(engine: str) -> None:
    first, second = tried_out(engine)["losses"]
    assert second < first < 2.5


@pytest.mark.parametrize("engine", EVERY)
def test_a_seed_fixes_initial_weights_and_shuffling(engine: str) -> None:
    found = tried_out(engine)
    assert found["again"] == pytest.approx(found["losses"], abs=1e-4)
    assert found["other"] != pytest.approx(found["losses"], abs=1e-4)


@pytest.mark.parametrize("engine", EVERY)
def test_a_tutorial_predicts_probabilities_however_it_is_asked(engine: str) -> None:
    found = tried_out(engine)
    assert found["sums"] == pytest.approx([1.0] * 10, abs=1e-5)
    assert found["batch"] < 1e-5


@pytest.mark.parametrize("engine", EVERY)
def test_a_tutorial_leaves_the_optimiser_at_its_defaults(engine: str) -> None:
    told = tried_out(engine)["trial"]["optimiser"]
    rate, epsilon = told.get("lr") or told["learning_rate"], told.get("eps") or told["epsilon"]
    assert (told["name"], rate, epsilon) == (
        "adam",
        pytest.approx(1e-3),
        {"pytorch": 1e-8}.get(engine, 1e-7),
    )


@pytest.mark.parametrize("engine", EVERY)
def test_a_trial_tells_every_metric_of_the_default_track(engine: str) -> None:
    found = tried_out(engine)["trial"]
    told = {(one["phase"], one["metric"], one["batch_size"]) for one in found["measurements"]}
    speeds = ("images_per_s", "images_per_cpu_s", "cores_used", "page_faults")
    single = ("latency_p50_ms", "latency_p95_ms", "latency_p99_ms", "predict_call_ms")
    compiling = ("compile_s",) if ENGINES[engine].mode == "compiled" else ()
    setup = ("import_s", "build_s", "first_step_s", *compiling, "rss_mib", "device_mib", "code_lines", "device_calls")
    assert told == {
        *(("setup", metric, 64) for metric in setup),
        *((phase, metric, size) for phase in ("training", "inference") for metric in speeds for size in (64, 32)),
        *(("inference", metric, 1) for metric in single),
        ("training", "accuracy", 64),
    }


@pytest.mark.parametrize("engine", EVERY)
def test_the_memory_is_that_of_the_main_batch_size_alone(engine: str) -> None:
    found = tried_out(engine)["trial"]["measurements"]
    assert [(one["batch_size"], one["value"]) for one in found if one["metric"] == "device_mib"] == [(64, 1.0)]


@pytest.mark.parametrize("engine", EVERY)
def test_a_trial_tells_what_the_framework_makes_of_float32_and_of_compiling_by_itself(engine: str) -> None:
    found = tried_out(engine)["trial"]["in_force"]
    torch = {"matmul.allow_tf32": False, "cudnn.allow_tf32": True}
    tensorflow, jax = {"tensor_float_32_execution": True}, {"default_matmul_precision": "default"}
    assert (found["float32"], found.get("jit_compile")) == {
        "pytorch": (torch, None),
        "keras-tensorflow": (tensorflow, False),
        "keras-torch": (torch, False),
        "keras-jax": (jax, True),
    }[engine]


@pytest.mark.parametrize("engine", EVERY)
def test_a_trial_counts_batches_and_has_learned(engine: str) -> None:
    found = tried_out(engine)["trial"]
    assert [block["calls"] % 8 for block in found["training_blocks"]] == [0], "one epoch is longer than two blocks"
    assert (found["learned"], found["in_force"]["epoch_images"]) == (True, 512)
    assert found["accuracy"] > 0.5
    assert found["in_force"]["threads"] in (1, None)


def test_an_epoch_as_long_as_all_blocks_together_is_timed_once() -> None:
    def timed(block_s: float) -> tuple[list[int], list[int]]:
        job = Job("pytorch", "eager", "default", "stock", 1, 0, blocks=3, block_s=block_s)
        epochs: list[int] = []
        # Ten milliseconds a batch and more, two batches an epoch.
        blocks = default_track._blocks(epochs.append, lambda batches: time.sleep(0.01 * batches), job, 2)
        return epochs, [block.calls for block in blocks]

    assert timed(0.001) == ([1], [2])
    epochs, calls = timed(10.0)
    assert len(epochs) == 3 and len(set(epochs)) == 1 and epochs[0] > 1
    assert calls == [2 * done for done in epochs]


@pytest.mark.parametrize(("size", "images"), [(128, 6_144), (512, 6_144), (100, 6_100), (1, 1_024), (10_000, 10_000)])
def test_a_timed_epoch_is_made_of_whole_batches(size: int, images: int) -> None:
    assert default_track.epoch_images(size) == images


def test_a_small_data_set_is_repeated_for_a_timed_epoch(digits: data.Dataset) -> None:
    images, labels = default_track.stretch(digits, 512)
    assert images.shape == (6_144, 32, 32, 3)
    assert np.array_equal(labels[1437:2874], digits.train_labels)


def test_only_whole_batches_are_learnt_from(digits: data.Dataset) -> None:
    assert len(default_track.whole_batches(digits, 128)[1]) == 1408
    assert len(default_track.whole_batches(digits, 128, most=1000)[1]) == 896


def test_a_beginner_writes_less_in_keras_and_names_no_device_there() -> None:
    keras_fit, pytorch_loop = (ROOT / "bench/tutorials" / name for name in ("keras_fit.py", "pytorch_loop.py"))
    assert (codesize.code_lines(keras_fit), codesize.device_calls(keras_fit)) == (4, 0)
    assert (codesize.code_lines(pytorch_loop), codesize.device_calls(pytorch_loop)) == (19, 4)
