-- Claim: The article's two snippets build the same network: 11,290 parameters, 16 x 6 x 6 before the last layer.
-- Holds: In dlpulse's engines, written after the snippets, layers, shapes and the 11,290 parameters are those of the
--   specification, and every figure lies within its limit, in each proof of the newest run that proved the engine on
--   the track. The day plays no part.
-- Needs: dlpulse bench run, which proves the networks before it times them
with runs as (
    select
        run_id,
        max(started_at) as started_at
    from fct_bench_trials
    group by run_id
),

proofs as (
    select
        proofs.engine,
        proofs.track,
        runs.started_at,
        count(*) as proofs,
        count(*) filter (where proofs.proved) as proved
    from meta_parity as proofs
    inner join runs on proofs.run_id = runs.run_id
    where proofs.stack = ''
    group by proofs.engine, proofs.track, runs.run_id, runs.started_at
    qualify row_number() over (partition by proofs.engine, proofs.track order by runs.started_at desc, runs.run_id) = 1
),

final as (
    select
        stated.engine || '.' || tracks.track as part,
        'the same network' as stated,
        format('{} of {} proofs hold', proofs.proved, proofs.proofs) as measured,
        proofs.proved = proofs.proofs as holds,
        case
            when proofs.proofs is null then null
            when proofs.proved = proofs.proofs
                then format('layers, shapes and figures are those of the specification, on {}', proofs.started_at::date)
            else 'a proof failed: dlpulse bench verify tells where'
        end as reason
    from (values ('keras-tensorflow'), ('pytorch')) as stated (engine)
    cross join (values ('default'), ('matched')) as tracks (track)
    left join proofs using (engine, track)
)

select * from final
order by part
