-- The newest answer of each source for each day; sources, and counts with and without mirrors, are never added up.
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
from {{ ref('hist_downloads') }}
where known_to is null
