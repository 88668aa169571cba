"""The 2018 article: its claims one by one, what the tables say of them then and today, and the SQL that decided."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboards import claim_table, controls, data, page, wording

ABOUT = (
    'In June 2018 deepsense.ai asked "Keras or PyTorch as your first deep learning framework?". Every claim of it that '
    "data can decide is decided here by a query, with all that is known now."
)


def main() -> None:
    """Draw the page."""
    state = page.database_or_help()
    if state is None:
        return
    claims = data.claims(state)
    if claims.empty:
        page.title("The article of 2018", ABOUT)
        page.absent("Its claims have not been decided yet.", "`dlpulse build` does it.")
        return
    heading = st.container()
    days = {wording.day(day): day for day in dict.fromkeys(claims["valid_on"])}
    day = controls.one_of("For the day", list(days), "on")
    own = claims[claims["valid_on"] == days[day]]
    with heading:
        page.title(f"The article of 2018, for {day}: {claim_table.summary(own)}", ABOUT)
    st.html(claim_table.table(own, dark=page.is_dark()))
    st.caption(
        "Reproduced: the tables bear it out. Contradicted: they say otherwise. Not reproducible: they do not tell, or "
        "not surely enough. Claims on code, speed and the network are of the newest benchmark, whatever the day. "
        "`dlpulse claims --on 2020-01-01` decides them for any day."
    )
    _evidence(own)


def _evidence(claims: pd.DataFrame) -> None:
    """Show the SQL that decided the claim that the reader chooses."""
    st.markdown("### The SQL that decides")
    titles = {f"{row.number}. {row.claim}": row for row in claims.drop_duplicates("number").itertuples()}
    chosen = titles[controls.from_list("Claim", list(titles), "claim")]
    st.code(str(chosen.evidence_sql), language="sql", wrap_lines=True)


main()
