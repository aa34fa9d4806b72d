"""Whatever is printed is text: no markup is read, and nothing acts unseen."""

from __future__ import annotations

import ast
import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

import orchestrator
from orchestrator.terminal.output import table
from orchestrator.terminal.plain_console import PIPED_WIDTH, PlainConsole, shown, shown_line
from trainables.contract.visible import INVISIBLE, visible

HOSTILE = "Is [4] or [/b], [red]x[/red] :smile: \x1b[2J\x9b31m\u202eno\x07\r\x7f"
SHOWN = r"Is [4] or [/b], [red]x[/red] :smile: \x1b[2J\x9b31m\u202eno\x07\r\x7f"


def _printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def _console(*, terminal: bool) -> PlainConsole:
    return PlainConsole(file=io.StringIO(), force_terminal=terminal, width=PIPED_WIDTH)


def _table(cell: RenderableType) -> Table:
    made = Table(box=None)
    made.add_column(cell)
    made.add_row(cell)
    return made


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize(
    "printed", [HOSTILE, shown(HOSTILE), Group(HOSTILE), _table(HOSTILE), _table(shown(HOSTILE))]
)
def test_a_text_is_shown_as_it_is(printed: RenderableType, terminal: bool) -> None:
    console = _console(terminal=terminal)
    console.print(printed)
    assert SHOWN in _printed(console)


def test_a_text_that_was_made_elsewhere_holds_nothing_that_acts() -> None:
    console = _console(terminal=False)
    console.print(Text(HOSTILE))
    assert INVISIBLE.search(_printed(console).rstrip("\n")) is None


def test_styles_come_from_objects_and_arguments_alone() -> None:
    console = _console(terminal=True)
    console.print(HOSTILE, style="bold")
    assert re.sub(r"\x1b\[[0-9;]*m", "", _printed(console)) == SHOWN + "\n"
    assert _printed(console).startswith("\x1b[1m")


@pytest.mark.parametrize("text", [shown(HOSTILE), shown_line(HOSTILE)])
def test_any_console_shows_such_a_text_as_it_is(text: Text) -> None:
    console = Console(file=io.StringIO(), width=PIPED_WIDTH, soft_wrap=True)
    console.print(text)
    assert _printed(console) == SHOWN + "\n"


@given(st.text(st.characters(exclude_characters="\t")))  # which rich writes as spaces
def test_every_text_is_printed_visibly_and_whole(text: str) -> None:
    console = PlainConsole(file=io.StringIO(), soft_wrap=True)
    console.print(text)
    assert _printed(console) == visible(text) + "\n"


@given(st.text())
def test_a_row_of_a_table_is_one_line(text: str) -> None:
    console = _console(terminal=False)
    console.print(table(["a", "b"], [[text, "end"]]))
    _, line = _printed(console).removesuffix("\n").split("\n")
    assert line.endswith("end")


# What writes to a terminal, and where it may stand. The log of a sweep and the schema of the search
# space files go into files.
_WRITERS = ("terminal/", "errors.py", "trial/labelled_output.py", "search_space/schema.py")


def test_only_the_terminal_writes() -> None:
    found = [
        f"{file.relative_to(_TOP)}:{line} {what}"
        for file in sorted(_TOP.rglob("*.py"))
        if not str(file.relative_to(_TOP)).startswith(_WRITERS)
        for line, what in _writes(ast.parse(file.read_text(encoding="utf-8")))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "source",
    [
        "print('a')",
        "sys.stdout.write('a')",
        "sys.stderr.buffer.write(b'a')",
        "typer.echo('a')",
        "click.secho('a')",
        "console = Console()",
        "out = rich.console.Console(stderr=True)",
        "Text.from_markup('[b]a')",
        "Text.from_ansi('a')",
        "out.print('a', markup=True)",
        "rich.print('a')",
        "from rich.markup import render",
    ],
)
def test_what_writes_elsewhere_is_found(source: str) -> None:
    assert list(_writes(ast.parse(source)))


def test_the_consoles_of_the_terminal_are_plain() -> None:
    for file in (_TOP / "terminal").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.Call) and _name(node.func) == "Console"), file


_TOP = Path(orchestrator.__file__).parent
_CALLS = ("Console", "echo", "secho", "from_markup", "from_ansi", "render_markup")


def _writes(tree: ast.AST) -> list[tuple[int, str]]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "rich.markup":
            found.append((node.lineno, "rich.markup"))
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        if name in ("print", "rich.print") or _name(node.func) in _CALLS:
            found.append((node.lineno, name))
        if re.match(r"sys\.(stdout|stderr)\.(buffer\.)?write", name):
            found.append((node.lineno, name))
        if any(each.arg == "markup" for each in node.keywords):
            found.append((node.lineno, "markup="))
    return found


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else ast.unparse(function)
