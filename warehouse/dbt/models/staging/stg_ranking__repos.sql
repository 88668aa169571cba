select *
from {{ source('parsed', 'ranked_repos') }}
