-- Framework overhead: how much of the machine each engine uses
-- Question: What share of what this machine can do does each engine reach with the benchmark's network?
-- Read: share_of_peak is the network's dense work a second over the matrix-multiply peak measured in the same run; the
--   rest is the framework's overhead, and work that is no multiplication. of_pure_c puts the same images a second
--   against the network written in C. Each device's newest run that has a peak; float32, controls left out.
-- Cannot tell: How another network would do: this one is so small that overhead shows. The C program skips work that
--   is zero, so of_pure_c may be small where share_of_peak is not. NULL where there was no compiler for it.
with runs as (
    select
        results.device_id,
        results.run_id
    from fct_bench_results as results
    inner join fct_bench_trials as trials on results.run_id = trials.run_id
    where results.metric = 'share_of_peak'
    group by results.device_id, results.run_id
    qualify row_number() over (partition by results.device_id order by max(trials.started_at) desc, results.run_id) = 1
),

programs as (
    select
        results.device_id,
        results.run_id,
        results.engine,
        results.mode,
        results.versions,
        results.stack,
        results.track,
        results.tuning,
        results.dataset,
        results.phase,
        results.batch_size,
        results.threads,
        results.precision,
        max(results.median) filter (where results.metric = 'images_per_s') as images_per_s,
        max(results.median) filter (where results.metric = 'share_of_peak') as share_of_peak,
        max(results.n) as n,
        bool_and(results.rankable and results.parity_proved) as rankable
    from fct_bench_results as results
    inner join runs on results.device_id = runs.device_id and results.run_id = runs.run_id
    where results.metric in ('images_per_s', 'share_of_peak') and results.device = 'cpu'
    group by all
    having share_of_peak is not null
),

pure_c as (
    select *
    from fct_bench_bounds
    where bound = 'pure_c' and metric = 'images_per_s'
),

final as (
    select
        concat_ws(', ', devices.cpu, devices.cores || ' cores', devices.gpu) as device,
        programs.engine,
        programs.mode,
        programs.versions,
        programs.track,
        programs.tuning,
        programs.phase,
        programs.batch_size,
        programs.threads,
        round(programs.images_per_s, 1) as images_per_s,
        round(programs.share_of_peak, 4) as share_of_peak,
        round(programs.images_per_s / pure_c.value, 3) as of_pure_c,
        programs.n,
        programs.rankable
    from programs
    inner join dim_devices as devices on programs.device_id = devices.device_id
    left join pure_c
        on
            programs.run_id = pure_c.run_id
            and programs.device_id = pure_c.device_id
            and programs.phase = pure_c.phase
            and programs.batch_size = pure_c.batch_size
            and programs.threads = pure_c.threads
            and programs.precision = pure_c.precision
)

select * from final
order by device, phase desc, batch_size, track, tuning, share_of_peak desc, engine, mode, versions
