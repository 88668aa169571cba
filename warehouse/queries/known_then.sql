-- Known then: which days were rewritten since
-- Question: What did the star counts say a week before the newest answer collected, and what do they say of those
--   days now?
-- Read: stars_then and stars_now are the cumulative counts of one day, the last that was whole then. days_rewritten
--   says for how many days the source gives another figure now; taken_back is by how much they sank (negative: they
--   grew). Put an instant of yours in the place of the one in `known_then`, for instance timestamp '2026-12-01'.
-- Cannot tell: Anything before the first collection: nothing was known then, so nothing is listed.
with known_then as (
    select *
    from stars_as_of((
        select coalesce(max(fetched_at) - interval 7 days, timestamp '1970-01-01')
        from meta_responses
        where source <> 'cited'
    ))
    where not is_partial
),

compared as (
    select
        past.framework_id,
        past.repo_id,
        past.estimator,
        past.source,
        past.day,
        past.stars as stars_then,
        today.stars as stars_now,
        coalesce(past.stars_added, past.stars) as figure_then,
        coalesce(today.stars_added, today.stars) as figure_now
    from known_then as past
    inner join fct_stars as today
        on
            past.repo_id = today.repo_id
            and past.estimator = today.estimator
            and past.source = today.source
            and past.day = today.day
),

final as (
    select
        frameworks.name,
        compared.repo_id,
        compared.estimator,
        compared.source,
        count(*) as days_known_then,
        max(compared.day) as last_day,
        arg_max(compared.stars_then, compared.day) as stars_then,
        arg_max(compared.stars_now, compared.day) as stars_now,
        count(*) filter (where compared.figure_then <> compared.figure_now) as days_rewritten,
        sum(compared.figure_then - compared.figure_now)::bigint as taken_back
    from compared
    inner join dim_frameworks as frameworks on compared.framework_id = frameworks.framework_id
    group by all
)

select * from final
order by name, repo_id, estimator, source
