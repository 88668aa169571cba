-- Downloads per star: how differently the two count
-- Question: How many downloads in 30 days stand against each star, and does a framework's place depend on what is
--   counted?
-- Read: place_by_downloads and place_by_stars are the places among those for which both are known. A framework far
--   above the others in downloads_per_star is probably installed by machines, or along with another package.
-- Cannot tell: Users. Automated builds dominate downloads, keras comes along with tensorflow, builds for CUDA often
--   bypass the index; a star may outlive its giver's interest. Unknown is NULL, and has no place. The two are as old as
--   downloads_until and stars_on say, which may be months apart: what changed between is in the quotient, too.
with days as (
    select
        framework_id,
        max(as_of) filter (where measure = 'downloads_30d') as downloads_until,
        max(as_of) filter (where measure = 'stars_observed') as stars_on
    from rpt_framework_figures
    group by framework_id
),

figures as (
    select
        frameworks.name,
        frameworks.downloads_30d,
        if(frameworks.downloads_30d is null, null, days.downloads_until) as downloads_until,
        frameworks.stars_observed,
        if(frameworks.stars_observed is null, null, days.stars_on) as stars_on,
        frameworks.downloads_30d / nullif(frameworks.stars_observed, 0) as downloads_per_star
    from rpt_frameworks as frameworks
    left join days on frameworks.framework_id = days.framework_id
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
        figures.downloads_until,
        figures.stars_observed,
        figures.stars_on,
        round(figures.downloads_per_star, 1) as downloads_per_star,
        places.place_by_downloads,
        places.place_by_stars
    from figures
    left join places on figures.name = places.name
)

select * from final
order by place_by_downloads nulls last, stars_observed desc nulls last, name
