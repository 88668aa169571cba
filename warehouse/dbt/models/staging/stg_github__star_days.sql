select *
from {{ source('parsed', 'star_days') }}
