"""Which rows of the table `predictions` belong together, because they ask about one schema."""

from __future__ import annotations

import pyarrow as pa

from trainables.data.schema_groups import schema_group


def cluster_names(predictions: pa.Table) -> list[str]:
    """Returns the cluster of each row of the table `predictions`, in its order.

    Where a row does not say it, as in a store of version 1, it is that of its schema.

    Args:
        predictions: With the columns `schema_group` and `sql_context`.
    """
    said = predictions["schema_group"].to_pylist()
    contexts = predictions["sql_context"].to_pylist()
    known: dict[str, str] = {}
    names = []
    for name, context in zip(said, contexts, strict=True):
        text = context or ""
        if name is None and text not in known:
            known[text] = schema_group(text)
        names.append(known[text] if name is None else name)
    return names
