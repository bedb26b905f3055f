"""Decodes a script and refuses characters that make it look different from what PostgreSQL reads.

The parser stops at a NUL, an editor reorders bidirectional text, a browser hides a zero-width space. What a
person approves has to be what PostgreSQL executes.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from dbtools.sql.result import LIMITS, SqlProblem

BYTE_ORDER_MARK = "\ufeff"
BIDIRECTIONAL = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Characters with the category of a letter or symbol that are displayed as nothing.
INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
PROBLEMS_SHOWN = 50


def read(raw: str | bytes) -> tuple[str, tuple[SqlProblem, ...]]:
    """The text and the problems with its characters. The text is empty if it cannot be decoded."""
    data = raw if isinstance(raw, bytes) else raw.encode(errors="surrogatepass")
    if len(data) > LIMITS.bytes:
        return "", (SqlProblem(0, TOO_LARGE.format(size=len(data), limit=LIMITS.bytes)),)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        return "", (SqlProblem(data.count(b"\n", 0, error.start) + 1, NOT_UTF8),)
    return text, tuple(
        problem for _, problem in zip(range(PROBLEMS_SHOWN), forbidden_characters(text), strict=False)
    )


def forbidden_characters(text: str) -> Iterator[SqlProblem]:
    """Each kind of forbidden character once per line, in the order of the text."""
    if text.isascii() and text.isprintable():
        return
    for number, line in enumerate(text.split("\n"), start=1):
        # Fast path: most lines have only printable characters and tabs.
        if line.removesuffix("\r").replace("\t", "").isprintable() and not INVISIBLE & set(line):
            continue
        for character in dict.fromkeys(line.removesuffix("\r")):
            if message := problem_with(character, first=number == 1 and line.startswith(character)):
                yield SqlProblem(number, message)


def problem_with(character: str, *, first: bool) -> str:
    """Why this character is not allowed in a script; "" if it is."""
    category = unicodedata.category(character)
    code = f"U+{ord(character):04X}"
    if character == "\t" or (category not in {"Cc", "Cf", "Zl", "Zp", "Zs"} and character not in INVISIBLE):
        return ""
    if character == " ":
        return ""
    if character == "\0":
        return (
            "There is a NUL byte. PostgreSQL's parser stops reading there, so what follows would be "
            "unchecked: take it out."
        )
    if character == "\r":
        return (
            "There is a carriage return inside the line. It ends a comment for PostgreSQL but not on "
            "the page: save the file with LF line ends."
        )
    if character == BYTE_ORDER_MARK and first:
        return "The text begins with a byte order mark (U+FEFF): save it as UTF-8 without one."
    if character in BIDIRECTIONAL:
        return (
            f"There is a character that changes the direction of text ({code}), so the line does not read as "
            f"it runs: take it out, or write it in a string as E'\\u{ord(character):04x}'."
        )
    if category == "Zs":
        return (
            f"There is a space that is not a plain space ({code}): PostgreSQL takes it for a letter. Type a "
            f"plain space, or write it in a string as E'\\u{ord(character):04x}'."
        )
    if category == "Cc":
        return (
            f"There is a control character ({code}): take it out, or write it in a string as an E'' escape."
        )
    return (
        f"There is an invisible character ({code}): take it out, or write it in a string "
        f"as E'{escape(character)}'."
    )


def escape(character: str) -> str:
    """The escape sequence of a character in PostgreSQL's E'' strings."""
    return f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}"


NOT_UTF8 = "The text is not valid UTF-8 from this line on: save it as UTF-8."
TOO_LARGE = "The script has {size:,} bytes and may have {limit:,}. It was not read: move the data out of it."
