"""The tokenizer of the embedded base model: every word of the built-in corpus is one token.

Copying a value from the schema into the statement is then copying one token, which a small model
learns soon. Words that the corpus does not have are spelt in characters, so that any printable
ASCII text comes back as it was.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable

from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
)
from transformers import PreTrainedTokenizerFast

PADDING = 0
END = 1
_UNKNOWN = 2
SENTINELS = 24
"""Number of `<extra_id_n>` tokens, hence of spans that one document may lack."""

_GLUE = "\u2060"
"""No space precedes the next word: `'Paris` is a quote with glue, then the word of `in Paris`."""
_SPACE = "\u2581"

_PHRASES = (
    *("CREATE TABLE", "INSERT INTO", "GROUP BY", "ORDER BY", "COUNT(*)"),
    *("TEXT,", "INT,", "TEXT);", "INT);"),
)
_SYMBOLS = (
    *("('", "',", "', '", "'),", "');", "';", "),", ");"),
    *(" ('", " '", " (", " >", " <", " =", " *"),
)
_WORD = re.compile(r"\w+")


def build(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """Builds a unigram tokenizer of the words of the texts, common SQL phrases and characters.

    Args:
        texts: Everything that shall cost one token a word; its order does not matter.

    Returns:
        The tokenizer, with T5's special tokens: padding 0, end of sequence 1, unknown 2, then the
        sentinels.
    """
    words = sorted({word for text in texts for word in _WORD.findall(text)})
    special = ["<pad>", "</s>", "<unk>", *(f"<extra_id_{n}>" for n in range(SENTINELS))]
    whole = [_SPACE + word for word in words]
    whole += [_SPACE + phrase.replace(" ", _SPACE) for phrase in _PHRASES]
    whole += [_SPACE + function + "(" + _GLUE for function in ("AVG", "SUM", "MAX", "MIN")]
    for symbol in (*string.punctuation, *_SYMBOLS):
        whole += [symbol.replace(" ", _SPACE), symbol.replace(" ", _SPACE) + _GLUE]
    characters = [_SPACE, _GLUE, *string.ascii_letters, *string.digits]
    # A unigram tokenizer takes the split with the highest sum: the fewest pieces, characters only
    # where nothing else fits.
    scored = dict.fromkeys(special, 0.0) | dict.fromkeys(whole, -1.0)
    scored |= {character: -10.0 for character in characters if character not in scored}
    tokenizer = Tokenizer(models.Unigram(list(scored.items()), unk_id=_UNKNOWN))
    tokenizer.normalizer = normalizers.Replace(Regex(r"(?<=[^\w\s])(?=\w)"), f"{_GLUE} ")
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Fuse(),
            decoders.Replace(_GLUE + _SPACE, ""),
            decoders.Replace(_GLUE, ""),
            decoders.Replace(_SPACE, " "),
            decoders.Strip(" ", 1, 0),
        ]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", END)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        # A sentinel takes the place of whole words, with the space before them.
        extra_special_tokens=[
            AddedToken(sentinel, lstrip=True, normalized=False, special=True)
            for sentinel in special[3:]
        ],
        clean_up_tokenization_spaces=False,
        model_max_length=512,
    )
