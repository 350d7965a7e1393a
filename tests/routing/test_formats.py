"""Decision tables as CSV, and what every sheet of text cells has in common."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.routing.formats.csv_tables import read_csv, write_csv
from services.routing.formats.entries import UNHOLDABLE
from services.routing.formats.xlsx import read_xlsx, write_xlsx
from services.routing.rules.cells import ANYTHING, Cell, Equal, Range
from services.routing.rules.tables import HIT_POLICIES, DecisionTable, HitPolicy, Input, InvalidTable, Output, Rule
from services.routing.rules.values import KINDS, Kind, Value
from tests.routing.test_sfeel import VALUES, unary_tests

NAMES = st.text(st.characters(categories=("L", "N", "P", "S"), exclude_characters=":"), min_size=1, max_size=5)
RULE_NAMES = NAMES.filter(lambda name: name not in {"allowed", "default"})
NOTES = st.text(min_size=1, max_size=9).filter(lambda text: text == text.strip() and not UNHOLDABLE.search(text))


def cells(kind: Kind) -> st.SearchStrategy[Cell]:
    tests = st.lists(unary_tests(kind), min_size=1, max_size=2).map(tuple)
    return st.just(ANYTHING) | st.builds(Cell, tests, st.booleans())


def inputs(name: str) -> st.SearchStrategy[Input]:
    return st.sampled_from(KINDS).flatmap(lambda kind: st.builds(Input, st.just(name), st.just(kind), cells(kind)))


@st.composite
def outputs(draw: st.DrawFn, name: str, policy: HitPolicy) -> Output:
    kind: Kind = "number" if policy == "C+" else draw(st.sampled_from(KINDS))
    listed = st.lists(VALUES[kind], min_size=1 if policy in ("P", "O") else 0, max_size=3, unique_by=repr)
    priorities = tuple(draw(listed))
    return Output(name, kind, priorities, draw(st.none() | put(Output(name, kind, priorities))))


def put(clause: Output) -> st.SearchStrategy[Value]:
    return st.sampled_from(clause.priorities) if clause.priorities else VALUES[clause.kind or "string"]


@st.composite
def tables(draw: st.DrawFn) -> DecisionTable:
    policy: HitPolicy = draw(st.sampled_from(HIT_POLICIES))
    some_names = st.lists(NAMES, min_size=1, max_size=3, unique=True)
    found = tuple(draw(inputs(name)) for name in draw(some_names))
    most = 1 if policy in ("C+", "C<", "C>") else 3
    decided = tuple(
        draw(outputs(name, policy)) for name in draw(st.lists(NAMES, min_size=1, max_size=most, unique=True))
    )
    names = draw(st.lists(RULE_NAMES, max_size=3, unique=True))
    rules = (
        Rule(
            name,
            tuple(draw(cells(clause.kind or "string")) for clause in found),
            tuple(draw(st.none() | put(clause)) for clause in decided),
            draw(st.dictionaries(NAMES, NOTES, max_size=2)),
        )
        for name in names
    )
    return DecisionTable("a table", policy, found, decided, tuple(rules))


@given(tables())
def test_a_table_written_as_csv_reads_as_the_same_table(table: DecisionTable) -> None:
    assert read_csv(write_csv(table), file="a.csv", name="a table") == table


SHEET = '''\
P,in:procedure,in:age,in:on:date,out:department,out:days:number,note:reason
allowed,"""noise"", ""road.ice""",[0..120],,"""roads"", ""pollution""","1, 3",
default,,,,roads,3,

R1,"""noise""",>= 18,"< date(""2026-04-01"")",pollution,3,公害のため。
,,,
R2,-,,-,"""roads""",,
'''
TABLE = DecisionTable(
    "routing",
    "P",
    (
        Input("procedure", "string", Cell((Equal("noise"), Equal("road.ice")))),
        Input("age", "number", Cell((Range(0, 120, with_low=True, with_high=True),))),
        Input("on", "date"),
    ),
    (Output("department", "string", ("roads", "pollution"), "roads"), Output("days", "number", (1, 3), 3)),
    (
        Rule(
            "R1",
            (
                Cell((Equal("noise"),)),
                Cell((Range(18, None, with_low=True, with_high=False),)),
                Cell((Range(None, date(2026, 4, 1), with_low=False, with_high=False),)),
            ),
            ("pollution", 3),
            {"reason": "公害のため。"},
        ),
        Rule("R2", (ANYTHING, ANYTHING, ANYTHING), ("roads", None)),
    ),
)


def read(text: str) -> DecisionTable:
    return read_csv(text.encode(), file="routing.csv", name="routing")


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_sheet_is_read_as_the_table_that_it_shows(mark: str, end: str) -> None:
    assert read(mark + SHEET.replace("\n", end)) == TABLE


@pytest.mark.parametrize(
    "text,said",
    [
        ("", "routing.csv: expected a first line with the hit policy and the clauses, found no line"),
        ("X,in:a,out:b\n", "routing.csv, row 1, column 1: expected a hit policy (U, A, F, P, R, O, C, C+, C<, C>, C#), found 'X'"),
        (",in:a,out:b\n", "row 1, column 1: expected a hit policy"),
        ("U,a,out:b\n", "row 1, column 2 (a): expected in:NAME, out:NAME or note:NAME, found 'a'"),
        ("U,in:a,out:b,,note:c\n", "row 1, column 4: expected in:NAME, out:NAME or note:NAME, found ''"),
        ("U,in:a:numbr,out:b\n", "row 1, column 2 (in:a:numbr): expected a kind (string, number,"),
        ("U,in:,out:b\n", "row 1, column 2 (in:): expected an input's name, found nothing"),
        ("U,in:a,in:a,out:b\n", "row 1, column 3 (in:a): expected an input's name that no other has, found 'a' 2 times"),
        ("U,in:a,out:b,out: b\n", "row 1, column 3 (out:b): expected an output's name that no other has"),
        ("U,in:a,out:b,note:c,note:c\n", "row 1, column 5 (note:c): expected a note's name that no other has"),
        ("U,out:b\n", "row 1, column 1: expected an input clause, found none"),
        ("U,in:a\n", "row 1, column 1: expected an output clause, found none"),
        ("U,in:a,out:b\n\nR1,3\n", "row 3: expected 3 cells, found 2"),
        ("U,in:a,out:b\nR1,3,x,y\n", "row 2: expected 3 cells, found 4"),
        ("U,in:a,out:b\n,3,x\n", "row 2, column 1 (the rule's name): expected a rule's name, found nothing"),
        ("U,in:a,out:b\nR,3,x\nR,4,x\n", "row 3, column 1 (the rule's name): expected a rule's name that no other has, found 'R' 2 times"),
        ("U,in:a,out:b\nR,noise,x\n", "row 2, column 2 (in:a): expected -, a value"),
        ('U,in:a,out:b\nR,3,x\nS,"""3""",x\n', "row 3, column 2 (in:a): expected a number as in routing.csv, row 2, column 2 (in:a), found a string"),
        ("U,in:a:date,out:b\nR,3,x\n", "row 2, column 2 (in:a:date): expected a date, found a number (3)"),
        ("U,in:a,out:b:number\nR,3,x\n", "row 2, column 3 (out:b:number): expected -, a value"),
        ("U,in:a,out:b:number\nR,3,true\n", "row 2, column 3 (out:b:number): expected a number, found a boolean (true)"),
        ("U,in:a,out:b\nR,3,30\n", 'row 2, column 3 (out:b): expected a string, found the number 30: write "30" in quotes, or head the column out:b:number'),
        ("U,in:a,out:b:string\nR,3,true\n", "or head the column out:b:boolean"),
        ("U,in:a,out:b\nR,3,-\n", "row 2, column 3 (out:b): expected a string, found -: leave the cell empty"),
        ("P,in:a,out:b\nR,3,x\n", "row 1, column 1: expected an output whose allowed values are listed, from the most important to the least (hit policy P)"),
        ('O,in:a,out:b\nallowed,,"""x"""\nR,3,y\n', 'row 3, column 3 (out:b): expected one of the allowed outputs, found "y"'),
        ('U,in:a,out:b\nallowed,,"not(""x"")"\n', "row 2, column 3 (out:b): expected a list of values"),
        ("U,in:a,out:b:number\nallowed,,[1..5]\n", "row 2, column 3 (out:b:number): expected a list of values"),
        ("U,in:a,out:b\nallowed,3,\nallowed,4,\n", "row 3, column 1: expected the line `allowed` once, above all rules"),
        ("U,in:a,out:b\nR,3,x\ndefault,,y\n", "row 3, column 1: expected the line `default` once, above all rules"),
        ("U,in:a,out:b\ndefault,3,x\n", "row 2, column 2 (in:a): expected no input entry in the line `default`"),
        ("C+,in:a,out:b\nR,3,x\n", "row 1, column 3 (out:b): expected numbers to add (hit policy C+), found a string"),
        ("C<,in:a,out:b,out:c\nR,3,x,y\n", "row 1, column 4 (out:c): expected one output clause (hit policy C<), found 2"),
        ("U,in:a,out:b,note:c\nR,3,x,\x01\n", "row 2, column 4 (note:c): expected a note without control characters"),
        ('U,in:a,out:b\nR,3,"x\n', "routing.csv, line 2: expected CSV, found: unexpected end of data"),
    ],
)  # fmt: skip
def test_a_sheet_that_is_no_table_says_where_and_what_was_expected_and_found(text: str, said: str) -> None:
    with pytest.raises(InvalidTable) as raised:
        read(text)

    assert said in str(raised.value)
    assert str(raised.value).startswith("routing.csv")


def test_all_faults_of_a_sheet_are_told_at_once_up_to_twenty() -> None:
    with pytest.raises(InvalidTable) as raised:
        read("U,in:a,out:b\n" + "".join(f"R{number},oops,x\n" for number in range(23)))

    lines = str(raised.value).splitlines()
    assert [line.split(":")[0] for line in lines[:2]] == [
        "routing.csv, row 2, column 2 (in",
        "routing.csv, row 3, column 2 (in",
    ]
    assert lines[20:] == ["and 3 more"]


@pytest.mark.parametrize("encoding", ["cp932", "euc_jp", "utf-16"])
def test_another_encoding_than_utf8_is_refused_with_the_way_out(encoding: str) -> None:
    content = "U,in:a,out:b\nR1,3,水道整備課\n".encode(encoding)

    with pytest.raises(InvalidTable, match=r"routing\.csv, line .: expected UTF-8, found the byte 0x.*CSV UTF-8"):
        read_csv(content, file="routing.csv", name="routing")


@pytest.mark.parametrize("row,column", [('R1,"""sn\x00ow""",水道整備課', 2), ('R1,"""snow""",水道\x1b整備課', 3)])
def test_a_control_character_within_a_cell_is_refused_with_its_place(row: str, column: int) -> None:
    with pytest.raises(InvalidTable, match=rf"routing\.csv, row 2, column {column} .* without control characters"):
        read_csv(f"U,in:a,out:b\n{row}\n".encode(), file="routing.csv", name="routing")


@pytest.mark.parametrize(
    "text", ["30", "true", "null", "-", "", " a", "=1+1", '"', '@"2026-04-01"', "allowed", "こども 支援課"]
)
def test_a_string_stays_a_string_whatever_it_looks_like(text: str) -> None:
    table = DecisionTable("t", "F", (Input("a"),), (Output("b", "string"),), (Rule("R1", (ANYTHING,), (text,)),))

    assert read_csv(write_csv(table), file="t.csv", name="t") == table
    assert read_xlsx(write_xlsx([table]), file="t.xlsx") == table


def test_nothing_and_null_put_out_nothing() -> None:
    table = read("F,in:a,out:b,out:c:number\nR1,-,,null\nR2,-,null,\n")

    assert [rule.outputs for rule in table.rules] == [(None, None), (None, None)]


@pytest.mark.parametrize("policy", ["C+", "C<", "C>"])
def test_what_is_summed_or_compared_is_one_output_and_the_others_are_named_when_the_sheet_is_read(policy: str) -> None:
    sheet = f"{policy},in:a:number,out:x:number,out:y:number\n1,-,1,2\n"

    with pytest.raises(InvalidTable, match=r"t\.csv, row 1, column 4 \(out:y:number\): expected one output clause"):
        read_csv(sheet.encode(), file="t.csv", name="t")
