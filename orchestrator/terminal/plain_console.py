"""A console on which text is text: nothing in it is read as markup, and nothing acts unseen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from orchestrator.errors import visible, visible_line

PIPED_WIDTH = 10_000
"""Columns of what goes to a file or a pipe, which has no width of its own: no line is broken."""


def shown(text: str, style: str = "") -> Text:
    r"""Returns a text, of several lines too, that any console shows as it is (`\x1b` so)."""
    return Text(visible(text), style)


def shown_line(text: str, style: str = "") -> Text:
    r"""Returns a text as one line that any console shows as it is, line feeds as `\n`."""
    return Text(visible_line(text), style)


class PlainConsole(Console):
    """A console of rich's for texts from anywhere.

    A text is shown as it is, and a character that would act on the terminal by its escape (see
    `trainables.contract.visible`). Styles come from `Text` objects and arguments, never from what
    stands in a text: `[b]`, `:smile:` and links are only letters. That holds for whatever is
    printed, the cells of tables too, so that no caller has to think of it.
    """

    def __init__(self, **options: Any) -> None:
        """Opens the console.

        Args:
            options: As of rich's `Console`; those that read something into a text are off.
        """
        super().__init__(**options, markup=False, emoji=False, highlight=False)

    def render_str(self, text: str, **options: Any) -> Text:
        """Returns a text as rich shows it; it asks here for every text that it is given."""
        return Text(
            visible(text),
            options.get("style") or "",
            justify=options.get("justify"),
            overflow=options.get("overflow"),
        )

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yields what is written: also a `Text` that was made elsewhere holds nothing that acts."""
        for segment in super().render(renderable, options):
            if segment.control:  # rich's own: the live display moves the cursor
                yield segment
            else:
                yield Segment(visible(segment.text), segment.style)
