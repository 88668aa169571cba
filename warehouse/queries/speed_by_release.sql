-- Speed by release: whether newer versions are faster
-- Question: How many images a second does each engine handle with each library version, and when was that released?
-- Read: One row a library of a program. Compare along released_on within one run, engine, mode, track, tuning and phase:
--   to_first is the median over that of the earliest release measured there. `dlpulse bench run --matrix FILE` measures
--   several versions. Conclude nothing where rankable is false.
-- Cannot tell: Which of two libraries made the difference when both changed, or what a version does on other devices
--   and networks. released_on is the day of the framework's own release on GitHub; NULL where its list was not
--   collected, or names the version otherwise.
with libraries as (
    select
        framework_id,
        name as library
    from dim_registry_names
    where kind = 'pypi_package'
),

results as (
    select
        * exclude (versions),
        unnest(string_split(versions, ', ')) as told
    from fct_bench_results
    where
        metric = 'images_per_s'
        and phase in ('training', 'inference')
        and batch_size = 128
        and versions <> ''
),

-- "torch 2.13.0+cpu" is PyTorch's release "v2.13.0".
programs as (
    select
        *,
        split_part(told, ' ', 1) as library,
        split_part(told, ' ', 2) as version,
        split_part(version, '+', 1) as number
    from results
),

releases as (
    select
        framework_id,
        regexp_extract(version, '\d+(\.\d+)+.*$') as number,
        min(released_on) as released_on
    from fct_releases
    group by all
),

final as (
    select
        concat_ws(', ', devices.cpu, devices.cores || ' cores', devices.gpu) as device,
        programs.run_id,
        programs.engine,
        programs.mode,
        programs.track,
        programs.tuning,
        programs.phase,
        programs.library,
        programs.version,
        releases.released_on,
        round(programs.median, 1) as median,
        programs.n,
        programs.rankable and programs.parity_proved as rankable,
        round(programs.median / first_value(programs.median) over (
            partition by
                programs.run_id, programs.device_id, programs.device, programs.engine, programs.mode, programs.track,
                programs.tuning, programs.phase, programs.dataset, programs.threads, programs.precision,
                programs.library
            order by releases.released_on nulls last, programs.version, programs.stack
        ), 3) as to_first
    from programs
    inner join dim_devices as devices on programs.device_id = devices.device_id
    left join libraries on programs.library = libraries.library
    left join releases
        on libraries.framework_id = releases.framework_id and programs.number = releases.number
)

select * from final
order by device, run_id, engine, mode, track, tuning, phase desc, library, released_on, version, median
