"""The dashboard's entry script: pages, footer, and the one place where an unreadable file is explained."""

from __future__ import annotations

from html import escape
from pathlib import Path
from urllib.parse import urlencode

import duckdb
import streamlit as st

from dashboards import page
from dashboards.controls import FRAMEWORK
from dashboards.reader import database, published
from warehouse import query
from warehouse.errors import DlpulseError

HERE = Path(__file__).parent


CURRENT = ' aria-current="page"'
PAGES = [
    ("views/overview.py", "Overview", ""),
    ("views/stars.py", "Stars", "stars"),
    ("views/papers.py", "Papers", "papers"),
    ("views/surveys.py", "Surveys", "surveys"),
    ("views/usage.py", "Usage", "usage"),
    ("views/benchmarks.py", "Benchmarks", "benchmarks"),
    ("views/performance.py", "Popularity × speed", "performance"),
    ("views/first.py", "Which first?", "first"),
    ("views/article.py", "2018 article", "article"),
    ("views/data.py", "Data", "data"),
]


def links(here: str) -> str:
    """Return the links to all pages as HTML, with the chosen frameworks in each address.

    Plain links, since Streamlit's own leave out what the URL says.
    """
    kept = [(FRAMEWORK, name) for name in st.query_params.get_all(FRAMEWORK)]
    query_string = f"?{urlencode(kept)}" if kept else ""
    items = [
        f'<a href="{escape("./" + url + query_string)}" target="_self"{CURRENT if url == here else ""}>{title}</a>'
        for _, title, url in PAGES
    ]
    return f'<nav class="dlp-nav">{"".join(items)}</nav>'


def footer() -> None:
    """Say how fresh the data is and where it lies."""
    state = published(database())
    if state is None:
        return
    st.caption(f"{page.as_known(state)} Database: `{state.path}`. Ask it your own questions: `dlpulse sql`.".lstrip())


def main() -> None:
    """Show the chosen page under the links to all pages, which stay in sight on a narrow screen too."""
    st.set_page_config(page_title="dlpulse", page_icon=HERE / "icon.svg", layout="wide")
    st.html(f"<style>{(HERE / 'page.css').read_text('utf-8')}</style>")
    pages = [st.Page(path, title=title, url_path=url, default=not url) for path, title, url in PAGES]
    chosen = st.navigation(pages, position="hidden")
    st.html(links(chosen.url_path))
    try:
        chosen.run()
        footer()
    except (DlpulseError, duckdb.Error) as error:
        st.markdown("## The database cannot be read")
        st.markdown(
            f"`{database()}` is damaged or was built by another version of dlpulse. Run `dlpulse build`, then reload."
        )
        st.caption(query.one_line(error))


main()
