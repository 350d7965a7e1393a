"""What people call what a city pack calls by a code: units, procedures, districts, and what `words.csv` names beside them.

Each of these files has `code`, `name_ja` and, where there is one, `name_easy` and `name_en`.
"""

from collections.abc import Mapping

from services.routing.rules.phrasing import Labels, Language
from services.routing.sheets import Line, read_lines

FILES = ("organisation.csv", "procedures.csv", "districts.csv", "words.csv")
COLUMNS: Mapping[Language, str] = {"ja": "name_ja", "ja-easy": "name_easy", "en": "name_en"}

READINGS = str.maketrans("（）", "()")
"""Readings stand in the same brackets as in the sentences that the names come into."""


def read_labels(files: Mapping[str, bytes]) -> Labels:
    """The names of everything, by code, as far as there are any; of two files the later one has its way. Raises InvalidOrganisation."""
    lines = (line for name in FILES if name in files for line in read_lines(files[name], name, needed=("code",)))
    return {line.need("code"): _names(line) for line in lines}


def _names(line: Line) -> Mapping[Language, str]:
    found: dict[Language, str] = {each: line.get(column).translate(READINGS) for each, column in COLUMNS.items()}
    return {each: name for each, name in found.items() if name}
