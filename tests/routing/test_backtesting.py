"""Rule sets tried on the past: what agrees, who would move, what would be late."""

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.routing.packs import read_pack
from services.routing.rules.assigning import Assignment, assign
from services.routing.rules.backtesting import Backtest, Comparison, Expected, Move
from services.routing.rules.organisation import Organisation, Unit
from services.routing.rules.recorded import matcher
from services.routing.rules.rule_sets import RuleSet

DAY = date(2026, 4, 1)
ORGANISATION = (
    b"code,name_ja,name_en\nroads,\xe9\x81\x93\xe8\xb7\xaf\xe8\xaa\xb2,Roads\nparks,P,Parks\ncentre,C,Centre\n"
)
PROCEDURES = b"code,period_days,period_kind\nsnow,3,days\ntree,5,business-days\nlife,,\n"
CALENDARS = (
    "calendar,kind,first,last,name,source\noffice,covers,2026-01-01,2026-12-31,,x\noffice,weekly,SA,,土曜日,x\n"
    "office,weekly,SU,,日曜日,x\n"
).encode()
ROUTING = b'F,in:procedure,in:district,out:department,out:queue\nR1,"""snow""",-,roads,ploughs\nR2,"""tree""",-,parks,\nR3,"""lost""",-,nowhere,\n'
CANDIDATE = ROUTING.replace(b"R1,", b'R0,"""snow""","""akan""",centre,\nR1,')
LIFE = b'C,in:procedure,out:department\nL1,"""life""",roads\nL2,"""life""",parks\n'


def pack(routing: bytes = ROUTING, others: Mapping[str, bytes] = MappingProxyType({})) -> RuleSet:
    return read_pack(
        {
            "organisation.csv": ORGANISATION,
            "procedures.csv": PROCEDURES,
            "calendars.csv": CALENDARS,
            "rules/routing.csv": routing,
            "rules/life.csv": LIFE,
            **others,
        }
    )


def tried(
    *cases: tuple[str, str, str], packs: tuple[RuleSet, ...] = (pack(),), expected: Expected = "department"
) -> Comparison:
    """Cases are (procedure, district, recorded)."""
    backtest = Backtest(packs, expected, DAY)
    for procedure, district, recorded in cases:
        backtest.add((("procedure", procedure), ("district", district)), recorded, None, None)
    return backtest.compare(lambda name: name)


def test_agreement_is_a_share_of_the_covered_cases_by_department_and_overall() -> None:
    found = tried(("snow", "", "roads"), ("snow", "", "parks"), ("tree", "", "parks"), ("other", "", "parks"))

    verdict = found.verdicts[0]
    assert (verdict.overall.rows, verdict.overall.covered, verdict.overall.agreed) == (4, 3, 2)
    assert (verdict.overall.agreement, verdict.overall.of_all) == (2 / 3, 2 / 4)
    assert {name: (one.rows, one.covered, one.agreed) for name, one in verdict.departments.items()} == {
        "parks": (3, 2, 1),
        "roads": (1, 1, 1),
    }
    assert verdict.disagreements == [Move("parks", "roads", 1)]


def test_what_goes_to_triage_is_counted_by_its_cause() -> None:
    found = tried(("other", "", "parks"), ("lost", "", "parks"))

    assert found.verdicts[0].triage == {"no-match": 1, "unknown-department": 1}
    assert found.verdicts[0].load == {"triage": 2}
    assert found.moves == [Move("parks", "triage", 2)]


def test_a_candidate_shows_who_would_move_where() -> None:
    cases = [("snow", "akan", "roads")] * 3 + [("snow", "east", "roads")]

    found = tried(*cases, packs=(pack(), pack(CANDIDATE)))

    assert found.moves == [Move("roads", "centre", 3)]
    assert [verdict.load for verdict in found.verdicts] == [{"roads": 4}, {"centre": 3, "roads": 1}]
    assert found.recorded == {"roads": 4}


