"""How times, lists and untrusted text are put into words on every page, and what counts as a reason.

Without Django, so that code below it can use this as well.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

LONGEST_LINE = 200
LONGEST_TEXT = 5_000

# Control, format (invisible and bidirectional), surrogate, private and unassigned characters.
UNPRINTABLE = {"Cc", "Cf", "Cs", "Co", "Cn"}


# --- Times ---


def duration(length: timedelta | float | None) -> str:
    """A length of time (seconds or timedelta) in at most two units: "41 s", "14 min", "3 d 4 h"."""
    if length is None:
        return "unknown"
    seconds = int(length.total_seconds() if isinstance(length, timedelta) else length)
    if seconds < 60:
        return f"{max(seconds, 0)} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    if seconds < 86_400:
        hours, minutes = seconds // 3600, seconds % 3600 // 60
        return f"{hours} h {minutes} min" if hours < 10 and minutes else f"{hours} h"
    days, hours = seconds // 86_400, seconds % 86_400 // 3600
    return f"{days} d {hours} h" if days < 10 and hours else f"{days} d"


def age(at: datetime | None) -> str:
    """How long ago that was, without the word "ago"."""
    return duration(datetime.now(UTC) - at) if at else "unknown"


def elapsed(length: timedelta | None) -> str:
    """A running time to the second: "0.8 s", "0:38", "1:02:09"; "" for None."""
    if length is None:
        return ""
    seconds = length.total_seconds()
    if seconds < 10:
        return f"{seconds:.1f} s"
    hours, rest = divmod(int(seconds), 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def time_of_day(at: datetime) -> str:
    """In UTC, with the day only if it is not today: "13:51", "Fri 09:47", "2 Nov 09:47"."""
    at, now = at.astimezone(UTC), datetime.now(UTC)
    if at.date() == now.date():
        return at.strftime("%H:%M")
    if now - at < timedelta(days=6):
        return at.strftime("%a %H:%M")
    return f"{at.day} {at.strftime('%b %H:%M')}"


def exact_time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def first_of(sentences: Sequence[str], most: int) -> str:
    """The first few sentences as one text, and how many more there are: "… And 3 more."."""
    more = [f"And {len(sentences) - most} more."] if len(sentences) > most else []
    return " ".join([*sentences[:most], *more])


# --- Reasons that people give ---

SHORTEST_REASON = 10  # characters
FEWEST_LETTERS, FEWEST_WORDS = 6, 3  # different ones


def says_something(reason: str) -> bool:
    """Whether a reason can be a sentence: not one letter, or one word, again and again.

    Words are counted only where the script separates them by spaces.
    """
    text = reason.strip().casefold()
    letters = {char for char in text if char.isalpha()}
    words = {word for word in re.findall(r"\w+", text) if any(char.isalpha() for char in word)}
    enough_words = len(words) >= FEWEST_WORDS or not text.isascii()
    return len(text) >= SHORTEST_REASON and len(letters) >= FEWEST_LETTERS and enough_words


# --- Untrusted text ---


def one_line(text: object) -> str:
    """Untrusted text, such as an error message, on one line and without unprintable characters."""
    spaced = re.sub(r"\s+", " ", str(text))
    if spaced.isprintable():
        return spaced.strip()
    printable = "".join(char for char in spaced if unicodedata.category(char) not in UNPRINTABLE)
    return re.sub(r" {2,}", " ", printable).strip()


def clean_line(text: object, longest: int = LONGEST_LINE) -> str:
    """As `one_line`, cut to `longest` characters."""
    line = one_line(text)
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"


def clean_lines(text: str, longest: int = LONGEST_TEXT) -> str:
    """Untrusted text with its line breaks kept; each line is cleaned, and the whole is cut to `longest`."""
    lines = [clean_line(line, longest) for line in text[:longest].splitlines()]
    return "\n".join(lines) + ("…" if len(text) > longest else "")
