"""What a connection of the sandbox knows beyond SQLite's own functions. Standard library only.

Translations of other dialects (`trainables.sql.translation`) call these by name. A connection gets
those that its texts name, and no others: a prediction cannot rest on them by itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from typing import Any

from trainables.sql.sandbox import (
    aggregates,
    collations,
    moment_formats,
    moments,
    numbers,
    text_patterns,
    texts,
)

CALL_STEPS = 200
"""What one call costs, in instructions of SQLite's virtual machine: about as long as those take."""

_STRICT: dict[str, Callable[..., Any]] = {
    "moment_shift": moments.shift,
    "moment_shift_all": moments.shift_all,
    "moment_add_months": moments.add_months,
    "moment_last_day": moments.last_day,
    "moment_date": moments.only_date,
    "moment_time": moments.only_time,
    "moment_full": moments.in_full,
    "moment_full_or_text": moments.in_full_or_text,
    "moment_truncate": moments.truncate,
    "moment_part": moments.part,
    "moment_boundaries": moments.boundaries,
    "moment_completed": moments.completed,
    "moment_days_between": moments.days_between,
    "moment_seconds_between": moments.seconds_between,
    "moment_fraction_of_days": moments.fraction_of_days,
    "moment_months_between": moments.months_between,
    "moment_age_part": moments.age_part,
    "moment_make_date": moments.make_date,
    "moment_day_of_year": moments.day_of_year,
    "moment_next_day": moments.next_day,
    "moment_from_epoch": moments.from_epoch,
    "moment_from_days": moments.from_days,
    "moment_to_days": moments.to_days,
    "moment_by_mysql": moment_formats.by_mysql,
    "moment_by_postgres": moment_formats.by_postgres,
    "moment_by_oracle": moment_formats.by_oracle,
    "moment_by_net": moment_formats.by_net,
    "moment_by_style": moment_formats.by_style,
    "moment_read_mysql": moment_formats.read_mysql,
    "moment_read_date": moment_formats.read_date,
    "moment_read_stamp": moment_formats.read_stamp,
    "number_round": numbers.round_decimal,
    "number_round_float": numbers.round_float,
    "number_truncate": numbers.truncate,
    "number_to_integer": numbers.to_integer,
    "number_unsigned": numbers.unsigned,
    "number_known_unsigned": numbers.known_unsigned,
    "number_fitting": numbers.fitting,
    "number_known_to_fit": numbers.known_to_fit,
    "number_read": numbers.read_number,
    "number_divide": numbers.divide,
    "number_remainder": numbers.remainder,
    "number_remainder_or_null": numbers.remainder_or_null,
    "number_remainder_or_value": numbers.remainder_or_value,
    "number_whole_quotient": numbers.whole_quotient,
    "number_power": numbers.power,
    "number_power_of_integer": numbers.power_of_integer,
    "number_root": numbers.root,
    "number_root_or_null": numbers.root_or_null,
    "number_logarithm": numbers.logarithm,
    "number_logarithm_or_null": numbers.logarithm_or_null,
    "number_grouped": numbers.grouped,
    "number_by_net": numbers.by_net,
    "number_by_template": numbers.by_template,
    "text_said": texts.said,
    "text_reverse": texts.reverse,
    "text_repeat": texts.repeat,
    "text_pad_left": texts.pad_left,
    "text_pad_right": texts.pad_right,
    "text_filled": texts.filled,
    "text_left": texts.left,
    "text_right": texts.right,
    "text_cut": texts.cut,
    "text_cut_from_end": texts.cut_from_end,
    "text_cut_of_oracle": texts.cut_of_oracle,
    "text_place": texts.place,
    "text_place_in_any_case": texts.place_in_any_case,
    "text_overlay": texts.overlay,
    "text_stuff": texts.stuff,
    "text_insert": texts.insert,
    "text_part_between": texts.part_between,
    "text_part_up_to": texts.part_up_to,
    "text_mapped": texts.mapped,
    "text_capitalised": texts.capitalised,
    "text_upper": texts.upper,
    "text_lower": texts.lower,
    "text_length": texts.length,
    "text_length_without_trailing_blanks": texts.length_without_trailing_blanks,
    "text_bytes": texts.bytes_of,
    "text_code": texts.code,
    "text_character": texts.character,
    "text_trimmed": texts.trimmed,
    "text_trimmed_of_text": texts.trimmed_of_text,
    "text_place_in_list": texts.place_in_list,
    "text_compared": collations.compare_mysql,
    "text_md5": texts.md5,
    "text_matches": text_patterns.matches,
    "text_matches_in_any_case": text_patterns.matches_in_any_case,
    "text_replaced": text_patterns.replaced,
    "text_found": text_patterns.found,
}
"""NULL where an argument is."""

