with proofs as (
    select
        run_id,
        engine,
        mode,
        track,
        tuning,
        stack,
        bool_and(proved) as proved
    from {{ ref('stg_bench__parity') }}
    group by all
),

final as (
    select
        spread.run_id,
        spread.device_id,
        spread.device,
        spread.engine,
        spread.framework_id,
        spread.track,
        spread.mode,
        spread.tuning,
        spread.dataset,
        spread.phase,
        spread.batch_size,
        spread.threads,
        spread.precision,
        spread.versions,
        spread.stack,
        spread.metric,
        spread.unit,
        spread.n,
        spread.median,
        spread.q1,
        spread.q3,
        spread.ci_low,
        spread.ci_high,
        spread.noisy,
        spread.rankable,
        coalesce(proofs.proved, false) as parity_proved
    from {{ ref('int_bench_spread') }} as spread
    left join proofs
        on
            spread.run_id = proofs.run_id
            and spread.engine = proofs.engine
            and spread.mode = proofs.mode
            and spread.track = proofs.track
            and spread.tuning = proofs.tuning
            and spread.stack = proofs.stack
)

select * from final
