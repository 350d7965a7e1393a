"""Entries as text that XML and spreadsheets hold unchanged."""

import re

from services.routing.rules.cells import Cell
from services.routing.rules.sfeel import write_cell, write_literal
from services.routing.rules.values import Value

UNHOLDABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML or a spreadsheet cannot hold, or changes. Line feed and tab are none of them."""


def input_text(cell: Cell) -> str:
    """An input entry in S-FEEL."""
    return _escaped(write_cell(cell))


def output_text(value: Value) -> str:
    """An output entry: a literal."""
    return _escaped(write_literal(value))


def _escaped(text: str) -> str:
    """Such characters stand within string literals only, where they have an escape (DMN 1.3, 10.3.1.2, rule 65)."""
    return UNHOLDABLE.sub(lambda found: f"\\u{ord(found[0]):04X}", text)
