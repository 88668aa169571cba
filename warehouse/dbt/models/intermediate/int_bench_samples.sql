-- What a result is made of: one value per launch, measured or derived. Controls stand for nothing but the noise, and what a
-- learning trial measured besides its epochs was measured after other work than a throughput trial's.
{% set launch %}
    run_id, device_id, device, engine, framework_id, track, mode, tuning, dataset,
    batch_size, threads, precision, versions, stack
{% endset %}
with measured as (
    select
        {{ launch }},
        phase,
        metric,
        unit,
        value
    from {{ ref('stg_bench__trials') }}
    where not control and trial_kind = 'throughput'
),

-- The peak was measured on the processor's cores, in float32: it is nobody else's. Of several, as a resumed run may have,
-- the largest: a machine can do what it has done once.
peaks as (
    select
        run_id,
        device_id,
        threads,
        max(value) as flops_per_s
    from {{ ref('stg_bench__bounds') }}
    where bound = 'matmul' and metric = 'flops_per_s' and precision = 'float32' and value > 0
    group by all
),

shares as (
    select
        measured.* exclude (metric, unit, value),
        'share_of_peak' as metric,
        'share' as unit,
        measured.value * case measured.phase
            when 'training' then {{ var('training_flops_per_image') }}
            when 'inference' then {{ var('inference_flops_per_image') }}
        end / peaks.flops_per_s as value
    from measured
    inner join peaks using (run_id, device_id, threads)
    where measured.metric = 'images_per_s' and measured.device = 'cpu' and measured.precision = 'float32'
),

times as (
    select
        {{ launch }},
        'training' as phase,
        'time_to_accuracy_s' as metric,
        's' as unit,
        unnest(times) as value
    from {{ ref('int_bench_learning') }}
    where time_to_accuracy_s is not null
),

final as (
    select * from measured
    union all by name
    select * from shares
    union all by name
    select * from times
)

select * from final
