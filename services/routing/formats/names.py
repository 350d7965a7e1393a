"""FEEL names, which have spaces and more in them, and the paths they begin (DMN 1.3, 10.3.1.2, rules 20 to 28)."""

import re
from collections.abc import Collection

_COMPONENT = re.compile(r"\w[\w'-]*(?: \w[\w'-]*)*")
_UNDECLARED = re.compile(r"[^\W\d][\w.]*")
_OPERATORS = frozenset(("and", "or", "in", "between", "instance", "if", "then", "else", "for", "return", "satisfies"))
_VALUES = frozenset(("true", "false", "null"))


def normal(name: str) -> str:
    """A name with one space wherever it has white space."""
    return " ".join(name.split())


def split_path(text: str, known: Collection[str]) -> tuple[str, tuple[str, ...]] | None:
    """`order.price` as a known name and the components after it; None for what is no such path."""
    path = normal(text)
    if path in known:
        return path, ()
    parts = path.split(".")
    for end in range(len(parts) - 1, 0, -1):
        name, components = normal(".".join(parts[:end])), tuple(normal(part) for part in parts[end:])
        if name in known:
            return (name, components) if all(map(_is_component, components)) else None
    return None


def _is_component(text: str) -> bool:
    return _COMPONENT.fullmatch(text) is not None and _OPERATORS.isdisjoint(text.split(" "))


def is_plain(text: str) -> bool:
    """Whether a text cannot be but a name, though nothing in the model has it."""
    return _UNDECLARED.fullmatch(text) is not None and text not in _VALUES
