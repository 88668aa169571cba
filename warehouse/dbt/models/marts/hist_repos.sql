with repo_records as (
    select
        *,
        fetched_at as known_from
    from {{ ref('stg_github__repo_records') }}
),

history as (
    {{ change_history('repo_records', ['repo_id'], ['full_name', 'github_id', 'created_on', 'archived']) }}
)

select
    repo_id,
    full_name,
    github_id,
    created_on,
    archived,
    known_from,
    known_to,
    response_id
from history
