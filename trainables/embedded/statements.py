"""The kinds of statement in the built-in corpus, each with the ways in which a person asks for it.

A third of the rows is of kinds that pretraining never sees, neither as a question nor as a
statement: there fine-tuning has the most to learn, and techniques and data sizes differ the most.

Questions and statements are templates over the same slots, which `corpus` fills from one context. A
kind names its complexity and task as the columns `sql_complexity` and `sql_task_type` of the real
data set do.
"""

from __future__ import annotations

from dataclasses import dataclass

_RETRIEVAL = "data retrieval"
_ANALYTICS = "analytics and reporting"
_MANIPULATION = "data manipulation"
_DEFINITION = "data definition"


@dataclass(frozen=True)
class Kind:
    """A kind of statement.

    Attributes:
        name: Its name in tests and counts.
        complexity: The rows' `sql_complexity`.
        task: The rows' `sql_task_type`.
        weight: How often it is drawn, relative to the others.
        tables: 1, or 2 where it needs the second table.
        questions: Templates of the question, equally likely.
        sql: Template of the statement.
        shared_value: Whether two rows of the main table must share a word.
        counts_partners: Whether the second table must have its column of numbers.
        pretrained: Whether pretraining has documents of this kind.
    """

    name: str
    complexity: str
    task: str
    weight: int
    tables: int
    questions: tuple[str, ...]
    sql: str
    shared_value: bool = False
    counts_partners: bool = False
    pretrained: bool = True


