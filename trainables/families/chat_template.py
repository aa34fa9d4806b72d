"""What a tokenizer's chat template puts around a question."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

_QUESTIONS = ("Which is it:\n'A', or \"b\" < 2?", "How many?")
"""Stand for the prompt while a chat template is read: what is around them is the same."""
_DAY = datetime(2024, 7, 26, 12, tzinfo=UTC)
"""What a chat template is told that asks for the day, as that of Llama does where it cannot ask:
else a run would have other prompts on another day."""
_SAME_DAY = "".join(
    (
        "{% macro strftime_now(format) %}{{ format",
        *(f"|replace('%{part}', '{_DAY.strftime(f'%{part}')}')" for part in "aAbBcdHIjmMpSxXyYZ"),
        *(f"|replace('%-{part}', '{int(_DAY.strftime(f'%{part}'))}')" for part in "dHImMSy"),
        " }}{% endmacro %}",
    )
)
"""A template's function of that name, instead of the one that transformers gives it."""


def around_question(tokenizer: Any, cue: str) -> tuple[str, str]:
    """Returns the texts before and after a question, the same on every day.

    Args:
        tokenizer: With a chat template.
        cue: What stands behind the question, before the template's own end of it.

    Raises:
        ValueError: The template cannot be used: it fails, or the question does not come out of it
            once, as it went in.
    """
    around = set()
    for question in _QUESTIONS:
        message = [{"role": "user", "content": question + cue}]
        try:
            text = tokenizer.apply_chat_template(
                message,
                chat_template=_SAME_DAY + tokenizer.get_chat_template(),
                tokenize=False,
                add_generation_prompt=True,
                enable_thinking=False,  # of those that can: nothing stands before the statement
            )
        except Exception as error:  # a template is a program, and may raise what it likes
            why = str(error).strip().split("\n")[0] or type(error).__name__
            raise ValueError(_of_no_use(tokenizer, f"cannot be used ({why})")) from error
        before, found, after = text.partition(question)
        around.add((before, after) if found else None)
    whole = around.pop()
    if around or whole is None:
        raise ValueError(_of_no_use(tokenizer, "does not give a question back as it is"))
    return whole


def _of_no_use(tokenizer: Any, why: str) -> str:
    return (
        f"The chat template of the tokenizer {tokenizer.name_or_path!r} {why}: delete it from the"
        " folder of the base model, and its prompts get none."
    )
