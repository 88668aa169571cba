-- Throughput of each framework in the newest run of the device benched last: what a beginner writes (track default), in the
-- stock environment, at the batch of 128; where the run has no such result, the matched track in the engines' own first
-- modes. Tracks never stand side by side. Of several engines of a framework the fastest; results too noisy to rank, and
-- networks not proved, are left out.
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
        and (results.track = 'default' or results.mode in ('eager', 'graph'))
        and results.tuning = 'stock'
        and results.batch_size = 128
        and results.precision = 'float32'
        and results.stack = ''
    qualify runs.started_at = max(runs.started_at) over ()
),

of_one_track as (
    select *
    from candidates
    qualify track = 'default' or not bool_or(track = 'default') over ()
),

chosen as (
    select *
    from of_one_track
    where rankable and parity_proved
    qualify row_number() over (partition by framework_id, phase order by median desc, engine, mode) = 1
),

-- One of the answers stands for all trials of the result.
answers as (
    select
        run_id,
        engine,
        track,
        mode,
        min(response_id) as response_id
    from {{ ref('fct_bench_trials') }}
    where not control and tuning = 'stock' and stack = ''
    group by all
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
            nullif(chosen.device, 'cpu'),
            chosen.threads || ' threads',
            chosen.precision,
            'n = ' || chosen.n
        ) as base,
        answers.response_id
    from chosen
    inner join answers
        on
            chosen.run_id = answers.run_id
            and chosen.engine = answers.engine
            and chosen.track = answers.track
            and chosen.mode = answers.mode
)

select * from final
