"""What the pages share on the screen: the title, and notes in place of missing data."""

from __future__ import annotations

import re
from html import escape

import pandas as pd
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dashboards import data, wording
from dashboards.reader import Published, database, published


def is_dark() -> bool:
    """Return whether the reader's browser shows the page dark; not where there is no browser, as in a report."""
    return get_script_run_ctx(suppress_warning=True) is not None and bool(st.context.theme.type == "dark")


def plain(text: str) -> str:
    """Return text of others, such as a machine's name, so that Markdown shows it as it is, in one line."""
    return re.sub(r"([\\`*_\[\]<>$:!#|~&])", r"\\\1", " ".join(text.split()))


def title(words: str, standfirst: str) -> None:
    """Write the page's title, which says a finding, and one line on what the page shows."""
    # No line begins with a figure or a sign that belongs to the word before it.
    held = re.sub(r" (?=[\d%·])", "\N{NO-BREAK SPACE}", words)
    st.markdown(f"## {held}")
    st.html(f'<p class="dlp-lead">{escape(standfirst, quote=False)}</p>')


def absent(what: str, how: str) -> None:
    """Say in place of a chart what is not known yet and which command fetches it."""
    st.info(f"{what} {how}", icon=":material/hourglass_empty:")


def database_or_help() -> Published | None:
    """Return the published file's state; without one, or with an empty one, explain how to make it and return None."""
    path = database()
    state = published(path)
    if state is None:
        st.markdown("## No data yet")
        st.markdown(
            f"dlpulse has not published a database at `{path}`.\n\n"
            "`dlpulse run` collects what can be reached, measures this machine and builds it. "
            "`dlpulse build` alone publishes the cited facts within seconds, also without a network. "
            "Reload this page afterwards."
        )
        return None
    if data.frameworks(state).empty:
        st.markdown("## The database is empty")
        st.markdown(f"`{path}` holds no frameworks. Run `dlpulse build`, then reload this page.")
        return None
    return state


def colours(frameworks: pd.DataFrame) -> dict[str, str]:
    """Return colour by framework_id."""
    return dict(zip(frameworks["framework_id"], frameworks["colour"], strict=True))


def names(frameworks: pd.DataFrame) -> dict[str, str]:
    """Return name by framework_id."""
    return dict(zip(frameworks["framework_id"], frameworks["name"], strict=True))


def as_known(state: Published) -> str:
    """Say how new the newest answer is, and how many there are; "" before any."""
    newest = data.as_known_at(state)
    if newest.empty or not newest["answers"].iloc[0]:
        return ""
    answers = wording.count(newest["answers"].iloc[0])
    return f"As known on {wording.instant(newest['fetched_at'].iloc[0])}, from {answers} answers and cited figures."
