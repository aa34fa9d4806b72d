"""Reads a report's page as a browser would take it apart."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

_VOID = ("meta", "br", "hr", "img", "link", "input")


class Page(HTMLParser):
    """A page's texts, elements and charts.

    Attributes:
        elements: Each element's name and attributes, in order.
        text: What is shown, with blanks as one and whole intervals parted as anywhere.
        scripts: The text of each script that is run.
        styles: The text of each style sheet.
        charts: The specification of each plot.
    """

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self.charts: list[dict[str, Any]] = []
        self._shown: list[str] = []
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()
        assert not self._open, f"left open: {self._open}"
        self.text = " ".join("".join(self._shown).replace("\xa0", " ").split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = (tag, dict(attrs))
        self.elements.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        opened, _ = self._open.pop()
        assert opened == tag

    def handle_data(self, data: str) -> None:
        tag, attributes = self._open[-1] if self._open else ("", {})
        if tag == "script":
            if attributes.get("type") == "application/json":
                self.charts.append(json.loads(data))
            else:
                self.scripts.append(data)
        elif tag == "style":
            self.styles.append(data)
        else:
            self._shown += [data, " "]

    def of(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of each element of a name."""
        return [attributes for name, attributes in self.elements if name == tag]
