"""What a report is made of: sections of paragraphs, lists, tables, figures and code."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias


@dataclass(frozen=True)
class Paragraph:
    """A text.

    Attributes:
        text: Whole sentences.
    """

    text: str
    kind: ClassVar[str] = "paragraph"


@dataclass(frozen=True)
class Listing:
    """Sentences, each a point of a list.

    Attributes:
        lines: The points; at least one.
        leads: Whether they are what a hurried reader should read.
    """

    lines: Sequence[str]
    leads: bool = False
    kind: ClassVar[str] = "listing"


@dataclass(frozen=True)
class Code:
    """A text to be copied as it is.

    Attributes:
        text: Of one or several lines.
        title: Under which it is folded away; "" shows it.
    """

    text: str
    title: str = ""
    kind: ClassVar[str] = "code"


@dataclass(frozen=True)
class Table:
    """A table of texts.

    Attributes:
        title: What it lists; read out to who does not see it.
        headers: One a column.
        lines: One text a column each.
        right: Headers of the columns of numbers.
    """

    title: str
    headers: Sequence[str]
    lines: Sequence[Sequence[str]]
    right: Collection[str] = ()
    kind: ClassVar[str] = "table"


@dataclass(frozen=True)
class Figure:
    """A plot, with its data as a table.

    Attributes:
        title: The caption: what is drawn, and what an interval is over.
        alt: What it shows, for who does not see it.
        chart: The specification in Vega-Lite, its data included.
        table: The data.
    """

    title: str
    alt: str
    chart: Mapping[str, Any] = field(repr=False)
    table: Table
    kind: ClassVar[str] = "figure"


@dataclass(frozen=True)
class Sample:
    """Texts beside each other.

    Attributes:
        title: What they are an example of.
        texts: What each is, and the text.
    """

    title: str
    texts: Sequence[tuple[str, str]]
    kind: ClassVar[str] = "sample"


Part: TypeAlias = Paragraph | Listing | Code | Table | Figure | Sample


@dataclass(frozen=True)
class Section:
    """A section; one without parts is left out.

    Attributes:
        title: Its heading.
        parts: In order.
    """

    title: str
    parts: Sequence[Part]


@dataclass(frozen=True)
class Report:
    """A whole report, whatever it is written in.

    Attributes:
        sweep_id: Of the sweep.
        question: What it asked.
        setting: What was trained on what, and how far the sweep is, in a line.
        sections: In order; the first is the answer.
    """

    sweep_id: str
    question: str
    setting: str
    sections: Sequence[Section]
