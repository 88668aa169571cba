-- Every download count read of a package of the registry, under the registry's name of it. Counts of days in an outage are
-- no facts: they were lost, all but a part. The outages are of PyPI's counts; conda's are others. PyPI knows torch_geometric
-- and Torch.Geometric as one package (PEP 503); conda's names are exact.
{{ config(materialized="ephemeral") }}
with packages as (
    select
        *,
        if(registry = 'pypi', regexp_replace(lower(package), '[-_.]+', '-', 'g'), package) as known_as
    from {{ ref('stg_registry__packages') }}
),

final as (
    select
        packages.framework_id,
        packages.package,
        readings.provider as source,
        readings.granularity,
        readings.mirrors,
        readings.day,
        readings.downloads,
        readings.fetched_at as known_from,
        readings.response_id
    from {{ ref('stg_downloads__packages') }} as readings
    inner join packages
        on
            packages.registry = if(readings.provider = 'conda', 'conda', 'pypi')
            and packages.known_as
            = if(
                readings.provider = 'conda',
                readings.package,
                regexp_replace(lower(readings.package), '[-_.]+', '-', 'g')
            )
    anti join {{ ref('stg_cited__outages') }} as outages
        on
            packages.registry = 'pypi'
            and outages.source = 'downloads'
            and readings.day between outages.period_start and coalesce(outages.period_end, date '9999-12-31')
)

select * from final
