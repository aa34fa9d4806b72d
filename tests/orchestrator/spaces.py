"""Search spaces for tests, and Hypothesis strategies that make any."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from orchestrator.search_space.space import Space

RANKS = st.lists(st.integers(1, 64), min_size=1, max_size=4, unique=True)


@st.composite
def fractions(draw: st.DrawFn, largest: float = 0.4) -> Any:
    """A distribution, or a constant, of a number from 0.01 to `largest`."""
    low = draw(st.floats(0.01, largest / 2))
    high = draw(st.floats(largest / 2 + 1e-3, largest))
    steps = draw(st.integers(1, 3)), draw(st.integers(4, 8))
    return draw(
        st.sampled_from(
            [
                low,
                {"uniform": [low, high]},
                {"loguniform": [low, high]},
                {"quniform": [0.05 * steps[0], 0.05 * steps[1], 0.05]},
                {"choice": [low, high]},
            ]
        )
    )


@st.composite
def counts(draw: st.DrawFn) -> Any:
    """A finite distribution, or a constant, of a whole number from 1 to 64."""
    low = draw(st.integers(1, 30))
    high = draw(st.integers(low + 1, 64))
    return draw(
        st.sampled_from([low, {"randint": [low, high]}, {"lograndint": [low, high]}])
        | RANKS.map(lambda values: {"choice": values})
    )


@st.composite
def spaces(draw: st.DrawFn, *, finite: bool = False) -> Space:
    """Any space over two techniques; without continuous ranges if `finite`."""
    rates = st.sampled_from([0.1, {"choice": [0.1, 0.2]}]) if finite else fractions()
    layers = st.sampled_from(["q", {"choice": ["q,v", "q,k,v,o"]}, {"choice": ["all"]}])
    lora = st.fixed_dictionaries(
        {}, optional={"rank": counts(), "learning_rate": rates, "target_modules": layers}
    )
    prefix = st.fixed_dictionaries(
        {}, optional={"virtual_tokens": counts(), "projection": st.booleans(), "warmup": rates}
    )
    branches = draw(
        st.fixed_dictionaries({}, optional={"prefix": prefix, "lora": lora}).filter(bool)
    )
    return Space.model_validate({"technique": branches, "data_size": draw(counts())})