def test_a_life_event_agrees_when_the_recorded_department_is_one_of_those_concerned() -> None:
    found = tried(("life", "", "parks"), ("life", "", "centre"))

    assert found.verdicts[0].overall.agreed == 1
    assert found.verdicts[0].load == {"roads": 2, "parks": 2}
    assert found.moves == [Move("centre", "roads + parks", 1)]


def test_a_queue_is_what_the_row_says_beside_the_department_or_the_department_itself() -> None:
    found = tried(("snow", "", "ploughs"), ("tree", "", "parks"), expected="queue")

    assert found.verdicts[0].overall.agreed == 2


@pytest.mark.parametrize(
    "procedure,closed,dated,late",
    [
        ("snow", date(2026, 4, 4), 1, {}),
        ("snow", date(2026, 4, 5), 1, {"roads": 1}),
        ("tree", date(2026, 4, 8), 1, {}),
        ("tree", date(2026, 4, 9), 1, {"parks": 1}),
        ("other", date(2026, 9, 1), 0, {}),
    ],
)
def test_a_case_that_took_longer_than_the_rules_allow_is_at_risk(
    procedure: str, closed: date, dated: int, late: dict[str, int]
) -> None:
    backtest = Backtest([pack()], "department", DAY)

    backtest.add((("procedure", procedure),), "roads", DAY, closed)

    risk = backtest.compare(str).verdicts[0].risk
    assert (risk.dated, risk.late) == (dated, late)


def test_a_deadline_that_the_calendar_cannot_count_is_left_out() -> None:
    backtest = Backtest([pack()], "department", DAY)

    backtest.add((("procedure", "tree"),), "parks", date(2019, 1, 1), date(2019, 12, 1))

    assert backtest.compare(str).verdicts[0].risk.dated == 0
    assert backtest.compare(str).verdicts[0].overall.covered == 1


CHANGING = b"code,name_ja,valid_from,valid_until\nroads,R,,\nparks,P,,2026-06-30\ncentre,C,2026-05-01,\n"
NIGHT = {
    "overlays/night/rules/snow.csv": b'F,in:procedure,out:department\nN1,"""snow""",centre\n',
    "overlays/night/procedures.csv": b"code,period_days,period_kind\nsnow,1,days\n",
}
BEFORE, BETWEEN, AFTER = date(2026, 4, 30), date(2026, 5, 1), date(2026, 7, 1)


def changing() -> RuleSet:
    """Parks end with June, the centre begins with May; a snow night has rules of its own."""
    return pack(CANDIDATE, {"organisation.csv": CHANGING, **NIGHT})


@pytest.mark.parametrize(
    "on,covered",
    [
        (None, {BEFORE: ["tree"], BETWEEN: ["tree", "akan"], AFTER: ["akan"]}),
        (AFTER, {BEFORE: ["akan"], BETWEEN: ["akan"], AFTER: ["akan"]}),
    ],
)
def test_each_case_is_decided_as_on_its_own_day_or_all_as_on_one(
    on: date | None, covered: dict[date, list[str]]
) -> None:
    for day, expected in covered.items():
        for name, facts in (("tree", {"procedure": "tree"}), ("akan", {"procedure": "snow", "district": "akan"})):
            backtest = Backtest([changing()], "department", BEFORE, on)
            backtest.add(tuple(facts.items()), "x", day, None)

            verdict = backtest.compare(str).verdicts[0]

            assert verdict.overall.covered == (name in expected), (day, name)
            assert verdict.triage == ({} if name in expected else {"unknown-department": 1})


def test_a_case_without_a_day_is_decided_as_on_the_day_of_the_trial() -> None:
    backtest = Backtest([changing()], "department", AFTER)

    backtest.add((("procedure", "tree"),), "parks", None, None)

    assert backtest.compare(str).verdicts[0].triage == {"unknown-department": 1}


