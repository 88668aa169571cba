{{ all_stars(
    ref('hist_star_days'),
    ref('hist_star_counts'),
    ref('hist_star_events'),
    ref('dim_repo_names'),
    ref('dim_repos'),
    'known_to is null'
) }}
