-- Throughput of each framework in the newest run of the device benched last: matched track, stock environment, the
-- mode and batch size that most engines share. Results too noisy to rank are left out.
with runs as (
    select
        run_id,
        max(started_at) as started_at
    from {{ ref('fct_bench_trials') }}
    group by run_id
),

candidates as (
    select
        results.*,
        runs.started_at
    from {{ ref('fct_bench_results') }} as results
    inner join runs on results.run_id = runs.run_id
    where
        results.metric = 'images_per_s'
        and results.phase in ('training', 'inference')
        and results.track = 'matched'
        and results.mode = 'eager'
        and results.tuning = 'stock'
        and results.rankable
        and results.parity_proved
    qualify runs.started_at = max(runs.started_at) over ()
),

final as (
    select
        framework_id,
        if(phase = 'training', 'train_images_per_s', 'infer_images_per_s') as measure,
        arg_max(median, batch_size = 128) as value,
        max(started_at)::date as as_of,
        arg_max(device_id, batch_size = 128) as device_id,
        arg_max(
            concat_ws(
                ', ', engine, track, mode, tuning, 'batch ' || batch_size, threads || ' threads', precision, 'n = ' || n
            ),
            batch_size = 128
        ) as base,
        arg_max(run_id, batch_size = 128) as run_id,
        arg_max(engine, batch_size = 128) as engine
    from candidates
    group by framework_id, phase
)

select * from final
