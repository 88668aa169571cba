"""The real dashboard in a real browser: every page draws, names the frameworks, and its address restores it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.dashboards import sample
from tests.dashboards.browsing import ARTIFACTS, Visit, chromium_path, serving, started
from tests.dashboards.conftest import Home

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def dashboard(sample_home: Home) -> Iterator[str]:
    """Serve the full sample; yields the address."""
    with serving(sample_home("full")) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Start Chromium; without one, skip locally and fail in CI."""
    path = chromium_path()
    if not path:
        message = "no Chromium found: install Debian's chromium or set DLPULSE_CHROMIUM"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)
    with started(path) as chromium:
        yield chromium


@pytest.fixture(autouse=True)
def closed(browser: Any) -> Iterator[None]:
    """Close a test's pages after it: each open one goes on talking to its server."""
    yield
    for context in browser.contexts:
        context.close()


PAGES = {
    "overview": ("", ["TensorFlow", "PyTorch", "Keras", "JAX"]),
    "stars": ("stars", ["TensorFlow", "PyTorch", "Keras", "Torch (Lua), to 2018"]),
    "papers": ("papers", ["TensorFlow", "PyTorch", "Keras", "JAX"]),
    "surveys": ("surveys?population=KDnuggets%3A+KDnuggets+readers", ["TensorFlow", "PyTorch", "2017", "2018"]),
    "usage": ("usage", ["tensorflow", "tf-nightly", "Keras", "CNTK"]),
    "performance": ("performance", ["Keras", "PyTorch", "images per second"]),
    "first": ("first?weigh-speed=3&weigh-popularity=1", ["Keras", "PyTorch", "momentum"]),
    "benchmarks": ("benchmarks", ["keras-tensorflow: 1,680 images/s (n = 8)", "pytorch: 2,032 images/s (n = 8)"]),
}


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("name", PAGES)
def test_every_page_draws_its_chart_with_the_names_and_asks_nothing_of_the_internet(
    name: str, width: int, dashboard: str, browser: Any
) -> None:
    visit = Visit(browser, dashboard, width)
    path, expected = PAGES[name]
    visit.open(path)
    for words in expected:
        assert words in visit.drawn_words()
    visit.assert_well()


def test_the_dark_page_is_dark(dashboard: str, browser: Any) -> None:
    visit = Visit(browser, dashboard, 1440, scheme="dark")
    visit.open("stars")
    background = visit.page.evaluate("getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor")
    assert background == "rgb(18, 22, 28)"
    visit.assert_well()


def test_the_choice_of_frameworks_travels_in_the_address(dashboard: str, browser: Any) -> None:
    visit = Visit(browser, dashboard, 1440)
    visit.open("stars")
    for name in ("TensorFlow", "JAX"):
        visit.page.get_by_role("button", name=name, exact=True).click()
        visit.settle()
    visit.page.get_by_role("radio", name="retained").click()
    visit.page.wait_for_url("**estimator=retained**")
    visit.settle()
    link = visit.page.url
    assert "framework=JAX" in link and "framework=TensorFlow" not in link
    title = visit.page.inner_text("h2")
    again = Visit(browser, dashboard, 1440)
    again.open(link.removeprefix(f"{dashboard}/"))
    assert again.page.inner_text("h2") == title
    assert "JAX" in title and "TensorFlow" not in title and "GitHub stars, retained" in again.text()
    visit.assert_well()
    again.assert_well()


def test_the_links_lead_from_page_to_page_and_keep_the_choice(dashboard: str, browser: Any) -> None:
    visit = Visit(browser, dashboard, 390)
    visit.open("")
    visit.page.get_by_role("button", name="JAX", exact=True).click()
    visit.page.wait_for_url("**framework=JAX**")
    visit.settle()
    visit.page.get_by_role("link", name="Stars").click()
    visit.page.wait_for_url("**/stars?**framework=JAX**")
    visit.page.wait_for_selector("text=GitHub stars, observed")
    visit.settle()
    assert visit.page.inner_text('nav [aria-current="page"]') == "Stars"
    visit.page.get_by_role("link", name="Benchmarks").click()
    visit.page.wait_for_selector("text=Circumstances")
    visit.assert_well()


