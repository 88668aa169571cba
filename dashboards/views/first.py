"""Which should I learn first? The article's own criteria as evidence, under weights that the reader sets."""

from __future__ import annotations

import streamlit as st

from dashboards import controls, data, page
from dashboards.figure import show
from dashboards.figures import first as firstfigures
from warehouse import criteria

PER_LINE = 4


def main() -> None:
    """Draw the page."""
    state = page.database_or_help()
    if state is None:
        return
    known = data.frameworks(state)
    heading = st.container()
    rows = data.criteria(state)
    if rows.empty or rows["value"].isna().all():
        with heading:
            page.title("Which should I learn first?", firstfigures.ABOUT)
        page.absent("Nothing is known yet that could tell.", "`dlpulse run` collects it and measures this machine.")
        return
    weights = _weights()
    chosen = controls.frameworks(known)
    finding = "Which should I learn first? It depends on what counts for you"
    if any(weights.values()):
        found = criteria.weigh(rows.astype(object).where(rows.notna(), None).to_dict("records"), weights)
        leaders = " · ".join(f"{one.name} {one.score:.2f}" for one in found[:3] if one.score is not None)
        finding = f"Under your weights: {leaders}" if leaders else "What you weigh is known of no framework"
        if leaders:
            show(firstfigures.weighed(found, weights, page.colours(known), chosen))
    else:
        st.info("Move a slider: what weighs nothing is not counted.", icon=":material/tune:")
    with heading:
        page.title(finding, firstfigures.ABOUT)
    show(firstfigures.evidence(rows))


def _weights() -> dict[str, float]:
    """Return weight by criterion, as the reader sets the sliders."""
    names = list(criteria.ASKS)
    weights: dict[str, float] = {}
    for start in range(0, len(names), PER_LINE):
        line = names[start : start + PER_LINE]
        for name, column in zip(line, st.columns(PER_LINE)[: len(line)], strict=True):
            with column:
                weights[name] = controls.weight(name, criteria.ASKS[name])
    return weights


main()
