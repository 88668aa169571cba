select
    framework_id,
    share
from {{ ref('fct_mentions_monthly') }}
where share not between 0 and 1
union all
select
    framework_id,
    share
from {{ ref('fct_survey_shares') }}
where share not between 0 and 1
union all
select
    framework_id,
    share
from {{ ref('fct_questions_monthly') }}
where share not between 0 and 1
union all
select
    framework_id,
    share
from {{ ref('fct_implementations_monthly') }}
where share not between 0 and 1
