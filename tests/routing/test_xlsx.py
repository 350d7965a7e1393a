"""Decision tables as Excel workbooks."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from openpyxl import Workbook, load_workbook

from services.routing.formats.csv_tables import read_csv, write_csv
from services.routing.formats.xlsx import read_xlsx, write_xlsx
from services.routing.rules.cells import ANYTHING, Cell, Equal
from services.routing.rules.tables import DecisionTable, Input, InvalidTable, Output, Rule
from services.routing.rules.values import Months, Value, kind_of
from tests.routing.test_formats import SHEET, TABLE, tables


@given(tables())
def test_a_table_written_as_xlsx_reads_as_the_same_table_and_so_does_its_csv(table: DecisionTable) -> None:
    again = read_xlsx(write_xlsx([table]), file="a.xlsx")

    assert again == table
    assert read_csv(write_csv(again), file="a.csv", name="a table") == table


def workbook(*lines: list[Any], edit: Callable[[Any], object] = bool) -> bytes:
    """A workbook whose first sheet is `routing`, as a person makes it."""
    book = Workbook()
    sheet: Any = book.active
    sheet.title = "routing"
    for line in lines:
        sheet.append(line)
    edit(sheet)
    content = BytesIO()
    book.save(content)
    return content.getvalue()


HEADER = ["F", "in:a", "out:b:number"]


@pytest.mark.parametrize(
    "value,number_format,tested",
    [
        (3, "General", 3),
        (1.5, "General", 1.5),
        (True, "General", True),
        (date(2026, 4, 1), "yyyy-mm-dd", date(2026, 4, 1)),
        (datetime(2026, 4, 1), 'yyyy"年"m"月"d"日"', date(2026, 4, 1)),  # noqa: DTZ001  Excel knows no zone
        (datetime(2026, 4, 1), "yyyy-mm-dd hh:mm", datetime(2026, 4, 1)),  # noqa: DTZ001
        (datetime(2026, 4, 1, 9, 30), "yyyy-mm-dd hh:mm", datetime(2026, 4, 1, 9, 30)),  # noqa: DTZ001
        (time(17, 15), "hh:mm", time(17, 15)),
        (timedelta(hours=36), "[h]:mm", timedelta(hours=36)),
        (' "a" ', "@", "a"),
        ("3", "@", 3),
        ('duration("P1Y")', "@", Months(12)),
    ],
)
def test_an_excel_cell_means_its_own_value(value: object, number_format: str, tested: Value) -> None:
    def dress(sheet: Any) -> None:
        sheet["B2"].number_format = number_format

    table = read_xlsx(workbook(HEADER, ["R1", value, 3], edit=dress), file="routing.xlsx")

    assert table.rules[0].cells == (Cell((Equal(tested),)),)


def test_a_fault_in_a_workbook_names_sheet_row_column_and_cell() -> None:
    content = workbook(HEADER, [], [], [], ["R1", 3, "soon"])

    with pytest.raises(InvalidTable) as raised:
        read_xlsx(content, file="routing.xlsx")

    place = "routing.xlsx, sheet routing, row 5, column 3, cell C5 (out:b:number): expected -, a value"
    assert str(raised.value).startswith(place)


@pytest.mark.parametrize("value,found", [("=1+2", "a formula (=1+2)"), ("#REF!", "an error (#REF!)")])
def test_what_only_excel_could_make_a_value_of_is_refused(value: str, found: str) -> None:
    with pytest.raises(InvalidTable) as raised:
        read_xlsx(workbook(HEADER, ["R1", value, 3]), file="routing.xlsx")

    assert (
        str(raised.value) == f"routing.xlsx, sheet routing, row 2, column 2, cell B2: expected a value, found {found}"
    )


def test_merged_cells_are_refused_for_all_but_one_would_read_as_anything() -> None:
    def merge(sheet: Any) -> None:
        sheet.merge_cells("B2:B3")

    with pytest.raises(InvalidTable, match=r"routing\.xlsx, sheet routing, cells B2:B3: expected no merged cells"):
        read_xlsx(workbook(HEADER, ["R1", 3, 3], ["R2", None, 4], edit=merge), file="routing.xlsx")


def test_a_sheet_is_taken_by_its_name_and_must_be_named_when_there_are_two() -> None:
    other = DecisionTable("other", TABLE.policy, TABLE.inputs, TABLE.outputs, ())
    content = write_xlsx([TABLE, other])

    assert read_xlsx(content, file="a.xlsx", sheet="routing") == TABLE
    assert read_xlsx(content, file="a.xlsx", sheet="other") == other
    for sheet, found in ((None, "no name"), ("third", "third")):
        with pytest.raises(InvalidTable, match=f"expected one of the sheets routing, other, found {found}"):
            read_xlsx(content, file="a.xlsx", sheet=sheet)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no", SHEET.encode()])
def test_what_is_no_workbook_says_so(content: bytes) -> None:
    with pytest.raises(InvalidTable, match=r"a\.xlsx: expected an Excel workbook"):
        read_xlsx(content, file="a.xlsx")


def test_a_written_sheet_has_a_bold_header_that_stands_and_excels_own_values() -> None:
    rule = Rule("R1", (Cell((Equal(date(2026, 4, 1)),)),), (3, "=1+1"), {"reason": "=2+2"})
    clauses = (Input("on", "date"),), (Output("days", "number"), Output("text", "string"))
    sheet: Any = load_workbook(BytesIO(write_xlsx([DecisionTable("deadlines", "F", *clauses, (rule,))]))).active

    assert (sheet.title, sheet.freeze_panes, sheet["A1"].font.bold) == ("deadlines", "B2", True)
    assert [(cell.value, cell.data_type) for cell in sheet[2]] == [
        ("R1", "s"),
        (datetime(2026, 4, 1), "d"),  # noqa: DTZ001
        (3, "n"),
        ('"=1+1"', "s"),
        ("=2+2", "s"),
    ]


@pytest.mark.parametrize("value", [date(1900, 2, 28), 10**15, 0.1 + 0.2])
def test_a_value_that_excel_counts_or_rounds_otherwise_is_written_as_text(value: Value) -> None:
    table = DecisionTable(
        "t", "F", (Input("a", kind_of(value)),), (Output("b"),), (Rule("R1", (Cell((Equal(value),)),), (None,)),)
    )
    sheet: Any = load_workbook(BytesIO(write_xlsx([table]))).active

    assert sheet["B2"].data_type == "s"


@pytest.mark.parametrize(
    "table,said",
    [
        (DecisionTable("a/b", "F", TABLE.inputs, TABLE.outputs, ()), "a/b: expected a name of at most 31 characters"),
        (DecisionTable("long", "F", (Input("a", "string", Cell((Equal("x" * 32_768),))),), (Output("b"),), ()), "long, cell B2: expected at most 32767 characters"),
        (DecisionTable("t", "F", (Input("a:b"),), (Output("c"),), ()), "t: expected a clause without a colon in its name, found 'a:b'"),
        (DecisionTable("t", "F", (Input("a"),), (Output("c"),), (Rule("default", (ANYTHING,), ("x",)),)), "expected a rule not named allowed or default"),
        (DecisionTable("t", "F", (), (Output("c"),), ()), "expected an input clause, found none"),
    ],
)  # fmt: skip
def test_what_no_sheet_can_hold_is_not_written(table: DecisionTable, said: str) -> None:
    with pytest.raises(InvalidTable) as raised:
        write_xlsx([table])

    assert said in str(raised.value)


def test_two_sheets_of_one_name_are_not_written() -> None:
    twin = DecisionTable("Routing", TABLE.policy, TABLE.inputs, TABLE.outputs, ())

    with pytest.raises(InvalidTable, match="Routing: expected a sheet's name that no other has"):
        write_xlsx([TABLE, twin])


def test_of_several_sheets_the_one_called_as_the_file_holds_the_table_and_a_memo_may_stand_beside_it() -> None:
    book = load_workbook(BytesIO(write_xlsx([TABLE])))
    book.create_sheet("memo")["A1"] = "課内の覚え書き"
    content = BytesIO()
    book.save(content)

    assert read_xlsx(content.getvalue(), file=f"rules/{TABLE.name}.xlsx") == TABLE
    with pytest.raises(InvalidTable, match="call the one with the table other"):
        read_xlsx(content.getvalue(), file="rules/other.xlsx")
