"""Control characters but tab, line feed and carriage return: no person types them, PostgreSQL's text knows no NUL, a terminal obeys an escape."""

import re

CODE = "control-character"
WORDS = "制御文字は使えません。取り除いてお送りください。 Control characters are not allowed: remove them."
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def found_in(text: str) -> bool:
    """Whether there is one."""
    return _CONTROL.search(text) is not None


def line_of(text: str) -> int | None:
    """The line, from 1, on which the first one stands."""
    found = _CONTROL.search(text)
    return text.count("\n", 0, found.start()) + 1 if found else None
