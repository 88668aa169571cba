"""What the Benchmarks page reads: the newest run of each device with results, trials, proof and circumstances."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from dashboards.reader import Published, frame

_CONFIGURATION = (
    "engine framework_id track mode tuning dataset phase batch_size threads precision device versions stack metric unit"
)

SETTING = ("track", "tuning", "dataset", "phase", "batch_size", "threads", "precision", "device", "metric")
"""What two programs of a run must share to be compared."""
PROGRAM = (*SETTING, "engine", "mode", "versions", "stack")
"""What a result and its trials share."""
MAIN_BATCH = 128


@dataclass(frozen=True)
class Newest:
    """A run: its results, trials and ratios as the functions below return them."""

    results: pd.DataFrame
    trials: pd.DataFrame
    ratios: pd.DataFrame

    def headline(self, tuning: str = "stock") -> pd.DataFrame:
        """Return the training throughput of what is compared first, proved and with dlpulse's own libraries.

        As in int_bench_figures: float32 at the main batch size on the default track; where the run has none of these,
        in what it has. Stock is replaced by what there is; another tuning is not.
        """
        timed = self.results[(self.results["metric"] == "images_per_s") & (self.results["phase"] == "training")]
        timed = timed[(timed["stack"] == "") & timed["parity_proved"].fillna(False).astype(bool)]
        for column, usual in (("precision", "float32"), ("track", "default"), ("batch_size", MAIN_BATCH)):
            timed = _usual(timed, column, usual)
        return _usual(timed, "tuning", tuning) if tuning == "stock" else timed[timed["tuning"] == tuning]


def _usual(rows: pd.DataFrame, column: str, usual: object) -> pd.DataFrame:
    """Return the rows with the usual value of a column; where there is none, with its largest."""
    if rows.empty:
        return rows
    return rows[rows[column] == (usual if usual in set(rows[column]) else rows[column].max())]


def run(state: Published, run_id: str, device_id: str) -> Newest:
    """Return one run of one device."""
    return Newest(*(read(state, run_id, device_id) for read in (results, trials, ratios)))


def newest(state: Published) -> Newest | None:
    """Return the run that the overview's speeds are of, else the one measured last; None before any."""
    sql = """
        with runs as (
            select run_id, max(started_at) as started_at
            from fct_bench_trials
            group by run_id
        )
        select run_id, device_id
        from fct_bench_results
        join runs using (run_id)
        where metric = 'images_per_s' and stack = ''
            and (tuning, batch_size, precision) = ('stock', 128, 'float32')
        order by started_at desc, run_id desc
        limit 1
    """
    found = frame(state, sql, "run_id device_id")
    found = found if not found.empty else runs(state)
    return None if found.empty else run(state, str(found["run_id"].iloc[0]), str(found["device_id"].iloc[0]))


def runs(state: Published) -> pd.DataFrame:
    """Return device_id, run_id, started_at (UTC), trials: the newest run with results of each device, newest first."""
    sql = """
        select device_id, run_id, min(started_at) as started_at, count(distinct trial_id) as trials
        from fct_bench_trials
        where not control and trial_kind = 'throughput'
        group by device_id, run_id
        qualify row_number() over (partition by device_id order by min(started_at) desc, run_id desc) = 1
        order by started_at desc, run_id desc
    """
    return frame(state, sql, "device_id run_id started_at trials")


def results(state: Published, run_id: str, device_id: str) -> pd.DataFrame:
    """Return one row per configuration and metric: n, median, quartiles, noisy, rankable, name and colour."""
    sql = """
        select r.*, f.name, f.colour
        from fct_bench_results as r
        join dim_frameworks as f using (framework_id)
        where run_id = $1 and device_id = $2
        order by track, tuning, f.name, engine, mode, versions, stack, phase, metric, batch_size
    """
    columns = f"{_CONFIGURATION} name colour n median q1 q3 ci_low ci_high noisy rankable parity_proved"
    return frame(state, sql, columns, run_id, device_id)


def trials(state: Published, run_id: str, device_id: str) -> pd.DataFrame:
    """Return a run's trials (one process launch each): configuration, metric, value, seed and started_at (UTC).

    Controls stand in no result, and learning trials are another measurement: both are left out.
    """
    sql = """
        select *
        from fct_bench_trials
        where run_id = $1 and device_id = $2 and not control and trial_kind = 'throughput'
        order by started_at, trial_id, phase, metric, batch_size
    """
    return frame(state, sql, f"{_CONFIGURATION} value trial_id seed started_at", run_id, device_id)


