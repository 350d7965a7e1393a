"""Rows suggested from past re-routes, and departments suggested from past cases."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations, product
from math import prod
from random import Random
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.routing.rules.assigning import TRIAGE, Fact
from services.routing.rules.interpreting import hits
from services.routing.rules.mining import Suggestion, mine
from services.routing.rules.patterns import index_cases, possible_patterns
from services.routing.rules.phrasing import Labels, Language, Speech
from services.routing.rules.reroutes import Kept, Reroute, ended_at, join_moves
from services.routing.rules.resemblance import Past, put_in_words
from services.routing.rules.sfeel import parse_cell, write_cell
from services.routing.rules.suggested_rows import Move, Trial, fresh_name, try_out, with_row
from services.routing.rules.tables import DecisionTable, Input, InvalidTable, Output, Rule

Case = Reroute | Kept
START = datetime(2026, 1, 5, 9, tzinfo=UTC)
OFFICE = "akan-shimin"
REASON = "阿寒の道道は行政センターが道と調整しています"


def rule(name: str, asked: Sequence[str], department: str, days: int | None = None) -> Rule:
    return Rule(name, tuple(map(parse_cell, asked)), (department, days), {"reason": "…"})


SNOW = '"road.snow", "road.ice"'
TABLE = DecisionTable(
    "responsibility",
    "F",
    (Input("procedure", "string"), Input("district", "string"), Input("circumstance", "string")),
    (Output("department", "string"), Output("days", "number")),
    (
        rule("S01", (SNOW, "-", '"national"'), "doro-iji", 3),
        rule("S02", (SNOW, "-", '"prefectural"'), "doro-iji", 3),
        rule("S03", (SNOW, '"akan"', "-"), OFFICE, 3),
        rule("S08", (SNOW, "-", "-"), "doro-iji", 3),
        rule("W03", ('"waste.collection"', "-", "-"), "kankyo-jigyo", 7),
        rule("E01", ('"noise"', "-", "-"), "kankyo-hozen", 14),
    ),
)
DISTRICTS = ("kushiro", "east", "west", "akan", "onbetsu")
FACTS: dict[str, tuple[Fact, ...]] = {
    "procedure": ("road.snow", "road.ice", "waste.collection", "noise"),
    "district": DISTRICTS,
    "circumstance": ("national", "prefectural", "municipal"),
    "channel": ("web", "phone", "window"),
    "over65": (True, False),
}
DEPARTMENTS = ("doro-iji", OFFICE, "kankyo-jigyo", "kankyo-hozen", "koen")


def decide(facts: dict[str, Fact]) -> tuple[str | None, str]:
    """The row and the department that the table says, by the plain interpreter."""
    found = hits(TABLE, facts)
    return (TABLE.rules[found[0]].name, str(TABLE.rules[found[0]].outputs[0])) if found else (None, TRIAGE)


def draw_facts(chance: Random) -> dict[str, Fact]:
    return {name: chance.choice(values) for name, values in FACTS.items()}


def moved(facts: dict[str, Fact], to: str, reason: str, hours: int = 0) -> Reroute:
    row, department = decide(facts)
    return Reroute(facts, department, to, reason, row, START + timedelta(hours=hours))


def is_planted(facts: dict[str, Fact]) -> bool:
    return decide(facts)[0] == "S02" and facts["district"] == "akan"


def history(cases: int, *, noise: float, seed: int, planted: bool = True) -> list[Case]:
    """Snow on prefectural roads in Akan always goes to Akan's office; of all others `noise` are moved anywhere, as people err."""
    chance = Random(seed)
    past: list[Case] = []
    for number in range(cases):
        facts = draw_facts(chance)
        if planted and is_planted(facts):
            past.append(moved(facts, OFFICE, REASON if number % 5 else "行政センター対応", number))
        elif chance.random() < noise:
            past.append(moved(facts, chance.choice(DEPARTMENTS), f"理由 {number}", number))
        else:
            past.append(Kept(facts, decide(facts)[1]))
    return past


def texts(suggestion: Suggestion) -> dict[str, str]:
    return {name: write_cell(cell) for name, cell in suggestion.cells}


