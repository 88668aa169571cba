select
    framework_id,
    package,
    source,
    granularity,
    mirrors,
    day,
    downloads,
    known_from,
    known_to,
    response_id
from (
    {{ change_history(
        ref('int_download_readings'),
        ['framework_id', 'package', 'source', 'granularity', 'mirrors', 'day'],
        ['downloads']
    ) }}
)