def test_what_came_while_an_overlay_was_on_is_decided_by_it_and_within_its_periods() -> None:
    backtest = Backtest([changing(), pack()], "department", BETWEEN)
    snow, closed = (("procedure", "snow"), ("district", "east")), BETWEEN + timedelta(2)

    backtest.add(snow, "centre", BETWEEN, closed, ("night",))
    backtest.add(snow, "roads", BETWEEN, closed)

    found, without = backtest.compare(str).verdicts
    assert (found.overall.agreed, found.load) == (2, {"centre": 1, "roads": 1})
    assert found.risk.late == {"centre": 1}
    assert (without.overall.agreed, without.risk.late) == (1, {})


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["snow", "tree", "lost", "life", "other"]),
            st.sampled_from(["akan", "east"]),
            st.dates(date(2026, 1, 1), date(2026, 12, 1)),
            st.sampled_from([(), ("night",), ("unheard-of",)]),
        ),
        min_size=1,
    )
)
def test_a_backtest_says_what_assign_says_on_the_day_and_under_the_overlays_of_each_case(
    cases: list[tuple[str, str, date, tuple[str, ...]]],
) -> None:
    rule_set = changing()
    backtest = Backtest([rule_set], "department", DAY)

    for procedure, district, day, overlays in cases:
        backtest.add((("procedure", procedure), ("district", district)), "roads", day, day + timedelta(4), overlays)

    verdict = backtest.compare(str).verdicts[0]
    assigned = [
        assign({"procedure": procedure, "district": district}, rule_set, day, overlays)
        for procedure, district, day, overlays in cases
    ]
    decided = [[one for one in some if one.cause is None] for some in assigned]
    assert verdict.overall.covered == sum(map(bool, decided))
    assert verdict.load == Counter(
        name for some in decided for name in (dict.fromkeys(one.department for one in some) or ("triage",))
    )
    late = [some for some, (_, _, day, _) in zip(decided, cases, strict=True) if some and _all_late(some, day)]
    assert sum(verdict.risk.late.values()) == len(late)


def _all_late(assignments: list[Assignment], day: date) -> bool:
    return all(one.due_on < day + timedelta(4) for one in assignments)


@given(
    st.lists(st.sampled_from(["snow", "tree", "lost", "life", "other"]), min_size=1),
    st.sampled_from(["akan", "east"]),
    st.integers(0, 30),
)
def test_a_backtest_says_what_assign_says_and_is_late_when_assign_is(
    procedures: list[str], district: str, days: int
) -> None:
    rule_set, closed = pack(CANDIDATE), DAY + timedelta(days)
    backtest = Backtest([rule_set], "department", DAY)

    for procedure in procedures:
        backtest.add((("procedure", procedure), ("district", district)), "roads", DAY, closed)

    verdict = backtest.compare(str).verdicts[0]
    assigned = [assign({"procedure": each, "district": district}, rule_set, DAY) for each in procedures]
    decided = [[one for one in some if one.cause is None] for some in assigned]
    assert verdict.overall.covered == sum(map(bool, decided))
    assert verdict.overall.agreed == sum(any(one.department == "roads" for one in some) for some in decided)
    assert sum(verdict.risk.late.values()) == sum(
        bool(some) and all(one.due_on < closed for one in some) for some in decided
    )


def test_recorded_names_are_matched_by_the_mapping_the_outputs_codes_and_names_and_by_nothing_else() -> None:
    units = (Unit("roads", {"ja": "道路課", "en": "Roads"}), Unit("a", {"ja": "係"}), Unit("b", {"ja": "係"}))

    names = matcher({"PWDx": "roads"}, ["D1"], [Organisation(units)])

    found = {name: names.match(name) for name in ("PWDx", "D1", "ROADS", "道路課", "係", "BTDT")}
    assert {name: (match.meant, match.by) for name, match in found.items()} == {
        "PWDx": ("roads", "mapping"),
        "D1": ("D1", "output"),
        "ROADS": ("roads", "code"),
        "道路課": ("roads", "name"),
        "係": ("係", None),
        "BTDT": ("BTDT", None),
    }


def test_names_that_mean_the_same_are_one_department() -> None:
    backtest = Backtest([pack()], "department", DAY)
    for recorded in ("PWDx", "Roads"):
        backtest.add((("procedure", "snow"),), recorded, None, None)

    found = backtest.compare(lambda _: "roads")

    assert found.recorded == {"roads": 2}
    assert found.verdicts[0].overall.agreement == 1
