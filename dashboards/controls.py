"""The controls. Each is bound to the URL, so that a link restores what is on the screen; defaults stay out of it."""

from __future__ import annotations

from collections.abc import Sequence
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


def from_list(label: str, options: Sequence[str], key: str) -> str:
    """Let the reader choose one of many or long `options` (`?key=option`); the first at first."""
    return cast(str, st.selectbox(label, options, key=key, bind="query-params"))


def view(options: Sequence[str], key: str) -> str:
    """Let the reader look at the same data in another way (`?key=option`); the first at first. Without a label."""
    chosen = st.segmented_control(
        "View", options, default=options[0], required=True, key=key, bind="query-params", label_visibility="collapsed"
    )
    return cast(str, chosen or options[0])
