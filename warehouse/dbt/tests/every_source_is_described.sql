-- Every source that a fact names is in dim_sources, with its licence or the word that none is known. (fct_coverage names
-- sources as `dlpulse collect` does; figures of rpt_framework_figures may come from several.)
with named as (
    select source
    from {{ ref('fct_stars') }}
    union
    select source
    from {{ ref('hist_star_counts') }}
    union
    select source
    from {{ ref('hist_star_events') }}
    union
    select source
    from {{ ref('fct_downloads') }}
    union
    select source
    from {{ ref('fct_bench_cited') }}
    union
    select survey as source
    from {{ ref('fct_survey_shares') }}
)

select source
from named
anti join {{ ref('dim_sources') }} using (source)
