-- A record that was restored from a database tells the stars of each reading, and the rest of the day's last alone.
{{ config(materialized="ephemeral") }}
select
    repo_id,
    fetched_at::date as day,
    forks,
    open_issues,
    watchers,
    archived,
    pushed_at,
    fetched_at as known_from,
    response_id
from {{ ref('stg_github__repo_records') }}
where forks is not null