class TestAPlantedBias:
    @pytest.mark.parametrize("seed", range(5))
    @pytest.mark.parametrize("noise", [0.0, 0.05])
    def test_is_found_exactly_and_nothing_else_is(self, noise: float, seed: int) -> None:
        past = history(2_000, noise=noise, seed=seed)

        (found,) = mine(TABLE, past)

        assert texts(found) == {"procedure": SNOW, "district": '"akan"', "circumstance": '"prefectural"'}
        assert (found.department, found.before, found.table) == (OFFICE, "S02", "responsibility")

    def test_comes_with_the_counts_for_and_against_it_and_the_reasons_word_for_word(self) -> None:
        past = history(2_000, noise=0.0, seed=1)
        theirs = [case for case in past if isinstance(case, Reroute)]
        against: list[Case] = [Kept(theirs[0].facts, "doro-iji"), Kept(theirs[1].facts, "doro-iji")]
        elsewhere = replace(theirs[2], to_department="koen", reason="公園の中")

        (found,) = mine(TABLE, [*past, *against, elsewhere])

        evidence = found.evidence
        assert (evidence.support, evidence.counter_examples, evidence.elsewhere) == (len(theirs), 2, 1)
        assert evidence.confidence == len(theirs) / (len(theirs) + 3)
        assert [reason for reason, _ in evidence.reasons] == [REASON, "行政センター対応"]
        assert sum(count for _, count in evidence.reasons) == len(theirs)
        assert (evidence.first, evidence.last) == (theirs[0].at, theirs[-1].at)
        assert evidence.changed == 0

    def test_says_when_another_row_had_decided_at_the_time(self) -> None:
        past = [
            replace(case, decided_by_row="old") if isinstance(case, Reroute) else case
            for case in history(1_000, noise=0.0, seed=1)
        ]

        (found,) = mine(TABLE, past)

        assert found.evidence.changed == found.evidence.support

    @pytest.mark.parametrize("noise", [0.0, 0.05])
    def test_vanishes_in_the_back_test_once_the_row_is_accepted(self, noise: float) -> None:
        past = history(2_000, noise=noise, seed=3)
        (found,) = mine(TABLE, past)
        planted = found.evidence.support

        trial = try_out(TABLE, found, past)
        accepted = with_row(TABLE, found)

        agreed = sum(decide(dict(case.facts))[1] == ended_at(case) for case in past)
        assert trial == Trial(len(past), agreed, agreed + planted, (Move("doro-iji", OFFICE, planted, planted),))
        assert mine(accepted, past) == ()
        assert noise or trial.after == trial.cases

    def test_is_put_before_the_row_it_corrects_with_that_rows_days_and_room_for_a_reason(self) -> None:
        (found,) = mine(TABLE, history(2_000, noise=0.0, seed=3))

        candidate = with_row(TABLE, found)

        assert [row.name for row in candidate.rules] == ["S01", f"提案-{found.id}", "S02", "S03", "S08", "W03", "E01"]
        assert candidate.rules[1].outputs == (OFFICE, 3)
        assert candidate.rules[1].notes["reason"] == ""
        with pytest.raises(InvalidTable, match="expected the rule S02"):
            with_row(replace(TABLE, rules=TABLE.rules[2:]), found)

    def test_is_told_by_what_the_table_asks_for_already_where_another_fact_tells_it_as_well(self) -> None:
        """The journal has every fact of an application: also what it was called, beside its code."""
        past: list[Case] = [
            moved(facts, "koen", "公園の音") if district == "east" else Kept(facts, "kankyo-hozen")
            for district in DISTRICTS * 20
            for facts in [dict[str, Fact](procedure="noise", area=f"{district} area", district=district)]
        ]

        (found,) = mine(TABLE, past)

        assert texts(found) == {"procedure": '"noise"', "district": '"east"'}

    def test_gets_a_name_that_no_other_row_has(self) -> None:
        (found,) = mine(TABLE, history(2_000, noise=0.0, seed=3))
        taken = [
            replace(TABLE.rules[0], name=name) for name in (f"S02{letter}" for letter in "abcdefghijklmnopqrstuvwxyz")
        ]

        assert fresh_name(TABLE, found) == "S02a"
        assert fresh_name(replace(TABLE, rules=(*TABLE.rules, *taken[:2])), found) == "S02c"
        assert fresh_name(replace(TABLE, rules=(*TABLE.rules, *taken)), found) == "S02-2"
        assert fresh_name(TABLE, replace(found, before=None)) == "E01a"

    def test_stays_declined_whatever_else_comes_in(self) -> None:
        past = history(2_000, noise=0.05, seed=3)
        (found,) = mine(TABLE, past)
        later = [*past, *history(3_000, noise=0.05, seed=4)]

        assert mine(TABLE, past, declined=[found.id]) == ()
        assert mine(TABLE, later, declined=[found.id]) == ()
        assert [one.id for one in mine(TABLE, later)] == [found.id]

    def test_is_not_narrowed_for_the_sake_of_a_stray_exception_or_two(self) -> None:
        past = [replace(case, facts={**case.facts, "weather": "snow"}) for case in history(2_000, noise=0.0, seed=1)]
        theirs = next(case for case in past if isinstance(case, Reroute))
        stray = Kept({**theirs.facts, "weather": "sleet"}, "doro-iji")

        (found,) = mine(TABLE, [*past, stray, stray])
        (narrowed,) = mine(TABLE, [*past, *[stray] * 10])

        assert found.evidence.counter_examples == 2
        assert texts(narrowed) == {**texts(found), "weather": '"snow"'}

    def test_may_be_of_a_fact_that_the_table_does_not_ask_for_yet(self) -> None:
        chance = Random(8)
        cases = [draw_facts(chance) for _ in range(1_000)]
        past: list[Case] = [
            moved(facts, "koen", "65歳以上の方")
            if facts["over65"] and facts["procedure"] == "noise"
            else Kept(facts, decide(facts)[1])
            for facts in cases
        ]

        (found,) = mine(TABLE, past)

        assert texts(found) == {"procedure": '"noise"', "over65": "true"}
        assert [clause.name for clause in with_row(TABLE, found).inputs][-1] == "over65"
        assert try_out(TABLE, found, past).after == len(past)


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 4)))
def test_the_patterns_that_there_could_be_are_counted(values: dict[str, int]) -> None:
    cases = [{name: value} for name, count in values.items() for value in range(count)]
    every = [combination(values.values(), length) for length in (1, 2, 3)]

    assert possible_patterns(index_cases(cases, {}), 1) == sum(map(sum, every))


