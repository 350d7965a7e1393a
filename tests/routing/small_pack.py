"""A city of two departments, as files, to be spoilt and changed by tests."""

from collections.abc import Mapping

from services.routing.packs import Files, read_pack
from services.routing.rules.rule_sets import RuleSet

ORGANISATION = "code,name_ja,valid_from,valid_until\nroads,道路課,,\nwaste,ごみ課,,\nold,旧課,,2026-03-31\n"
PROCEDURES = "code,facts,period_days,period_kind\nsnow,district?,3,days\nmove,,5,business-days\nlamp,,,\n"
CALENDARS = (
    "calendar,kind,first,last,name,source\n"
    "city office-far,covers,2026-01-01,2029-12-31,,test\n"
    "city office-far,weekly,SA,,土曜日,test\n"
    "city office-far,weekly,SU,,日曜日,test\n"
    "office-far,dated,2026-11-26,2026-11-27,町の祭り,test\n"
)
HEADER = "F,in:procedure,in:district,in:amount:number,out:department,out:days:number,note:reason\n"
ROUTING = HEADER + (
    'S1,"""snow""","""far""",-,waste,,遠い地区のため。\n'
    'S2,"""snow""",-,-,roads,,除雪のため。\n'
    'M1,"""move""",-,-,roads,,転入のため。\n'
    'L1,"""lamp""",-,-,roads,9,街灯のため。\n'
)


def files(routing: str = ROUTING, **others: str) -> Files:
    """The pack with another table, or with further or other files: `organisation="…"` is organisation.csv."""
    named: Mapping[str, str] = {
        "organisation": ORGANISATION,
        "procedures": PROCEDURES,
        "calendars": CALENDARS,
        "rules/routing": routing,
    }
    return {f"{path}.csv": text.encode() for path, text in (named | others).items()}


def rule_set(*rows: str, **others: str) -> RuleSet:
    """The pack with these rows of its table, or its own."""
    return read_pack(files(HEADER + "\n".join(rows) + "\n" if rows else ROUTING, **others))
