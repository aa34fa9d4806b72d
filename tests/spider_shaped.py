"""Six databases with questions about them, laid out as Spider is; generated, the same each time."""

from __future__ import annotations

import itertools
import json
import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

DATABASES: dict[str, tuple[str, str, str, str]] = {
    "concert_hall": ("singer", "name", "country", "age"),
    "school_district": ("teacher", "name", "town", "salary"),
    "car_dealers": ("car", "model", "maker", "year"),
    "city_zoo": ("animal", "name", "species", "weight"),
    "book_club": ("book", "title", "author", "pages"),
    "air_travel": ("flight", "number", "origin", "distance"),
}
"""Name -> its table, with a column of names, one of kinds, and one of numbers."""

ROWS = 40
"""Of each database."""


def write(folder: Path) -> Path:
    """Writes `train.json`, `dev.json`, `test.json` and `database/`; returns the folder."""
    for name in DATABASES:
        _write_database(folder / "database" / name / f"{name}.sqlite", name)
    (folder / "tables.json").write_text("[]")
    rows = questions()
    for split, part in (("train", rows[:-90]), ("dev", rows[-90:-45]), ("test", rows[-45:])):
        (folder / f"{split}.json").write_text(json.dumps(part, indent=4))
    return folder


def questions() -> list[dict[str, Any]]:
    """Returns the questions about all of them, in a random but fixed order."""
    rows = [row for name in DATABASES for row in _questions(name)]
    random.Random(0).shuffle(rows)
    return rows


def _write_database(file: Path, name: str) -> None:
    table, label, kind, number = DATABASES[name]
    draws = random.Random(name)
    file.parent.mkdir(parents=True)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(
            f'CREATE TABLE "{table}" (\n"id" int,\n"{label}" text,\n"{kind}" text,\n'
            f'"{number}" int,\nPRIMARY KEY ("id"))'
        )
        connection.executemany(
            f"INSERT INTO {table} VALUES (?, ?, ?, ?)",
            [
                (row, f"{label} {row}", f"{kind} {draws.randrange(5)}", draws.randrange(100))
                for row in range(ROWS)
            ],
        )
        connection.commit()


def _questions(name: str) -> list[dict[str, Any]]:
    table, label, kind, number = DATABASES[name]
    found = [
        (f"How many {table}s are there?", f"SELECT count(*) FROM {table}"),
        (f"What is the highest {number}?", f"SELECT max({number}) FROM {table}"),
        (f"What is the mean {number}?", f"SELECT avg({number}) FROM {table}"),
    ]
    for value, order in itertools.product(range(0, 100, 7), ("more", "less")):
        sign = ">" if order == "more" else "<"
        found += [
            (
                f"How many {table}s have a {number} of {order} than {value}?",
                f"SELECT count(*) FROM {table} WHERE {number} {sign} {value}",
            ),
            (
                f"Which {label}s have a {number} of {order} than {value}?",
                f"SELECT {label} FROM {table} WHERE {number} {sign} {value}",
            ),
        ]
    found += [
        (
            f"How many {table}s have the {kind} {kind} {value}?",
            f'SELECT count(*) FROM {table} WHERE {kind} = "{kind} {value}"',
        )
        for value in range(5)
    ]
    return [
        {
            "db_id": name,
            "query": sql,
            "query_toks": sql.split(),
            "question": question,
            "sql": {"from": {"table_units": [["table_unit", 0]]}, "select": [False, []]},
        }
        for question, sql in found
    ]
