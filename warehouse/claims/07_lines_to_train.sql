-- Claim: Training takes about twenty lines in PyTorch and one in Keras.
-- Holds: 15 to 25 logical lines in PyTorch, 5 at most in Keras: dlpulse's own default-track trainers, counted by
--   Python's parser. Around the one line of `fit` stand compiling and what the trainers return. The day plays no part.
-- Needs: dlpulse bench run, which counts the lines of the trainers that it times
with newest as (
    select
        engine,
        arg_max(value, (started_at, trial_id)) as lines,
        max(started_at) as counted_at
    from fct_bench_trials
    where metric = 'code_lines' and track = 'default' and stack = '' and not control
    group by engine
),

final as (
    select
        stated.framework_id as part,
        stated.stated,
        format('{:.0f} lines', newest.lines) as measured,
        newest.lines between stated.least and stated.most as holds,
        format(
            'logical lines beyond the model in dlpulse''s trainer {}, counted on {}',
            stated.engine, newest.counted_at::date
        ) as reason
    from (
        values
            ('keras', 'keras-tensorflow', 'one', 1, 5),
            ('pytorch', 'pytorch', 'about twenty', 15, 25)
    ) as stated (framework_id, engine, stated, least, most)
    left join newest using (engine)
)

select * from final
order by part
