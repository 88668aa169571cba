-- The newest answer of each source for each day; sources, and counts with and without mirrors, are never added up.
with history as (
    {{ change_history(
        ref('int_download_readings'),
        ['framework_id', 'package', 'source', 'granularity', 'mirrors', 'day'],
        ['downloads']
    ) }}
),

final as (
    select
        framework_id,
        package,
        source,
        granularity,
        mirrors,
        day,
        downloads,
        known_from as known_at,
        response_id
    from history
    where known_to is null
)

select * from final
