with rows_of_histories as (
    select
        'hist_star_days' as history,
        response_id
    from {{ ref('hist_star_days') }}
    union all
    select
        'hist_star_counts' as history,
        response_id
    from {{ ref('hist_star_counts') }}
    union all
    select
        'hist_star_events' as history,
        response_id
    from {{ ref('hist_star_events') }}
    union all
    select
        'hist_repos' as history,
        response_id
    from {{ ref('hist_repos') }}
    union all
    select
        'hist_mentions' as history,
        response_id
    from {{ ref('hist_mentions') }}
    union all
    select
        'hist_paper_windows' as history,
        response_id
    from {{ ref('hist_paper_windows') }}
    union all
    select
        'hist_paper_counts' as history,
        response_id
    from {{ ref('hist_paper_counts') }}
    union all
    select
        'hist_survey_shares' as history,
        response_id
    from {{ ref('hist_survey_shares') }}
    union all
    select
        'hist_downloads' as history,
        response_id
    from {{ ref('hist_downloads') }}
    union all
    select
        'hist_questions' as history,
        response_id
    from {{ ref('hist_questions') }}
    union all
    select
        'hist_releases' as history,
        response_id
    from {{ ref('hist_releases') }}
)

select *
from rows_of_histories
anti join {{ ref('meta_responses') }} using (response_id)
