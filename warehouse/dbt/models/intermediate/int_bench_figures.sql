-- Throughput of each framework in the newest run of the device benched last: matched track, stock environment, the
-- batch of 128; of several engines of a framework the fastest. Results too noisy to rank are left out.
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
    qualify runs.started_at = max(runs.started_at) over ()
),

final as (
    select
        framework_id,
        case phase when 'training' then 'train_images_per_s' else 'infer_images_per_s' end as measure,
        median as value,
        started_at::date as as_of,
        device_id,
        concat_ws(
            ', ', engine, track, mode, tuning, 'batch ' || batch_size, threads || ' threads', precision, 'n = ' || n
        ) as base,
        run_id,
        engine
    from candidates
    where batch_size = 128 and rankable and parity_proved
    qualify row_number() over (partition by framework_id, phase order by n desc, median desc, engine) = 1
)

select * from final
