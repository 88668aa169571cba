-- Downloads of each framework in 30 days: pypistats without mirrors, summed over its packages. The 30 days end on the
-- newest day for which every package has a count; a day without one among them leaves the framework without a figure,
-- since part of a sum is not the sum. Packages of which pypistats said that it knows none such are left out.
with unknown_packages as (
    select subject as package
    from {{ ref('meta_responses') }}
    where source = 'downloads' and status = 404 and rejected is null
    except
    select package
    from {{ ref('fct_downloads') }}
    where source = 'pypistats'
),

packages as (
    select
        framework_id,
        name as package,
        count(*) over (partition by framework_id) as packages
    from {{ ref('dim_registry_names') }}
    where kind = 'pypi_package' and name not in (select unknown_packages.package from unknown_packages)
),

downloads as (
    select
        packages.framework_id,
        packages.package,
        packages.packages,
        downloads.day,
        downloads.downloads,
        downloads.known_at,
        downloads.response_id
    from packages
    inner join {{ ref('fct_downloads') }} as downloads
        on packages.framework_id = downloads.framework_id and packages.package = downloads.package
    where downloads.source = 'pypistats' and downloads.granularity = 'day' and not downloads.mirrors
),

days as (
    select
        framework_id,
        day,
        max(day) over (partition by framework_id) as newest_day
    from downloads
    group by framework_id, packages, day
    having count(*) = packages
),

final as (
    select
        downloads.framework_id,
        'downloads_30d' as measure,
        sum(downloads.downloads)::double as value,
        days.newest_day as as_of,
        days.newest_day - 29 as since,
        'pypistats' as source,
        'without mirrors: ' || string_agg(distinct downloads.package, ', ' order by downloads.package) as base,
        arg_max(downloads.response_id, (downloads.known_at, downloads.response_id)) as response_id
    from downloads
    inner join days on downloads.framework_id = days.framework_id and downloads.day = days.day
    where days.day > days.newest_day - 30
    group by downloads.framework_id, days.newest_day
    having count(distinct downloads.day) = 30
)

select * from final
