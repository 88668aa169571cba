{#
    fct_stars from its two histories, as known under the condition `known`. Written once: the mart uses it with
    `known_to is null`, the table macro stars_as_of(ts) with the instant asked for.

    Retained stars are cumulated within a run of days without gap. When the newest run reaches back to the
    repository's creation, `stars` is the sum from the beginning; until then it is the last count that GitHub gave
    before the newest of these days was read, less the days that came later. Days before a gap have no cumulative count: absent is not zero.
#}
{% macro known_stars(days, counts, repos, known) %}
    with known_days as (
        select
            *,
            day - (row_number() over (partition by repo_id order by day))::integer as island
        from {{ days }}
        where {{ known }}
    ),

    known_counts as (
        select *
        from {{ counts }}
        where {{ known }}
    ),

    islands as (
        select
            repo_id,
            island,
            min(day) as first_day,
            max(day) as last_day,
            max(known_from) as read_at
        from known_days
        group by repo_id, island
    ),

    newest as (
        select *
        from islands
        qualify row_number() over (partition by repo_id order by last_day desc) = 1
    ),

    anchors as (
        select
            counts.repo_id,
            arg_max(counts.stars, counts.known_from) as stars
        from {{ counts }} as counts
        inner join newest on counts.repo_id = newest.repo_id and counts.known_from <= newest.read_at
        where counts.source = 'github'
        group by counts.repo_id
    ),

    retained as (
        select
            repos.framework_id,
            known_days.repo_id,
            known_days.day,
            'retained' as estimator,
            case
                when known_days.island <> newest.island then null
                when newest.first_day <= repos.created_on
                    then sum(known_days.stars_added) over upward
                else
                    anchors.stars
                    - sum(known_days.stars_added) over whole
                    + sum(known_days.stars_added) over upward
            end::bigint as stars,
            known_days.stars_added,
            known_days.is_partial,
            null::bigint as rounded_to,
            'github' as source,
            known_days.known_from as known_at,
            known_days.response_id
        from known_days
        inner join {{ repos }} as repos on known_days.repo_id = repos.repo_id
        inner join newest on known_days.repo_id = newest.repo_id
        left join anchors on known_days.repo_id = anchors.repo_id
        window
            whole as (partition by known_days.repo_id, known_days.island),
            upward as (
                partition by known_days.repo_id, known_days.island
                order by known_days.day
                rows between unbounded preceding and current row
            )
    ),

    observed as (
        select
            repos.framework_id,
            known_counts.repo_id,
            known_counts.day,
            'observed' as estimator,
            known_counts.stars,
            null::bigint as stars_added,
            false as is_partial,
            known_counts.rounded_to,
            known_counts.source,
            known_counts.known_from as known_at,
            known_counts.response_id
        from known_counts
        inner join {{ repos }} as repos on known_counts.repo_id = repos.repo_id
    )

    select * from retained
    union all
    select * from observed
{% endmacro %}
