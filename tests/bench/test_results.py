"""Which runs the archive holds, and what their launches come to."""

from __future__ import annotations

from typing import Any

import pytest

from bench import results
from tests.bench.stored_runs import FAST, KERAS, SLOW, bounds, device, learning, proof, store, trial, trials
from warehouse.errors import BadInputError, DlpulseError
from warehouse.raw import Archive
from warehouse.settings import Settings
from warehouse.statistics import gap


def test_without_a_run_the_way_to_one_is_told(settings: Settings) -> None:
    with pytest.raises(DlpulseError, match="dlpulse bench run --quick"):
        results.read_run(Archive(settings.raw))


def test_the_newest_run_with_results_is_read_and_an_older_one_by_the_beginning_of_its_id(settings: Settings) -> None:
    store(settings, [device("old"), *trials("pytorch", SLOW)])
    store(settings, [device("new"), *trials("pytorch", FAST)], hour=13)
    archive = store(settings, [device("empty")], hour=14)
    newest, oldest = results.read_runs(archive)
    assert results.read_run(archive).device["device_id"] == "new"
    found = results.read_run(archive, oldest.run_id[:-1])
    assert (found.run_id, found.device["device_id"]) == (oldest.run_id, "old")
    assert newest.run_id > oldest.run_id


def test_an_ambiguous_or_unknown_run_is_refused_by_name(settings: Settings) -> None:
    store(settings, trials("pytorch", SLOW))
    archive = store(settings, trials("pytorch", FAST))
    with pytest.raises(BadInputError, match="'20' is the beginning of several benchmark runs: 20"):
        results.read_run(archive, "20")
    with pytest.raises(BadInputError, match="unknown benchmark run 'nonsense'; known: 20"):
        results.read_run(archive, "nonsense")


def test_what_a_resumed_run_added_belongs_to_the_first(settings: Settings) -> None:
    first = results.read_run(store(settings, trials("pytorch", FAST[:3])))
    archive = store(settings, trials("pytorch", FAST[3:], bench_run=first.run_id), hour=13)
    (run,) = results.read_runs(archive)
    (result,) = run.results()
    assert (run.run_id, result.n, result.median) == (first.run_id, 8, 207.0)


def test_versions_and_stacks_are_results_of_their_own(settings: Settings) -> None:
    older = {"in_force": {"versions": {"torch": "2.12.0"}}, "stack": "torch-2.12"}
    run = results.read_run(store(settings, [*trials("pytorch", FAST), *trials("pytorch", SLOW, **older)]))
    told = {(one.versions, one.stack): one.median for one in run.results()}
    assert told == {("torch 2.13.0+cpu", ""): 207.0, ("torch 2.12.0", "torch-2.12"): 103.5}


def test_a_control_is_no_result_but_shows_how_far_equal_programs_differ(settings: Settings) -> None:
    controls = trials(KERAS, [value * 1.02 for value in FAST], control=True)
    run = results.read_run(store(settings, [*trials(KERAS, FAST), *controls]))
    (result,) = run.results()
    assert (result.n, result.median) == (8, 207.0)
    (ratio,) = run.controls_over_twins().values()
    assert ratio.ratio == pytest.approx(1.02)
    assert gap(ratio) == ratio.high - 1 > 0.02


def test_a_proof_counts_for_its_own_mode_track_tuning_and_stack_only(settings: Settings) -> None:
    bodies = [proof("pytorch"), proof("pytorch", track="default", proved=False), proof("pytorch", stack="old")]
    others: list[dict[str, Any]] = [
        {"track": "default"},
        {"mode": "channels_last"},
        {"tuning": "tuned"},
        {"stack": "old"},
    ]
    more = [body for other in others for body in trials("pytorch", FAST, **other)]
    run = results.read_run(store(settings, [*bodies, *trials("pytorch", FAST), *more]))
    proved = {(one.track, one.mode, one.tuning, one.stack) for one in run.results() if one.parity_proved}
    assert proved == {("matched", "eager", "stock", ""), ("matched", "eager", "stock", "old")}


def test_the_share_of_peak_is_that_of_the_same_threads_in_float32_on_the_cpu(settings: Settings) -> None:
    bodies = [bounds(1e12), *trials("pytorch", [1000.0]), *trials("pytorch", [1000.0], threads=1)]
    on_gpu = trials("pytorch", [1000.0], device="cuda")
    run = results.read_run(store(settings, [*bodies, *on_gpu]))
    shares = [one for one in run.results() if one.metric == "share_of_peak"]
    # 7,817,472 FLOP an image.
    assert [(one.threads, one.device, one.unit, one.median) for one in shares] == [
        (2, "cpu", "share", pytest.approx(0.007817472))
    ]


def test_time_to_accuracy_is_a_result_over_seeds(settings: Settings) -> None:
    curves = [learning("pytorch", seed, [0.5, 0.9, 0.95] if seed else [0.9, 0.9, 0.95]) for seed in range(3)]
    run = results.read_run(store(settings, curves))
    (result,) = (one for one in run.results() if one.metric == "time_to_accuracy_s")
    assert (result.n, result.unit, sorted(result.values)) == (3, "s", [30.0, 30.0, 30.0])
    assert run.learning()[0]["target_accuracy"] == 0.95


def test_what_a_learning_trial_measures_besides_is_not_mixed_with_throughput_trials(settings: Settings) -> None:
    run = results.read_run(store(settings, [*trials("pytorch", FAST), learning("pytorch", 0, [0.5, 0.9])]))
    assert {one.metric for one in run.results()} == {"images_per_s", "time_to_accuracy_s"}


def test_a_trial_that_did_not_learn_gives_no_result_and_is_told(settings: Settings) -> None:
    bad = trial("pytorch", 9, [], learned=False, accuracy=0.1)
    run = results.read_run(store(settings, [*trials("pytorch", FAST), bad]))
    assert run.results()[0].n == 8
    assert run.failed == ["pytorch: the trial did not learn: accuracy 0.1, losses None"]
