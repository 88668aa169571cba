with results as (
    select
        * exclude (n),
        rankable and parity_proved as counts
    from {{ ref('fct_bench_results') }}
),

judged as (
    select
        ratios.*,
        bool_and(results.counts) as rankable
    from {{ ref('int_bench_ratios') }} as ratios
    inner join results using ({{ bench_setting() }})
    where
        (results.engine, results.mode, results.versions, results.stack) in (
            (ratios.engine_a, ratios.mode_a, ratios.versions_a, ratios.stack_a),
            (ratios.engine_b, ratios.mode_b, ratios.versions_b, ratios.stack_b)
        )
    group by all
),

-- Nobody learns twice under two names: the control of training speed stands for the time to learn too.
controls as (
    select * from {{ ref('int_bench_controls') }}
    union all by name
    select * replace ('time_to_accuracy_s' as metric)
    from {{ ref('int_bench_controls') }}
    where phase = 'training' and metric = 'images_per_s'
),

final as (
    select
        run_id,
        device_id,
        device,
        track,
        tuning,
        dataset,
        phase,
        batch_size,
        threads,
        precision,
        engine_a,
        mode_a,
        versions_a,
        stack_a,
        engine_b,
        mode_b,
        versions_b,
        stack_b,
        metric,
        ratio,
        low,
        high,
        n,
        p_value,
        p_holm,
        rankable,
        control_gap,
        -- The same words as `dlpulse bench show` (warehouse/statistics.py). Below 8 launches there is no p_value, and
        -- without a control nobody knows what this machine makes of no difference.
        rankable
        and (low > 1 or high < 1)
        and coalesce(p_holm < 0.05, false)
        and coalesce(greatest(ratio, 1 / ratio) - 1 > control_gap, false) as resolved
    from judged
    left join controls using ({{ bench_setting() }})
)

select * from final
