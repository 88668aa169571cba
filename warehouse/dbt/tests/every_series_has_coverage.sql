-- Each series that can be drawn from a mart is a subject of fct_coverage. Counts and records that were read off on single
-- days are none.
with series as (
    select
        'stars' as source,
        repo_id as subject
    from {{ ref('fct_stars') }}
    where estimator = 'retained'
    union
    select
        'events' as source,
        repo_id as subject
    from {{ ref('fct_stars') }}
    where estimator = 'gross'
    union
    select
        'releases' as source,
        repo_id as subject
    from {{ ref('dim_repos') }}
    union
    select
        'papers' as source,
        framework_id as subject
    from {{ ref('fct_mentions_monthly') }}
    where measure = 'title_abstract'
    union
    select
        'questions' as source,
        framework_id as subject
    from {{ ref('fct_questions_monthly') }}
    union
    select
        'downloads' as source,
        source || ' ' || package as subject
    from {{ ref('fct_downloads') }}
    union
    select
        'surveys' as source,
        concat_ws(' ', survey, label) as subject
    from {{ ref('fct_survey_shares') }}
    union
    select
        'surveys' as source,
        'paperswithcode ' || framework_id as subject
    from {{ ref('fct_implementations_monthly') }}
)

select series.*
from series
anti join {{ ref('fct_coverage') }} as coverage on series.source = coverage.source and series.subject = coverage.subject
