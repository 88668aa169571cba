with results as (
    select
        * exclude (n),
        rankable and parity_proved as counts
    from {{ ref('fct_bench_results') }}
),

final as (
    select
        ratios.run_id,
        ratios.device_id,
        ratios.track,
        ratios.mode,
        ratios.tuning,
        ratios.dataset,
        ratios.phase,
        ratios.batch_size,
        ratios.threads,
        ratios.precision,
        ratios.engine_a,
        ratios.engine_b,
        ratios.metric,
        ratios.ratio,
        ratios.low,
        ratios.high,
        ratios.n,
        ratios.p_value,
        bool_and(results.counts) as rankable
    from {{ ref('int_bench_ratios') }} as ratios
    inner join results
        using (run_id, device_id, track, mode, tuning, dataset, phase, batch_size, threads, precision, metric)
    where results.engine in (ratios.engine_a, ratios.engine_b)
    group by all
)

select * from final