def combination(counts: Iterable[int], length: int) -> Iterator[int]:
    return (prod(chosen) for chosen in combinations(list(counts), length))


class TestNothingIsSuggested:
    @pytest.mark.parametrize("seed", range(20))
    @pytest.mark.parametrize("noise", [0.05, 0.2])
    def test_from_noise(self, noise: float, seed: int) -> None:
        assert mine(TABLE, history(1_500, noise=noise, seed=seed, planted=False)) == ()

    @pytest.mark.parametrize("seed", range(20))
    def test_from_what_few_of_very_many_patterns_show_by_accident(self, seed: int) -> None:
        chance = Random(seed)
        past: list[Case] = []
        for number in range(400):
            facts: dict[str, Fact] = {"procedure": "noise", **{f"fact{at}": chance.randrange(6) for at in range(8)}}
            moves = chance.random() < 0.25
            past.append(moved(facts, "koen", "…", number) if moves else Kept(facts, "kankyo-hozen"))

        assert mine(TABLE, past, support=4) == ()

    def test_that_the_rules_do_already(self) -> None:
        facts: dict[str, Fact] = {"procedure": "road.snow", "district": "akan", "circumstance": "municipal"}
        old = Reroute(facts, "doro-iji", OFFICE, REASON, "S08", START)

        assert mine(TABLE, [old] * 50) == ()

    def test_below_the_support_or_the_confidence_asked_for(self) -> None:
        past = history(2_000, noise=0.0, seed=1)
        planted = sum(isinstance(case, Reroute) for case in past)
        against: list[Case] = [Kept(case.facts, "doro-iji") for case in past if isinstance(case, Reroute)]

        assert mine(TABLE, past, support=planted)
        assert mine(TABLE, past, support=planted + 1) == ()
        assert mine(TABLE, [*past, *against], confidence=0.51) == ()
        assert len(mine(TABLE, [*past, *against], confidence=0.5)) == 1

    @pytest.mark.parametrize("policy", ["U", "C"])
    def test_for_a_table_where_no_row_comes_first(self, policy: str) -> None:
        table = replace(TABLE, policy=policy)

        with pytest.raises(InvalidTable, match="expected hit policy F"):
            mine(table, [])


class TestCasesThatNoRowDecided:
    def test_become_a_last_row_of_all_that_they_have_in_common(self) -> None:
        facts: dict[str, Fact] = {"procedure": "graffiti", "district": "east", "circumstance": "municipal"}
        past: list[Case] = [
            *(moved(facts | {"district": district}, "koen", "落書きは公園課") for district in DISTRICTS * 3),
            *(moved(facts | {"procedure": "other"}, who, "…") for who in DEPARTMENTS),
        ]

        (found,) = mine(TABLE, past)

        assert texts(found) == {"procedure": '"graffiti"', "circumstance": '"municipal"'}
        assert found.before is None
        assert with_row(TABLE, found).rules[-1].outputs == ("koen", None)
        assert try_out(TABLE, found, past).moves == (Move(TRIAGE, "koen", 15, 15),)


FACT_SETS = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in FACTS.items()})


@st.composite
def pasts(draw: st.DrawFn) -> list[Case]:
    cases: list[Case] = []
    for facts in draw(st.lists(FACT_SETS, max_size=25)):
        to = draw(st.sampled_from(DEPARTMENTS[:3]))
        cases.append(moved(facts, to, "…") if to != decide(facts)[1] else Kept(facts, to))
    return cases * draw(st.integers(1, 4))


