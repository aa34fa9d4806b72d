"""The report as one HTML file that asks no host for anything and runs no text as code."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from orchestrator.errors import visible
from orchestrator.results.report.parts import Report
from orchestrator.results.report.runtime import runtime
from orchestrator.terminal.options import version

_TEMPLATES = Path(__file__).parent / "templates"


def html(report: Report) -> str:
    """Returns the page.

    Scripts and style run by their digests alone (`script-src 'sha256-...'`): a text that came
    through the escaping would be shown, and not run. The browser fetches nothing
    (`default-src 'none'`).

    Args:
        report: What it says.
    """
    scripts = [_inline(runtime()), _inline(_read("report.js"))]
    style = _read("report.css")
    policy = (
        "default-src 'none'; base-uri 'none'; form-action 'none'; "
        f"script-src {' '.join(map(_digest, scripts))}; style-src {_digest(style)}"
    )
    return (
        _environment()
        .get_template("report.html.jinja")
        .render(
            report=report,
            generator=version(),
            policy=policy,
            style=style,
            scripts=scripts,
        )
    )


def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_seen,
        trim_blocks=True,
    )
    made.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    return made


def _seen(value: Any) -> Any:
    """Returns a text from outside with its control and invisible characters written out."""
    return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _read(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _inline(script: str) -> str:
    """Returns a script in which `</script` is escaped, so that it cannot end its own element."""
    return script.replace("</script", "<\\/script")


def _digest(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