_WITH_NULLS: dict[str, Callable[..., Any]] = {
    "text_concatenated": texts.concatenated,
    "text_joined": texts.joined,
    "text_place_among": texts.place_among,
    "text_chosen": texts.chosen,
    "greatest_given": texts.greatest,
    "least_given": texts.least,
    # NULL where the text or the pattern is; most patterns have no escape.
    "text_like": lambda text, pattern, escape: _like(text_patterns.like, text, pattern, escape),
    "text_like_in_any_case": lambda text, pattern, escape: _like(
        text_patterns.like_in_any_case, text, pattern, escape
    ),
    "text_like_of_mysql": lambda text, pattern, escape: _like(
        text_patterns.like_of_mysql, text, pattern, escape
    ),
    "text_like_of_tsql": lambda text, pattern, escape: _like(
        text_patterns.like_of_tsql, text, pattern, escape
    ),
}

_AGGREGATES: dict[str, type] = {
    "sample_variance": aggregates.SampleVariance,
    "population_variance": aggregates.PopulationVariance,
    "sample_deviation": aggregates.SampleDeviation,
    "population_deviation": aggregates.PopulationDeviation,
    "oracle_variance": aggregates.OracleVariance,
    "oracle_deviation": aggregates.OracleDeviation,
    "percentile": aggregates.Percentile,
    "discrete_percentile": aggregates.DiscretePercentile,
    "mode_of": aggregates.Mode,
    "all_of": aggregates.All,
    "any_of": aggregates.Any_,
    "bits_and": aggregates.BitAnd,
    "bits_or": aggregates.BitOr,
    "joined_in_order": aggregates.JoinedInOrder,
}

_COLLATIONS: dict[str, Callable[[str, str], int]] = {
    "like_mysql": collations.compare_mysql,
    "like_tsql": collations.compare_tsql,
}

NAMES = frozenset({*_STRICT, *_WITH_NULLS, *_AGGREGATES})
"""All functions, for the allow-list."""


def register(
    connection: sqlite3.Connection, names: Iterable[str], guard: Callable[[Exception | None], None]
) -> None:
    """Gives a connection some of the functions and collations.

    Args:
        connection: Of SQLite.
        names: Those to be known; a name that is no function or collation here is passed over.
        guard: Called before each call with None, to count it, and with what a call raised; SQLite
            itself tells only that something was raised.
    """
    for name in names:
        if name in _STRICT:
            connection.create_function(
                name, -1, _guarded(_STRICT[name], guard, strict=True), deterministic=True
            )
        elif name in _WITH_NULLS:
            connection.create_function(
                name, -1, _guarded(_WITH_NULLS[name], guard, strict=False), deterministic=True
            )
        elif name in _AGGREGATES:
            connection.create_aggregate(name, -1, _guarded_aggregate(_AGGREGATES[name], guard))
        elif name in _COLLATIONS:
            connection.create_collation(name, _COLLATIONS[name])


def _guarded(
    function: Callable[..., Any], guard: Callable[[Exception | None], None], *, strict: bool
) -> Callable[..., Any]:
    def call(*values: Any) -> Any:
        try:
            guard(None)
            if strict and None in values:
                return None
            return function(*values)
        except Exception as error:
            guard(error)
            raise

    return call


def _guarded_aggregate(kind: Any, guard: Callable[[Exception | None], None]) -> type:
    class Guarded:
        def __init__(self) -> None:
            self._state = kind()

        def step(self, *values: Any) -> None:
            try:
                guard(None)
                self._state.step(*values)
            except Exception as error:
                guard(error)
                raise

        def finalize(self) -> Any:
            try:
                return self._state.finalize()
            except Exception as error:
                guard(error)
                raise

    return Guarded


def _like(
    matcher: Callable[[Any, Any, str | None], bool], text: Any, pattern: Any, escape: str | None
) -> bool | None:
    return None if text is None or pattern is None else matcher(text, pattern, escape)