def test_a_click_on_a_point_tells_the_answer_that_it_was_read_from(dashboard: str, browser: Any) -> None:
    visit = Visit(browser, dashboard, 1440)
    visit.open("stars")
    visit.page.locator('[data-testid="stVegaLiteChart"] svg g.mark-symbol path').last.click()
    visit.page.wait_for_selector("text=The answer itself")
    told = visit.page.inner_text('[data-testid="stAlert"]')
    assert "Read on 20 Nov 2026" in told and "https://example.org/EvanLi" in told and "dlpulse raw show cited:" in told
    visit.keep("stars-answer")
    visit.assert_well()


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_downloaded_data_are_what_sql_says(
    ending: str, dashboard: str, browser: Any, sample_home: Home, tmp_path: Path
) -> None:
    visit = Visit(browser, dashboard, 1440)
    visit.open("stars")
    file = visit.download(f"Data, {ending.capitalize() if ending == 'parquet' else 'CSV'}", tmp_path)
    assert file.name == f"dlpulse-stars.{ending}"
    with duckdb.connect(str(sample_home("full") / "dlpulse.duckdb"), read_only=True) as connection:
        differing = connection.execute(
            f"""
            with drawn as (select label, day::date as day, value::bigint as stars, response_id from '{file}'),
            known as (
                select name, day, stars, response_id
                from fct_stars join dim_frameworks using (framework_id) where estimator = 'observed'
            )
            select count(*) from ((from drawn except from known) union all (from known except from drawn))
            """
        ).fetchall()
    assert differing == [(0,)]
    visit.assert_well()


@pytest.mark.parametrize(("label", "begins"), [("Picture, PNG", b"\x89PNG"), ("Picture, SVG", b"<svg")])
def test_the_picture_can_be_taken_along(
    label: str, begins: bytes, dashboard: str, browser: Any, tmp_path: Path
) -> None:
    visit = Visit(browser, dashboard, 390)
    visit.open("stars")
    assert visit.download(label, tmp_path).read_bytes().startswith(begins)
    visit.assert_well()


def test_the_table_view_travels_in_the_address(dashboard: str, browser: Any) -> None:
    visit = Visit(browser, dashboard, 1440)
    visit.open("stars")
    visit.page.get_by_role("radio", name="Table").click()
    visit.page.wait_for_url("**stars-view=Table**")
    again = Visit(browser, dashboard, 1440)
    again.open(visit.page.url.removeprefix(f"{dashboard}/"), drawn=False)
    again.page.wait_for_selector('[data-testid="stDataFrame"]')
    assert again.page.locator('[data-testid="stVegaLiteChart"]').count() == 0
    again.assert_well()


def test_a_click_on_a_month_lists_its_papers(dashboard: str, browser: Any) -> None:
    visit = Visit(browser, dashboard, 1440)
    visit.open("papers?framework=PyTorch")
    newest = visit.page.evaluate_handle(
        """() => [...document.querySelectorAll('[data-testid="stVegaLiteChart"] svg g.mark-symbol path')]
            .filter(path => path.__data__.datum.framework_id === 'pytorch').at(-1)"""
    )
    newest.as_element().click(force=True)
    visit.page.wait_for_selector("text=The answer itself")
    visit.settle()
    assert "Papers that name PyTorch, in Oct 2026" in visit.text()
    visit.assert_well()


@pytest.mark.parametrize("width", [1440, 390])
def test_the_data_page_answers_sql(width: int, dashboard: str, browser: Any) -> None:
    visit = Visit(browser, dashboard, width)
    visit.open("data", drawn=False)
    visit.page.wait_for_selector("text=Take it along")
    visit.settle()
    visit.page.locator("textarea").fill("select name from dim_frameworks where framework_id = 'jax'")
    visit.page.get_by_role("button", name="Run", exact=True).click()
    visit.page.wait_for_selector("text=1 row")
    visit.assert_well()


def test_a_click_on_a_bar_colours_its_framework_on_the_whole_page(dashboard: str, browser: Any) -> None:
    visit = Visit(browser, dashboard, 1440)
    visit.open("?framework=JAX")
    before = visit.page.locator("table.dlp th.on").all_inner_texts()
    assert [text.split("\n")[0].strip() for text in before] == ["JAXactive"]
    speeds = visit.page.locator('[data-testid="stVegaLiteChart"]', has_text="keras-tensorflow")
    speeds.locator("svg text", has_text="keras-tensorflow").first.click(force=True)
    visit.page.wait_for_url("**framework=Keras**")
    visit.settle()
    assert visit.page.locator("table.dlp th.on").count() == 2
    visit.assert_well()