def ratios(state: Published, run_id: str, device_id: str) -> pd.DataFrame:
    """Return a run's comparisons of two programs: setting, engine_a, mode_a, engine_b, mode_b…, ratio and how sure.

    `resolved` says that the difference counts; `control_gap` how far two equal programs may lie apart here.
    """
    columns = (
        "track tuning dataset phase batch_size threads precision device metric "
        "engine_a mode_a versions_a stack_a engine_b mode_b versions_b stack_b "
        "ratio low high n p_holm control_gap rankable resolved"
    )
    order = "track, tuning, phase, batch_size, metric, engine_a, mode_a, stack_a, engine_b, mode_b, stack_b"
    return _of_run(state, "fct_bench_ratios", columns, order, run_id, device_id)


def epochs(state: Published, run_id: str, device_id: str) -> pd.DataFrame:
    """Return the epochs of learning trials: engine, mode, track, tuning, dataset, seed, epoch, train_s, accuracy."""
    sql = """
        select e.*, f.name, f.colour
        from fct_bench_epochs as e
        join dim_frameworks as f using (framework_id)
        where run_id = $1 and device_id = $2 and not control
        order by track, dataset, engine, mode, seed, trial_id, epoch
    """
    program = "framework_id name colour engine mode stack versions track tuning dataset batch_size"
    columns = f"{program} seed epoch train_s accuracy"
    return frame(state, sql, columns, run_id, device_id)


def learning(state: Published, run_id: str, device_id: str) -> pd.DataFrame:
    """Return what was learnt, by program: target_accuracy, seeds, how many reached it, epochs and seconds to it."""
    columns = (
        "track tuning dataset engine mode stack seeds reached target_accuracy epochs_to_accuracy time_to_accuracy_s "
        "low high final_accuracy"
    )
    order = "track, dataset, time_to_accuracy_s nulls last, engine"
    return _of_run(state, "fct_bench_learning", columns, order, run_id, device_id)


def bounds(state: Published, run_id: str, device_id: str) -> pd.DataFrame:
    """Return what the machine itself can do: bound, phase, batch_size, threads, precision, metric, value, n, how…"""
    columns = "bound phase batch_size threads precision metric unit value low high n how"
    order = "bound, phase desc, batch_size"
    return _of_run(state, "fct_bench_bounds", columns, order, run_id, device_id)


def proofs(state: Published, run_id: str) -> pd.DataFrame:
    """Return engine, mode, track, tuning, proved, figures (JSON text) of the run's parity proofs."""
    sql = "select * from meta_parity where run_id = $1 order by engine, mode, track, tuning, stack"
    return frame(state, sql, "engine mode track tuning proved figures", run_id)


def noisy_speeds(state: Published) -> pd.DataFrame:
    """Return framework_id, measure (as in rpt_framework_figures) of the newest run's speeds too noisy to be ranked.

    Of the configurations that the overview's speeds are taken from; a framework with a rankable result has no row.
    """
    sql = """
        with candidates as (
            select *
            from fct_bench_results
            where run_id = (select arg_max(run_id, started_at) from fct_bench_trials where stack = '')
                and metric = 'images_per_s' and phase in ('training', 'inference') and stack = ''
                and (tuning, batch_size, precision) = ('stock', 128, 'float32')
                and (track = 'default' or mode in ('eager', 'graph'))
            qualify track = 'default' or not bool_or(track = 'default') over ()
        )
        select framework_id, if(phase = 'training', 'train_images_per_s', 'infer_images_per_s') as measure
        from candidates
        where parity_proved
        group by framework_id, phase
        having not bool_or(coalesce(rankable, false))
    """
    return frame(state, sql, "framework_id measure")


def device(state: Published, device_id: str) -> pd.DataFrame:
    """Return cpu, cores, gpu, memory_gib, os, python, versions (JSON text of library -> version); one row or none."""
    sql = """
        select cpu, cores, gpu, memory_gib, os, python, to_json(versions)::varchar as versions
        from dim_devices
        where device_id = $1
    """
    return frame(state, sql, "cpu cores gpu memory_gib os python versions", device_id)


def _of_run(state: Published, table: str, columns: str, order: str, run_id: str, device_id: str) -> pd.DataFrame:
    sql = f"select * from {table} where run_id = $1 and device_id = $2 order by {order}"
    return frame(state, sql, columns, run_id, device_id)
