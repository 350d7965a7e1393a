"""Who answers for a row, and whether that unit exists: know-how belongs to somebody who is there to be asked. Pure."""

from collections.abc import Iterator
from datetime import date

from services.routing.rules.lifecycle import Words
from services.routing.rules.organisation import Organisation, Unit, codes_by_name
from services.routing.rules.succession import suggest
from services.routing.rules.tables import DecisionTable

OWNER = "owner"
"""The note that names a unit by its code."""


def strange_owners(table: DecisionTable, organisation: Organisation, today: date) -> Iterator[Words]:
    """Owners that are no unit today, each with its rows and who may answer for them instead."""
    by_owner: dict[str, list[str]] = {}
    for rule in table.rules:
        if owner := rule.notes.get(OWNER, "").strip():
            by_owner.setdefault(owner, []).append(rule.name)
    for owner, rows in by_owner.items():
        if not organisation.exists(owner, today):
            yield _words(table.name, owner, rows, _instead(organisation, owner, today), today)


def _words(table: str, owner: str, rows: list[str], instead: list[Unit], today: date) -> Words:
    ja = f"表 {table} の規則 {'、'.join(rows)} の担当 {owner} は、{today} の組織表にありません。"
    en = f"{table}, rules {', '.join(rows)}: the owner {owner} is no unit on {today}."
    if not instead:
        return Words(f"{ja}どの課が受け持つか、お決めください。", f"{en} Decide who answers for them.")
    return Words(
        f"{ja}候補：{'、'.join(f'{unit.name}（{unit.code}）' for unit in instead)}。",
        f"{en} Perhaps {' or '.join(unit.code for unit in instead)}.",
    )


def _instead(organisation: Organisation, owner: str, today: date) -> list[Unit]:
    """The unit of that name; else who has taken over from the unit that ended; else those that may have. A person decides."""
    if named := organisation.unit(codes_by_name(organisation).get(owner, ""), today):
        return [named]
    ended = [
        unit for unit in organisation.units if unit.code == owner and unit.valid_until and unit.valid_until < today
    ]
    if not ended:
        return []
    last = max(ended, key=lambda unit: unit.valid_until or date.min)
    followed = organisation.successor(owner, today, since=last.valid_until or today).candidates
    return list(followed) or [
        found.successor for found in suggest(organisation, last) if found.successor.is_valid(today)
    ]
