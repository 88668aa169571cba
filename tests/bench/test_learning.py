"""Learning trials: what an epoch's figures mean, the same in both tracks, and against the numpy reference."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import data, learning, network, reference, trial
from bench.job import Job
from bench.trial import LEARNING_RATE

ROOT = Path(__file__).resolve().parents[2]
# Runs all cases in one process of its own, as importing PyTorch is what takes the time; prints one JSON.
LEARN = """
import json, sys
from bench import data, learning, trial
from bench.job import Job

few = data.load("digits", limit=300)
print(json.dumps([learning.learn(Job(**job), few) for job in json.loads(sys.argv[1])]))
single = Job("pytorch", "eager", "matched", "stock", 1, 0, batch_sizes=(1,), blocks=1, block_s=0.01)
found = trial.measure(single, data.load("digits"))
print(json.dumps({name: found[name] for name in ("learned", "accuracy", "losses", "optimiser")}))
"""
CASES = [("matched", "float64", 0), ("matched", "float32", 0), ("default", "float32", 0), ("default", "float32", 1)]


@cache
def answers() -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """What PyTorch learns in two epochs of batches of 128, in each case, and in a throughput trial at batch 1."""
    same = {"engine": "pytorch", "mode": "eager", "tuning": "stock", "threads": 1, "kind": "learning", "epochs": 2}
    jobs = [{**same, "track": track, "precision": precision, "seed": seed} for track, precision, seed in CASES]
    told = subprocess.run(
        [sys.executable, "-c", LEARN, json.dumps(jobs)],
        env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    learnt, single = (json.loads(line) for line in told.stdout.splitlines()[-2:])
    return learnt, single


def learned(track: str, precision: str = "float32", seed: int = 0) -> dict[str, Any]:
    return answers()[0][CASES.index((track, precision, seed))]


@pytest.mark.engines
def test_the_matched_curve_is_the_references_step_by_step() -> None:
    few = data.load("digits", limit=300)
    weights = network.initial_weights(0)
    parts = network.batches(300, 128)
    expected = []
    for epoch in ([parts[0], *parts], parts):  # the first step comes before the first epoch
        for part in epoch:
            images = few.train_images[part].astype(np.float64)
            weights, _ = reference.train_step(weights, images, few.train_labels[part], LEARNING_RATE)
        expected.append(reference.logits(weights, few.test_images.astype(np.float64)).argmax(axis=1))
    found = [epoch["accuracy"] for epoch in learned("matched", "float64")["epochs"]]
    assert found == [float(np.mean(guesses == few.test_labels)) for guesses in expected]


@pytest.mark.engines
@pytest.mark.parametrize("track", ["matched", "default"])
def test_epochs_are_numbered_and_their_seconds_add_up(track: str) -> None:
    epochs = learned(track)["epochs"]
    assert [epoch["epoch"] for epoch in epochs] == [1, 2]
    assert 0 < epochs[0]["train_s"] < epochs[1]["train_s"]


@pytest.mark.engines
@pytest.mark.parametrize("track", ["matched", "default"])
def test_a_learning_trial_answers_what_the_archive_keeps(track: str) -> None:
    found = learned(track)
    assert {(one["phase"], one["metric"]) for one in found["measurements"]} == {
        ("setup", "import_s"),
        ("setup", "build_s"),
        ("setup", "first_step_s"),
        ("setup", "rss_mib"),
        ("training", "accuracy"),
    }
    assert found["accuracy"] == found["epochs"][-1]["accuracy"]
    assert found["losses"] == [epoch["loss"] for epoch in found["epochs"]]
    assert (found["learned"], found["optimiser"]["name"]) == (True, {"matched": "sgd", "default": "adam"}[track])
    assert found["in_force"]["threads"] == 1


@pytest.mark.engines
def test_each_seed_of_the_default_track_learns_differently() -> None:
    assert learned("default", seed=0)["losses"] != learned("default", seed=1)["losses"]


@pytest.mark.engines
def test_a_throughput_trial_of_single_images_learns_though_its_last_loss_is_of_one_image() -> None:
    single = answers()[1]
    assert single["learned"]
    assert single["accuracy"] > 0.7
    assert single["losses"][-1] > single["losses"][0]
    assert single["optimiser"]["learning_rate"] == LEARNING_RATE / 128


@pytest.mark.parametrize(
    ("size", "images", "epochs"), [(1, 1437, 5), (8, 1432, 5), (128, 1408, 5), (512, 1024, 28), (128, 6144, 2)]
)
def test_before_the_accuracy_is_asked_come_55_steps_and_as_many_images_as_at_batch_128(
    size: int, images: int, epochs: int
) -> None:
    assert trial.learning_epochs(size, images) == epochs


def test_the_loss_is_the_mean_cross_entropy_of_the_true_classes() -> None:
    logarithms = np.log([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]])
    loss, accuracy = learning._judged(logarithms, np.array([0, 2]))
    assert loss == pytest.approx(-(np.log(0.5) + np.log(0.1)) / 2)
    assert accuracy == 0.5


def test_any_number_of_images_is_asked_in_batches_of_one_shape() -> None:
    class Sums:
        """Answers ten times each image's sum; remembers the shapes it was asked."""

        shapes: list[int] = []  # noqa: RUF012 - one instance

        def prepare(self, images: data.Images, labels: data.Labels) -> data.Images:
            self.shapes.append(len(images))
            return images

        def logits(self, batch: data.Images) -> network.Array:
            return np.repeat(batch.sum(axis=(1, 2, 3))[:, None], 10, axis=1)

    images = np.arange(5, dtype=np.float32)[:, None, None, None] * np.ones((1, 2, 2, 1), np.float32)
    engine = Sums()
    assert learning._logits(engine, images, 2)[:, 3].tolist() == [0.0, 4.0, 8.0, 12.0, 16.0]  # type: ignore[arg-type]
    assert engine.shapes == [2, 2, 2]


def test_logits_become_logarithms_of_probabilities() -> None:
    found = learning._log_softmax(np.array([[0.0, np.log(3.0)], [1000.0, 0.0]]))
    np.testing.assert_allclose(found, [[np.log(0.25), np.log(0.75)], [0.0, -1000.0]])


def test_noise_is_refused_as_it_has_no_accuracy() -> None:
    job = Job("pytorch", "eager", "matched", "stock", 1, 0, kind="learning")
    with pytest.raises(ValueError, match="synthetic-10 has no accuracy"):
        learning.learn(job, data.load("synthetic", limit=10))
