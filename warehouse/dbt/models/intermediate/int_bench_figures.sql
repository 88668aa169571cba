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

chosen as (
    select *
    from candidates
    where batch_size = 128 and rankable and parity_proved
    qualify row_number() over (partition by framework_id, phase order by n desc, median desc, engine) = 1
),

-- One of the answers stands for all trials of the engine in the run.
answers as (
    select
        run_id,
        engine,
        min(response_id) as response_id
    from {{ ref('fct_bench_trials') }}
    group by run_id, engine
),

final as (
    select
        chosen.framework_id,
        case chosen.phase when 'training' then 'train_images_per_s' else 'infer_images_per_s' end as measure,
        chosen.median as value,
        chosen.started_at::date as as_of,
        null::date as since,
        chosen.device_id as source,
        concat_ws(
            ', ',
            chosen.engine,
            chosen.track,
            chosen.mode,
            chosen.tuning,
            'batch ' || chosen.batch_size,
            chosen.threads || ' threads',
            chosen.precision,
            'n = ' || chosen.n
        ) as base,
        answers.response_id
    from chosen
    inner join answers on chosen.run_id = answers.run_id and chosen.engine = answers.engine
)

select * from final
