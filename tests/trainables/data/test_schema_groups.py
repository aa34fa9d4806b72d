from __future__ import annotations

import pytest

from trainables.data.schema_groups import group_of, schema_group
from trainables.data.tables import Example

SCHEMA = "CREATE TABLE t (a INT, b TEXT)"


@pytest.mark.parametrize(
    "same",
    [
        "create  table T(a int,b text);",
        "CREATE TABLE t (\n  a INT, -- the first\n  b TEXT\n);\n",
        "/* of two */ CREATE TABLE t (a INT, b TEXT) ;;",
        "CREATE TABLE t (a INT, b TEXT) /* unclosed",
    ],
)
def test_writing_alone_makes_no_other_schema(same: str) -> None:
    assert schema_group(same) == schema_group(SCHEMA)


@pytest.mark.parametrize(
    "other", ["CREATE TABLE t (a INT, c TEXT)", "CREATE TABLE t (ab TEXT)", "", SCHEMA + "; x"]
)
def test_another_definition_makes_another(other: str) -> None:
    assert schema_group(other) != schema_group(SCHEMA)


def test_a_value_of_a_column_goes_before_the_schema() -> None:
    rows = [Example("", "", f"CREATE TABLE t{n} (a INT)", "", group="shop") for n in range(2)]
    assert group_of(rows[0]) == group_of(rows[1]) != schema_group("shop")
    assert group_of(Example("", "", SCHEMA, "")) == schema_group(SCHEMA)


def test_comments_without_an_end_take_no_time() -> None:
    assert len(schema_group("/*" * 200_000)) == 16