KINDS: tuple[Kind, ...] = (
    Kind(
        "filter by word",
        "basic SQL",
        _RETRIEVAL,
        3,
        1,
        (
            "List the {key} of {table} with {text} {value}.",
            "Which {table} have {text} {value}? Give the {key}.",
            "Show the {key} of all {table} whose {text} is {value}.",
            "Find {table} where {text} is {value} and return their {key}.",
        ),
        "SELECT {key} FROM {table} WHERE {text} = '{value}';",
    ),
    Kind(
        "filter by number",
        "basic SQL",
        _RETRIEVAL,
        3,
        1,
        (
            "List the {key} of {table} with {number} {than} {n}.",
            "Which {table} have {number} {than} {n}? Give the {key}.",
            "Show the {key} of all {table} whose {number} is {than} {n}.",
            "Find {table} where {number} is {than} {n} and return their {key}.",
        ),
        "SELECT {key} FROM {table} WHERE {number} {op} {n};",
    ),
    Kind(
        "look up",
        "basic SQL",
        _RETRIEVAL,
        3,
        1,
        (
            "What is the {text} and {number} of {row}?",
            "Show {text} and {number} of {row}.",
            "Give me the {text} and the {number} for {row}.",
            "Look up {row} in {table}: which {text} and {number}?",
        ),
        "SELECT {text}, {number} FROM {table} WHERE {key} = '{row}';",
    ),
    Kind(
        "top",
        "basic SQL",
        _ANALYTICS,
        2,
        1,
        (
            "What is the {key} of the {k} {table} with the {extreme} {number}?",
            "List the {k} {table} with the {extreme} {number} by {key}.",
            "Show the {key} of the {k} {table} having the {extreme} {number}.",
        ),
        "SELECT {key} FROM {table} ORDER BY {number} {direction} LIMIT {k};",
    ),
    Kind(
        "count",
        "aggregation",
        _ANALYTICS,
        3,
        1,
        (
            "How many {table} have {text} {value}?",
            "Count the {table} with {text} {value}.",
            "What is the number of {table} whose {text} is {value}?",
        ),
        "SELECT COUNT(*) FROM {table} WHERE {text} = '{value}';",
    ),
    Kind(
        "aggregate",
        "aggregation",
        _ANALYTICS,
        3,
        1,
        (
            "What is the {aggregated} {number} of all {table}?",
            "Compute the {aggregated} {number} over {table}.",
            "Show the {aggregated} {number} of the {table}.",
        ),
        "SELECT {aggregate}({number}) FROM {table};",
    ),
    Kind(
        "filtered aggregate",
        "aggregation",
        _ANALYTICS,
        3,
        1,
        (
            "What is the {aggregated} {number} of {table} with {text} {value}?",
            "Compute the {aggregated} {number} over {table} whose {text} is {value}.",
            "For {table} with {text} {value}, show the {aggregated} {number}.",
        ),
        "SELECT {aggregate}({number}) FROM {table} WHERE {text} = '{value}';",
    ),
    Kind(
        "group",
        "aggregation",
        _ANALYTICS,
        3,
        1,
        (
            "What is the {aggregated} {number} of {table} for each {text}?",
            "Show the {aggregated} {number} per {text} in {table}.",
            "For each {text}, compute the {aggregated} {number} of {table}.",
        ),
        "SELECT {text}, {aggregate}({number}) FROM {table} GROUP BY {text};",
    ),
    Kind(
        "having",
        "aggregation",
        _ANALYTICS,
        2,
        1,
        (
            "Which {text} appears in more than one of the {table}?",
            "List each {text} shared by several {table}.",
            "Find every {text} that more than one of the {table} have.",
        ),
        "SELECT {text} FROM {table} GROUP BY {text} HAVING COUNT(*) > 1;",
        shared_value=True,
    ),
    Kind(
        "join",
        "single join",
        _RETRIEVAL,
        3,
        2,
        (
            "List the {child_column} of {child} for {table} with {text} {value}.",
            "Which {child_column} do {child} have whose {link} has {text} {value}?",
            "Join {child} and {table}: show the {child_column} where {text} is {value}.",
        ),
        "SELECT {child_column} FROM {child} JOIN {table} ON {child}.{link} = {table}.{key} "
        "WHERE {text} = '{value}';",
    ),
    Kind(
        "join and group",
        "single join",
        _ANALYTICS,
        2,
        2,
        (
            "How many {child} are there for each {text} of the {table}?",
            "Count the {child} per {text} of {table}.",
            "For each {text} of {table}, show the number of {child}.",
        ),
        "SELECT {text}, COUNT(*) FROM {child} JOIN {table} ON {child}.{link} = {table}.{key} "
        "GROUP BY {text};",
    ),
    Kind(
        "compare with aggregate",
        "subqueries",
        _ANALYTICS,
        2,
        1,
        (
            "Which {table} have {number} {than} the average? Give the {key}.",
            "List the {key} of {table} whose {number} is {than} average.",
            "Show the {key} of {table} with {number} {than} the average {number}.",
        ),
        "SELECT {key} FROM {table} WHERE {number} {op} (SELECT AVG({number}) FROM {table});",
    ),
    Kind(
        "without partner",
        "subqueries",
        _RETRIEVAL,
        2,
        2,
        (
            "Which {table} have no {child}? Give the {key}.",
            "List the {key} of {table} without {child}.",
            "Find the {key} of {table} that appear in no {child}.",
        ),
        "SELECT {key} FROM {table} WHERE {key} NOT IN (SELECT {link} FROM {child});",
    ),
    Kind(
        "rank",
        "window functions",
        _ANALYTICS,
        2,
        1,
        (
            "Rank the {table} by {number}, {extreme} first, with their {key}.",
            "Show each {key} with its rank by {extreme} {number} in {table}.",
            "Give the {key} and rank of the {table} by {number} from the {extreme}.",
        ),
        "SELECT {key}, RANK() OVER (ORDER BY {number} {direction}) FROM {table};",
    ),
    Kind(
        "union",
        "set operations",
        _RETRIEVAL,
        1,
        2,
        (
            "List every {text} of {table} together with every {child_column} of {child}.",
            "Combine the {text} of {table} and the {child_column} of {child}.",
            "Show the union of {text} in {table} and {child_column} in {child}.",
        ),
        "SELECT {text} FROM {table} UNION SELECT {child_column} FROM {child};",
    ),
    Kind(
        "insert",
        "basic SQL",
        _MANIPULATION,
        2,
        1,
        (
            "Add {new} to {table} with {text} {word} and {number} {m}.",
            "Insert {new} into {table}: {text} {word}, {number} {m}.",
            "Record that {new} joins the {table}, {text} {word} and {number} {m}.",
        ),
        "INSERT INTO {table} ({key}, {text}, {number}) VALUES ('{new}', '{word}', {m});",
    ),
    Kind(
        "update",
        "basic SQL",
        _MANIPULATION,
        2,
        1,
        (
            "Set the {number} of {row} to {m} in {table}.",
            "Change the {number} of {row} in {table} to {m}.",
            "Update {table} so that {row} has {number} {m}.",
        ),
        "UPDATE {table} SET {number} = {m} WHERE {key} = '{row}';",
    ),
    Kind(
        "delete",
        "basic SQL",
        _MANIPULATION,
        2,
        1,
        (
            "Delete all {table} with {number} {than} {n}.",
            "Remove the {table} whose {number} is {than} {n}.",
            "Drop every record of {table} where {number} is {than} {n}.",
        ),
        "DELETE FROM {table} WHERE {number} {op} {n};",
    ),
    Kind(
        "view",
        "basic SQL",
        _DEFINITION,
        1,
        1,
        (
            "Create a view named selected of the {table} with {text} {value}.",
            "Define the view selected as all {table} whose {text} is {value}.",
            "Make a view called selected with the {table} where {text} is {value}.",
        ),
        "CREATE VIEW selected AS SELECT * FROM {table} WHERE {text} = '{value}';",
    ),
    Kind(
        "filter and order",
        "basic SQL",
        _RETRIEVAL,
        4,
        1,
        (
            "Show the {key} and {number} of {table} with {text} {value}, {extreme} first.",
            "List {key} and {number} of the {table} whose {text} is {value} from the {extreme}.",
            "Give {key} and {number} by {extreme} {number} for {table} where {text} is {value}.",
        ),
        "SELECT {key}, {number} FROM {table} WHERE {text} = '{value}' "
        "ORDER BY {number} {direction};",
        pretrained=False,
    ),
    Kind(
        "filtered group",
        "aggregation",
        _ANALYTICS,
        4,
        1,
        (
            "How many {table} with {number} {than} {n} are there for each {text}?",
            "Count the {table} per {text} where {number} is {than} {n}.",
            "For each {text}, show the number of {table} whose {number} is {than} {n}.",
        ),
        "SELECT {text}, COUNT(*) FROM {table} WHERE {number} {op} {n} GROUP BY {text};",
        pretrained=False,
    ),
    Kind(
        "having aggregate",
        "aggregation",
        _ANALYTICS,
        4,
        1,
        (
            "Which {text} of the {table} has the {aggregated} {number} {than} {n}?",
            "List each {text} in {table} whose {aggregated} {number} is {than} {n}.",
            "Find every {text} where the {aggregated} {number} of the {table} is {than} {n}.",
        ),
        "SELECT {text} FROM {table} GROUP BY {text} HAVING {aggregate}({number}) {op} {n};",
        pretrained=False,
    ),
    Kind(
        "join and aggregate",
        "single join",
        _ANALYTICS,
        4,
        2,
        (
            "What is the {aggregated} {child_column} of {child} for each {text} of the {table}?",
            "Show the {aggregated} {child_column} of {child} per {text} of {table}.",
            "For each {text} of {table}, compute the {aggregated} {child_column} of the {child}.",
        ),
        "SELECT {text}, {aggregate}({child_column}) FROM {child} "
        "JOIN {table} ON {child}.{link} = {table}.{key} GROUP BY {text};",
        counts_partners=True,
        pretrained=False,
    ),
    Kind(
        "within filtered",
        "subqueries",
        _RETRIEVAL,
        4,
        2,
        (
            "List the {child_column} of {child} for {table} with {number} {than} {n}.",
            "Which {child_column} do {child} have whose {link} has {number} {than} {n}?",
            "Show the {child_column} of all {child} for {table} where {number} is {than} {n}.",
        ),
        "SELECT {child_column} FROM {child} WHERE {link} IN "
        "(SELECT {key} FROM {table} WHERE {number} {op} {n});",
        pretrained=False,
    ),
    Kind(
        "update filtered",
        "basic SQL",
        _MANIPULATION,
        3,
        1,
        (
            "Set the {number} of all {table} with {text} {value} to {m}.",
            "Change the {number} to {m} for {table} whose {text} is {value}.",
            "Update the {table} where {text} is {value} so that their {number} is {m}.",
        ),
        "UPDATE {table} SET {number} = {m} WHERE {text} = '{value}';",
        pretrained=False,
    ),
)
