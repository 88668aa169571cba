-- When GitHub last told another day of creation of a repository, and another name: since then other days are its own, or
-- other events.
with tellings as (
    select
        repo_id,
        known_from,
        created_on is distinct from lag(created_on) over in_time as is_another_day,
        full_name is distinct from lag(full_name) over in_time as is_another_name
    from {{ ref('hist_repos') }}
    window in_time as (partition by repo_id order by known_from, response_id)
),

final as (
    select
        repo_id,
        max(known_from) filter (where is_another_day) as creation_known_from,
        max(known_from) filter (where is_another_name) as name_known_from
    from tellings
    group by repo_id
)

select * from final
