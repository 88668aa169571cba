select
    records.repo_id,
    records.fetched_at::date as day,
    records.forks,
    records.open_issues,
    records.watchers,
    records.archived,
    records.pushed_at,
    records.fetched_at as known_at,
    records.response_id
from {{ ref('stg_github__repo_records') }} as records
inner join {{ ref('dim_repos') }} as repos on records.repo_id = repos.repo_id
qualify row_number() over (partition by records.repo_id, day order by known_at desc, records.response_id desc) = 1
