with history as (
    {{ change_history(
        ref('int_repo_day_readings'),
        ['repo_id', 'day'],
        ['forks', 'open_issues', 'watchers', 'archived', 'pushed_at']
    ) }}
),

final as (
    select
        history.repo_id,
        history.day,
        history.forks,
        history.open_issues,
        history.watchers,
        history.archived,
        history.pushed_at,
        history.known_from as known_at,
        history.response_id
    from history
    inner join {{ ref('dim_repos') }} as repos on history.repo_id = repos.repo_id
    where history.known_to is null
)

select * from final
