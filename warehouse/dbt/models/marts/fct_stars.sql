{{ known_stars(ref('hist_star_days'), ref('hist_star_counts'), ref('dim_repos'), 'known_to is null') }}
