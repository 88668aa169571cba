-- Claim: The article's two snippets build the same network: 11,290 parameters, 16 x 6 x 6 before the last layer.
-- Holds: Layers, shapes and parameters are the specified ones and every figure lies within its limit, in both engines,
--   in each proof of the newest run. The day plays no part.
-- Needs: dlpulse bench run, which proves the networks before it times them
with newest as (
    select run_id
    from fct_bench_trials
    order by started_at desc, run_id desc
    limit 1
),

proofs as (
    select
        engine,
        track,
        count(*) as proofs,
        count(*) filter (where proved) as proved
    from meta_parity
    where run_id in (select newest.run_id from newest) and stack = ''
    group by engine, track
),

final as (
    select
        stated.engine || '.' || tracks.track as part,
        'the same network' as stated,
        format('{} of {} proofs', proofs.proved, proofs.proofs) as measured,
        proofs.proved = proofs.proofs as holds,
        case
            when proofs.proofs is null then null
            when proofs.proved = proofs.proofs then 'layers, shapes, parameters and figures are those of the specification'
            else 'a proof failed: dlpulse bench verify tells where'
        end as reason
    from (values ('keras-tensorflow'), ('pytorch')) as stated (engine)
    cross join (values ('default'), ('matched')) as tracks (track)
    left join proofs using (engine, track)
)

select * from final
order by part