@pytest.mark.parametrize(
    "controls", ["estimator=retained&measure=per+week", "aligned=age", "estimator=gross&measure=per+month"]
)
def test_the_stars_page_restores_every_view(controls: str, dashboard: str, browser: Any) -> None:
    for width in (1440, 390):
        visit = Visit(browser, dashboard, width)
        visit.open(f"stars?{controls}")
        visit.keep(f"stars-{controls.partition('=')[2].replace('&', '-').replace('=', '-')}")
        visit.assert_well()


def test_what_was_known_on_a_day_travels_in_the_address(dashboard: str, browser: Any) -> None:
    visit = Visit(browser, dashboard, 1440)
    visit.open("stars?estimator=retained")
    visit.page.get_by_role("slider").press("Home")
    visit.page.wait_for_url("**known=2026-11-18**")
    visit.settle()
    again = Visit(browser, dashboard, 1440)
    again.open(visit.page.url.removeprefix(f"{dashboard}/"), drawn=False)
    assert "No retained stars are known, as things were known when 19 Nov 2026 began." in again.text()
    again.assert_well()


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.long)])
@pytest.mark.parametrize("name", [*PAGES, "article", "data"])
def test_no_page_has_serious_faults_of_accessibility(name: str, scheme: str, dashboard: str, browser: Any) -> None:
    from axe_playwright_python.sync_playwright import Axe

    visit = Visit(browser, dashboard, 1440, scheme=scheme)
    visit.open(PAGES[name][0] if name in PAGES else name, drawn=name in PAGES)
    for width in (2560, 390, 1440):
        visit.keep(f"{name}-{scheme}", width)
    found = Axe().run(visit.page, options={"resultTypes": ["violations"]}).response["violations"]
    serious = [
        f"{one['id']}: {node['html'][:160]} ({node.get('failureSummary', '')[:160]})"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
    assert serious == []


def test_eight_open_pages_follow_what_is_published(browser: Any, tmp_path: Path) -> None:
    database = sample.write(tmp_path / "dlpulse.duckdb", "full")
    paths = [path for path, _ in PAGES.values()] + ["article"]
    with serving(tmp_path) as address:
        visits = [Visit(browser, address, 1440) for _ in paths]
        for visit, path in zip(visits, paths, strict=True):
            visit.open(path, drawn=False)
        for day in (23, 24, 25):
            new = tmp_path / "new.duckdb"
            shutil.copy(database, new)
            with duckdb.connect(str(new)) as connection:
                row = f"('n', 'stars', '2026-11-{day}')"
                connection.execute(f"insert into meta_responses (response_id, source, fetched_at) values {row}")
            new.replace(database)
            for visit in visits:
                visit.page.keyboard.press("r")
            for visit in visits:
                visit.page.wait_for_selector(f"text=As known on {day} Nov 2026", timeout=60_000)
                visit.settle()
        for visit in visits:
            visit.assert_well()


@pytest.fixture(scope="module")
def reported(sample_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the full sample."""
    from dashboards import report

    folder = tmp_path_factory.mktemp("reported") / "out"
    report.write(sample_home("full") / "dlpulse.duckdb", folder, lambda *_: None)
    return folder / "index.html"


@pytest.mark.parametrize("width", [1440, 390])
def test_the_report_opens_from_the_disk_without_a_network(width: int, browser: Any, reported: Path) -> None:
    from axe_playwright_python.sync_playwright import Axe

    context = browser.new_context(viewport={"width": width, "height": 900}, offline=True)
    page = context.new_page()
    troubles: list[str] = []
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.goto(reported.as_uri())
    shown = page.locator("figure svg:visible")
    assert shown.count() == page.locator("figure").count() >= 12
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    widest = max(box["x"] + box["width"] for box in (shown.nth(at).bounding_box() for at in range(shown.count())))
    assert widest <= width
    if os.environ.get("CI") != "true":
        ARTIFACTS.mkdir(exist_ok=True)
        page.screenshot(path=ARTIFACTS / f"report-{width}.png", full_page=True)
    serious = [
        f"{one['id']}: {node['html'][:160]}"
        for one in Axe().run(page).response["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
    assert (troubles, serious) == ([], [])
