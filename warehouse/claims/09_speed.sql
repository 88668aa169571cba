-- Claim: PyTorch trains as fast as TensorFlow, Keras consistently slower.
-- Holds: PyTorch over Keras on TensorFlow: resolved and above 1. PyTorch over TensorFlow: the whole interval above
--   0.9; resolved and wholly below 0.9 speaks against it. Training the reference CNN at batch 128, of the newest run
--   that has both; the day plays no part. As published in 2018: the seconds of one run each, of a far larger,
--   VGG-style network on other devices, above 1 and above 0.9; they do not compare with those measured here.
-- Needs: dlpulse bench run, with 8 launches of each; --full has TensorFlow's own loop too
with runs as (
    select
        run_id,
        max(started_at) as started_at
    from fct_bench_trials
    group by run_id
),

ratios as (
    select
        found.track,
        found.tuning,
        found.n,
        found.p_holm,
        found.control_gap,
        found.rankable,
        found.resolved,
        found.device_id,
        runs.started_at,
        case found.engine_a when 'pytorch' then found.engine_b else found.engine_a end as engine,
        case found.engine_a when 'pytorch' then found.ratio else 1 / found.ratio end as ratio,
        case found.engine_a when 'pytorch' then found.low else 1 / found.high end as low,
        case found.engine_a when 'pytorch' then found.high else 1 / found.low end as high
    from fct_bench_ratios as found
    inner join runs on found.run_id = runs.run_id
    where
        (found.metric, found.phase, found.batch_size, found.precision) = ('images_per_s', 'training', 128, 'float32')
        and found.stack_a = ''
        and found.stack_b = ''
        and 'pytorch' in (found.engine_a, found.engine_b)
        and found.mode_a in ('eager', 'graph')
        and found.mode_b in ('eager', 'graph')
),

newest as (
    select *
    from ratios
    qualify
        row_number() over (
            partition by engine, track, tuning
            order by started_at desc, rankable desc, n desc, device_id, ratio
        ) = 1
),

stated as (
    select *
    from (
        values
            ('keras', 'keras-tensorflow', 'Keras slower', 'default'),
            ('keras', 'keras-tensorflow', 'Keras slower', 'matched'),
            ('tensorflow', 'tensorflow', 'PyTorch as fast', 'matched')
    ) as claimed (name, engine, stated, track)
    cross join (values ('stock'), ('tuned')) as kinds (tuning)
),

judged as (
    select
        stated.*,
        newest.* exclude (engine, track, tuning),
        case
            when not newest.rankable then null
            when stated.name = 'keras' and newest.resolved then newest.ratio > 1
            when stated.name = 'tensorflow' and newest.n >= 8 and newest.low >= 0.9 then true
            when stated.name = 'tensorflow' and newest.resolved and newest.high < 0.9 then false
        end as holds,
        -- The words of warehouse/statistics.py, in its order.
        case
            when newest.ratio is null then null
            when not newest.rankable then 'not proved, too noisy or too few launches to be ranked'
            when newest.resolved then format('resolved: n = {}, p = {:.2g}', newest.n, newest.p_holm)
            when newest.p_holm is null then format('not resolved: n = {}, an interval takes 8', newest.n)
            when newest.low <= 1 and newest.high >= 1 then 'not resolved: the interval holds 1'
            when newest.p_holm >= 0.05 then format('not resolved: Mann-Whitney p = {:.2g}', newest.p_holm)
            when newest.control_gap is null then 'not resolved: no A/A control ran beside it'
            else format('not resolved: two equal programs may differ by {:.0f} % here', 100 * newest.control_gap)
        end as why
    from stated
    left join newest using (engine, track, tuning)
),

published as (
    select
        stated.name || '.published.' || lower(split_part(pytorch.device, ' ', -1)) as part,
        stated.stated,
        other.seconds / pytorch.seconds as ratio,
        pytorch.seconds as seconds,
        other.seconds as other_seconds,
        pytorch.source_url,
        stated.least
    from (
        values ('keras', 'Keras on TensorFlow', 'Keras slower', 1), ('tensorflow', 'TensorFlow', 'PyTorch as fast', 0.9)
    ) as stated (name, program, stated, least)
    inner join fct_bench_cited as other on stated.program = other.program
    inner join fct_bench_cited as pytorch
        on
            pytorch.program = 'PyTorch'
            and other.source = pytorch.source
            and other.device = pytorch.device
            and other.network is not distinct from pytorch.network
            and other.dataset is not distinct from pytorch.dataset
),

final as (
    select
        part,
        stated,
        format('PyTorch {:.2f} times as fast (one run each)', ratio) as measured,
        ratio > least as holds,
        format('{} s against {} s, as published: {}', seconds, other_seconds, source_url) as reason
    from published
    union all
    select
        concat_ws('.', name, track, tuning) as part,
        stated,
        format(
            'PyTorch {:.2f} times as fast ({} {:.2f} to {:.2f})',
            ratio, if(p_holm is null, 'range', '95 % interval'), low, high
        ) as measured,
        holds,
        why || format('; on {} on {}', device_id, started_at::date) as reason
    from judged
)

select * from final
order by part
