select
    'fct_downloads' as fact,
    response_id
from {{ ref('fct_downloads') }}
where downloads < 0
union all
select
    'fct_questions_monthly' as fact,
    response_id
from {{ ref('fct_questions_monthly') }}
where questions < 0
union all
select
    'fct_implementations_monthly' as fact,
    response_id
from {{ ref('fct_implementations_monthly') }}
where repositories < 0
