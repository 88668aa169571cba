-- Downloads per star: how differently the two count
-- Question: How many downloads in 30 days stand against each star, and does a framework's place depend on what is
--   counted?
-- Read: place_by_downloads and place_by_stars are the places among those for which both are known. A framework far
--   above the others in downloads_per_star is probably installed by machines, or along with another package.
-- Cannot tell: Users. Automated builds dominate downloads, keras comes along with tensorflow, builds for CUDA often
--   bypass the index; a star may outlive its giver's interest. Unknown is NULL, and has no place.
with figures as (
    select
        name,
        downloads_30d,
        stars_observed,
        downloads_30d / nullif(stars_observed, 0) as downloads_per_star
    from rpt_frameworks
),

places as (
    select
        name,
        rank() over (order by downloads_30d desc) as place_by_downloads,
        rank() over (order by stars_observed desc) as place_by_stars
    from figures
    where downloads_per_star is not null
),

final as (
    select
        figures.name,
        figures.downloads_30d,
        figures.stars_observed,
        round(figures.downloads_per_star, 1) as downloads_per_star,
        places.place_by_downloads,
        places.place_by_stars
    from figures
    left join places on figures.name = places.name
)

select * from final
order by place_by_downloads nulls last, stars_observed desc nulls last, name
