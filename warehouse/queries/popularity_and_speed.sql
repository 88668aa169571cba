-- Popularity against speed: is the faster framework the more popular one
-- Question: How do two engines compare on this device, and how do their frameworks compare in stars and papers?
-- Read: speed_ratio 1.5 with low above 1 says that engine_a handles 1.5 times the images of engine_b a second.
--   stars_ratio and paper_share_ratio put the same two frameworks against each other. Each device's newest run with
--   dlpulse's own libraries; one row a configuration and pair of engines in their modes. Conclude nothing where resolved
--   is false: the launches differ too much or are too few, parity was not proved, or two equal programs differ as much
--   (control_gap).
-- Cannot tell: Other devices, networks and settings; and no cause in either direction. low and high are the
--   extremes of the launches when n is below 8. Popularity is as of the days beside it (stars_on_a, stars_on_b,
--   papers_until_a, papers_until_b), not of the benchmark's, and the days of the two may be months apart.
with runs as (
    select
        device_id,
        run_id
    from fct_bench_trials
    where stack = ''
    group by device_id, run_id
    qualify row_number() over (partition by device_id order by max(started_at) desc, run_id) = 1
),

engines as (
    select distinct
        run_id,
        engine,
        framework_id
    from fct_bench_results
),

ratios as (
    select
        ratios.*,
        engines_a.framework_id as framework_a,
        engines_b.framework_id as framework_b
    from fct_bench_ratios as ratios
    inner join runs on ratios.run_id = runs.run_id
    inner join engines as engines_a on ratios.run_id = engines_a.run_id and ratios.engine_a = engines_a.engine
    inner join engines as engines_b on ratios.run_id = engines_b.run_id and ratios.engine_b = engines_b.engine
    where
        ratios.metric = 'images_per_s'
        and ratios.phase in ('training', 'inference')
        and ratios.stack_a = ''
        and ratios.stack_b = ''
        -- Two modes of one engine, or two engines of one framework, have no popularity of their own.
        and engines_a.framework_id <> engines_b.framework_id
),

days as (
    select
        framework_id,
        max(as_of) filter (where measure = 'stars_observed') as stars_on,
        max(as_of) filter (where measure = 'paper_share') as papers_until
    from rpt_framework_figures
    group by framework_id
),

popularity as (
    select
        frameworks.framework_id,
        frameworks.stars_observed,
        if(frameworks.stars_observed is null, null, days.stars_on) as stars_on,
        frameworks.paper_share,
        if(frameworks.paper_share is null, null, days.papers_until) as papers_until
    from rpt_frameworks as frameworks
    left join days on frameworks.framework_id = days.framework_id
),

final as (
    select
        concat_ws(', ', devices.cpu, devices.cores || ' cores', devices.gpu) as device,
        ratios.engine_a,
        ratios.mode_a,
        ratios.engine_b,
        ratios.mode_b,
        ratios.phase,
        ratios.track,
        ratios.tuning,
        ratios.batch_size,
        round(ratios.ratio, 2) as speed_ratio,
        round(ratios.low, 2) as low,
        round(ratios.high, 2) as high,
        ratios.n,
        ratios.rankable,
        round(ratios.control_gap, 3) as control_gap,
        ratios.resolved,
        round(a.stars_observed / nullif(b.stars_observed, 0), 2) as stars_ratio,
        a.stars_on as stars_on_a,
        b.stars_on as stars_on_b,
        round(a.paper_share / nullif(b.paper_share, 0), 2) as paper_share_ratio,
        a.papers_until as papers_until_a,
        b.papers_until as papers_until_b
    from ratios
    inner join dim_devices as devices on ratios.device_id = devices.device_id
    left join popularity as a on ratios.framework_a = a.framework_id
    left join popularity as b on ratios.framework_b = b.framework_id
)

select * from final
order by device, phase desc, track, tuning, batch_size, engine_a, mode_a, engine_b, mode_b
