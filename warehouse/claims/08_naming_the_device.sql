-- Claim: A GPU is used without a word in Keras, and by explicit calls in PyTorch.
-- Holds: No call in Keras's trainer names a device, at least one in PyTorch's does: dlpulse's own default-track
--   trainers, counted by Python's parser. The day plays no part.
-- Needs: dlpulse bench run, which counts the calls in the trainers that it times
with newest as (
    select
        engine,
        arg_max(value, (started_at, trial_id)) as calls,
        max(started_at) as counted_at
    from fct_bench_trials
    where metric = 'device_calls' and track = 'default' and stack = '' and not control
    group by engine
),

final as (
    select
        stated.framework_id as part,
        stated.stated,
        format('{:.0f} calls', newest.calls) as measured,
        case stated.stated when 'implicit' then newest.calls = 0 else newest.calls > 0 end as holds,
        format(
            'calls that name a device in dlpulse''s trainer {}, counted on {}', stated.engine, newest.counted_at::date
        ) as reason
    from (
        values ('keras', 'keras-tensorflow', 'implicit'), ('pytorch', 'pytorch', 'explicit')
    ) as stated (framework_id, engine, stated)
    left join newest using (engine)
)

select * from final
order by part
