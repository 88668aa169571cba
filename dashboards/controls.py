"""The controls. Each is bound to the URL, so that a link restores what is on the screen; defaults stay out of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import cast

import pandas as pd
import streamlit as st

CHOSEN_AT_FIRST = 3
FRAMEWORK = "framework"


def frameworks(known: pd.DataFrame) -> list[str]:
    """Let the reader choose frameworks to colour (`?framework=PyTorch&framework=JAX`); returns their ids.

    At first the three with the most observed stars; `known` is in that order.
    """
    ids = dict(zip(known["name"], known["framework_id"], strict=True))
    picked = st.pills(
        "Frameworks in colour",
        list(ids),
        selection_mode="multi",
        default=list(ids)[:CHOSEN_AT_FIRST],
        key=FRAMEWORK,
        bind="query-params",
    )
    return [ids[name] for name in picked]


def one_of(label: str, options: Sequence[str], key: str, *, help_text: str | None = None) -> str:
    """Let the reader choose one of `options` (`?key=option`); the first at first."""
    chosen = st.segmented_control(
        label, options, default=options[0], required=True, key=key, bind="query-params", help=help_text
    )
    return cast(str, chosen or options[0])


def several(label: str, options: Sequence[str], key: str, *, at_first: int) -> list[str]:
    """Let the reader choose any number of `options` (`?key=option&key=other`); the first few at first."""
    picked = st.pills(label, options, selection_mode="multi", default=options[:at_first], key=key, bind="query-params")
    return list(picked)


def from_list(label: str, options: Sequence[str], key: str) -> str:
    """Let the reader choose one of many or long `options` (`?key=option`); the first at first."""
    return cast(str, st.selectbox(label, options, key=key, bind="query-params"))


def weight(name: str, help_text: str) -> int:
    """Let the reader say how much something weighs, 0 to 5 (`?weigh-name=3`); nothing at first."""
    chosen = st.slider(
        name.capitalize(), 0, 5, 0, key=f"weigh-{name}", bind="query-params", help=help_text, format="%d"
    )
    return int(chosen)


def add_framework(name: str) -> None:
    """Add a framework to those in colour; for a callback, which runs before the control is drawn again."""
    picked = list(st.session_state.get(FRAMEWORK) or [])
    if name not in picked:
        st.session_state[FRAMEWORK] = [*picked, name]


def known_on(days: pd.DataFrame) -> str:
    """Let the reader choose a day of `days` (data.known_days) to see what was known when it was over (`?known=…`).

    Returns the day after it, as `reader.mart` takes it, and "" for the last one, or where nothing was collected yet.
    """
    if days.empty or pd.isna(days["first"].iloc[0]):
        return ""
    first, last = (pd.Timestamp(days[name].iloc[0]).date() for name in ("first", "last"))
    if first == last:
        st.caption(f"As known on {last:%-d %b %Y}, the first and only day of collection.")
        return ""
    _follow("known", first, last)
    day = st.slider(
        "As known at the end of",
        first,
        last,
        last,
        format="D MMM YYYY",
        key="known",
        bind="query-params",
        help=f"What dlpulse had read by then. It begins with the first collection, on {first:%-d %b %Y}.",
    )
    return "" if day == last else str(pd.Timestamp(str(day)) + pd.Timedelta(days=1))[:10]


def _follow(key: str, first: date, last: date) -> None:
    """Keep what a slider says when a build has moved its ends: at the end it follows, a chosen day stays.

    To Streamlit a slider with other ends is another one, which would begin at its end.
    """
    state, before = st.session_state, f"{key}-last"
    if key in state and state.get(before, last) != last:
        chosen = state[key]
        state[key] = last if chosen == state[before] else min(max(chosen, first), last)
    state[before] = last


def view(options: Sequence[str], key: str) -> str:
    """Let the reader look at the same data in another way (`?key=option`); the first at first. Without a label."""
    chosen = st.segmented_control(
        "View", options, default=options[0], required=True, key=key, bind="query-params", label_visibility="collapsed"
    )
    return cast(str, chosen or options[0])