class TestWhateverThePast:
    @settings(max_examples=200, deadline=None)
    @given(pasts(), st.randoms(use_true_random=False))
    def test_the_evidence_is_what_the_row_does_in_the_table(self, past: list[Case], chance: Random) -> None:
        found = mine(TABLE, past, support=2, confidence=0.6)

        for suggestion in found:
            trial, evidence = try_out(TABLE, suggestion, past), suggestion.evidence
            assert evidence.support >= 2
            assert evidence.confidence >= 0.6
            assert (
                sum(move.cases for move in trial.moves)
                == evidence.support + evidence.counter_examples + evidence.elsewhere
            )
            assert sum(move.right for move in trial.moves) == evidence.support
            assert {move.to_department for move in trial.moves} == {suggestion.department}
        shuffled = chance.sample(past, len(past))
        assert [one.id for one in mine(TABLE, shuffled, support=2, confidence=0.6)] == [one.id for one in found]


class TestACaseThatMovedSeveralTimes:
    def test_goes_from_where_the_rules_sent_it_to_where_it_stayed_for_the_last_reason(self) -> None:
        first = Reroute({}, "a", "b", "うちではない", "R1", START)
        second = Reroute({}, "b", "c", "cの担当", None, START + timedelta(hours=1))

        assert join_moves([second, first]) == replace(second, from_department="a", decided_by_row="R1")

    def test_was_kept_when_it_came_back(self) -> None:
        there = Reroute({}, "a", "b", "…", "R1", START)
        back = Reroute({}, "b", "a", "…", None, START + timedelta(hours=1))

        assert join_moves([there, back]) == Kept({}, "a")


class TestSuggestionsForTriage:
    PAST: Sequence[Case] = (
        *(Kept({"procedure": "noise", "district": "akan", "channel": channel}, "akan-shimin") for channel in ("web",) * 8 + ("phone",) * 4),
        *(Kept({"procedure": "noise", "district": "akan", "channel": "web"}, "kankyo-hozen") for _ in range(2)),
        *(Kept({"procedure": "noise", "district": "east", "channel": channel}, "kankyo-hozen") for channel in ("web", "phone") * 10),
        *(Kept({"procedure": "road.snow", "district": "akan", "channel": channel}, "doro-iji") for channel in ("web", "phone") * 10),
    )  # fmt: skip

    def test_name_the_facts_shared_with_past_cases_and_count_them(self) -> None:
        first, *_ = Past(self.PAST).suggest({"procedure": "noise", "district": "akan"})

        assert first.department == "akan-shimin"
        assert (first.because.went, first.because.cases) == (12, 14)
        assert first.score == pytest.approx(12 / 14)
        labels: Labels = {"akan-shimin": {"ja": "市民課"}, "district": {"ja": "地区"}, "akan": {"ja": "阿寒"}}
        assert [put_in_words(first, Speech(language, labels)) for language in get_args(Language)] == [
            "procedureが「noise」、地区が「阿寒」の過去の14件のうち12件は、市民課が担当しました。",
            "procedureが「noise」、地区が「阿寒」の 前(まえ)の 14件(けん)の うち 12件(けん)は、市民課が しました。",
            "市民課 had 12 of 14 past cases with procedure “noise”, 地区 “阿寒”.",
        ]

    def test_weigh_a_fact_by_what_it_tells(self) -> None:
        wanted: dict[str, Fact] = {"procedure": "noise", "channel": "web", "over65": True, "district": "akan"}
        every = [dict(zip(wanted, found, strict=True)) for found in product(*(FACTS[name] for name in wanted))]
        past = [
            Kept(facts, decide(facts | {"district": "east"})[1])
            for facts in every
            if facts["procedure"] != "noise" or not facts.items() & wanted.items() - {("procedure", "noise")}
        ]

        first, *_ = Past(past).suggest(wanted)

        assert (first.department, first.because.shared) == ("kankyo-hozen", (("procedure", "noise"),))

    @given(FACT_SETS, pasts())
    def test_their_counts_are_true_and_their_shares_no_more_than_all(
        self, facts: dict[str, Fact], past: list[Case]
    ) -> None:
        found = Past(past).suggest(facts)

        assert len(found) <= 3
        assert sum(one.score for one in found) <= 1 + 1e-9
        assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
        for one in found:
            shared = dict(one.because.shared)
            like = [case for case in past if shared.items() <= case.facts.items()]
            assert shared
            assert (one.because.cases, one.because.went) == (
                len(like),
                sum(ended_at(case) == one.department for case in like),
            )

    @pytest.mark.parametrize("past", [[], [Kept({"procedure": "noise"}, "kankyo-hozen")]])
    def test_are_none_where_nothing_is_shared(self, past: list[Case]) -> None:
        assert Past(past).suggest({"procedure": "road.snow"}) == ()
