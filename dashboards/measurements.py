"""What the Benchmarks page reads: the newest run of each device with results, trials, proof and circumstances."""

from __future__ import annotations

import pandas as pd

from dashboards.reader import Published, frame

_CONFIGURATION = (
    "engine framework_id track mode tuning dataset phase batch_size threads precision device versions stack metric unit"
)


def runs(state: Published) -> pd.DataFrame:
    """Return device_id, run_id, started_at (UTC), trials: the newest run with results of each device, newest first."""
    sql = """
        select device_id, run_id, min(started_at) as started_at, count(distinct trial_id) as trials
        from fct_bench_trials
        where not control and trial_kind = 'throughput'
        group by device_id, run_id
        qualify row_number() over (partition by device_id order by min(started_at) desc) = 1
        order by started_at desc
    """
    return frame(state, sql, "device_id run_id started_at trials")


def results(state: Published, run_id: str, device_id: str) -> pd.DataFrame:
    """Return one row per configuration and metric: n, median, quartiles, noisy, rankable, name and colour."""
    sql = """
        select r.*, f.name, f.colour
        from fct_bench_results as r
        join dim_frameworks as f using (framework_id)
        where run_id = $1 and device_id = $2
        order by tuning, f.name, engine, mode, batch_size
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
        order by started_at, trial_id
    """
    return frame(state, sql, f"{_CONFIGURATION} value trial_id seed started_at", run_id, device_id)


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
