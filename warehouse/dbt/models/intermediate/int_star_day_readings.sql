select
    repo_id,
    day,
    stars_added,
    is_partial,
    fetched_at as known_from,
    response_id
from {{ ref('stg_github__star_days') }}
