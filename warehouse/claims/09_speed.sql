-- Claim: PyTorch trains as fast as TensorFlow, Keras consistently slower.
-- Holds: PyTorch over Keras on TensorFlow: resolved and above 1. PyTorch over TensorFlow: not resolved to be slower by
--   more than a tenth. Training the reference CNN at batch 128 in the newest run. The article's charts show a far
--   larger, VGG-style network on other devices (CIFAR-10 on K80 / P100, seconds: Keras-TensorFlow 241 / 76, PyTorch
--   169 / 51, TensorFlow 173 / 57; github.com/ilkarman/DeepLearningFrameworks): its seconds do not compare with these.
-- Needs: dlpulse bench run, with 8 launches of each; --full has TensorFlow's own loop too
with newest as (
    select run_id
    from fct_bench_trials
    where not control and trial_kind = 'throughput' and stack = ''
    order by started_at desc, run_id desc
    limit 1
),

ratios as (
    select
        track,
        tuning,
        engine_a,
        engine_b,
        n,
        p_holm,
        control_gap,
        rankable,
        resolved,
        case engine_a when 'pytorch' then ratio else 1 / ratio end as ratio,
        case engine_a when 'pytorch' then low else 1 / high end as low,
        case engine_a when 'pytorch' then high else 1 / low end as high,
        case engine_a when 'pytorch' then engine_b else engine_a end as engine
    from fct_bench_ratios
    where
        run_id in (select newest.run_id from newest)
        and (metric, phase, batch_size, precision) = ('images_per_s', 'training', 128, 'float32')
        and stack_a = ''
        and stack_b = ''
        and 'pytorch' in (engine_a, engine_b)
        and mode_a in ('eager', 'graph')
        and mode_b in ('eager', 'graph')
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

final as (
    select
        concat_ws('.', stated.name, stated.track, stated.tuning) as part,
        stated.stated,
        format('PyTorch {:.2f} times as fast ({:.2f} to {:.2f})', ratios.ratio, ratios.low, ratios.high) as measured,
        case
            when not ratios.rankable then null
            when stated.name = 'tensorflow' and ratios.n >= 8 then not (ratios.resolved and ratios.ratio < 0.9)
            when ratios.resolved then ratios.ratio > 1
        end as holds,
        case
            when ratios.ratio is null then null
            when not ratios.rankable then 'too noisy, or too few launches, to be ranked'
            when ratios.resolved then format('resolved: n = {}, p = {:.2g}', ratios.n, ratios.p_holm)
            when ratios.n < 8 then format('not resolved: n = {}, an interval takes 8', ratios.n)
            else format('not resolved: two equal programs may differ by {:.0f} % here', 100 * ratios.control_gap)
        end as reason
    from stated
    left join ratios using (engine, track, tuning)
)

select * from final
order by part
