select *
from {{ ref('fct_survey_shares') }}
where not asked and (respondents is not null or share is not null)
