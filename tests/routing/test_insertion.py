"""A row put into a table's file: it decides, and everything else stands there as it did."""

from dataclasses import replace
from io import BytesIO

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openpyxl import load_workbook

from services.routing.formats.csv_tables import insert_csv_row, read_csv, write_csv
from services.routing.formats.insertion import as_new_row
from services.routing.formats.xlsx import insert_xlsx_row, read_xlsx, write_xlsx
from services.routing.rules.cells import ANYTHING, Cell
from services.routing.rules.sfeel import parse_cell
from services.routing.rules.tables import DecisionTable, Input, InvalidTable, Rule

SHEET = (
    "\ufeffF,note:reason,in:procedure:string,in:age:number,out:department,out:days:number\r\n"
    'allowed,,"""snow"", ""tree""",[0..120],,\r\n'
    ",,,,,\r\n"
    ' S 1 ,"除雪, ""雪""のため。\n二行目","""snow""",-,  roads ,3\r\n'
    "S2,,-,>= 65,parks,\r\n"
)
ROW = Rule("S2a", (parse_cell('"tree"'), parse_cell("< 18")), ("parks", 5), {"reason": "公園, 管理のため。"})


def table(sheet: str = SHEET) -> DecisionTable:
    return read_csv(sheet.encode(), file="t.csv", name="t")


def with_rule(known: DecisionTable, at: int, rule: Rule = ROW) -> DecisionTable:
    return replace(known, rules=(*known.rules[:at], rule, *known.rules[at:]))


def with_input(known: DecisionTable, clause: Input, cell: Cell) -> DecisionTable:
    rules = (replace(one, cells=(*one.cells, cell if one.name == ROW.name else ANYTHING)) for one in known.rules)
    return replace(known, inputs=(*known.inputs, clause), rules=tuple(rules))


def put(sheet: str, wanted: DecisionTable) -> str:
    return insert_csv_row(sheet.encode(), as_new_row(wanted, ROW.name), file="t.csv").decode()


@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_row_of_a_sheet_is_added_in_its_place_and_no_other_byte_changes(at: int) -> None:
    wanted = with_rule(table(), at)

    changed = put(SHEET, wanted)

    assert table(changed) == wanted
    new = 'S2a,"公園, 管理のため。","""tree""",< 18,parks,5\r\n'
    assert changed.count(new) == 1
    assert changed.replace(new, "") == SHEET


def test_a_sheet_that_ends_without_a_line_feed_still_does() -> None:
    sheet = SHEET.removesuffix("\r\n")

    changed = put(sheet, with_rule(table(), 2))

    assert changed.startswith(sheet)
    assert changed[len(sheet) :] == '\r\nS2a,"公園, 管理のため。","""tree""",< 18,parks,5'


def test_what_the_sheet_has_no_column_for_gets_one_after_all_others() -> None:
    noted = replace(ROW, notes={**ROW.notes, "owner": "koen"})
    wanted = with_input(with_rule(table(), 1, noted), Input("channel", "string"), parse_cell('"web"'))

    changed = put(SHEET, wanted)

    assert table(changed) == wanted
    header, allowed, empty, *rest = changed.split("\r\n")
    assert header == SHEET.partition("\r\n")[0] + ",in:channel,note:owner"
    assert (allowed[-4:], empty) == (",,,,", ",,,,,")
    assert rest[0].endswith(",  roads ,3,-,")


def test_the_row_before_which_it_comes_must_be_there() -> None:
    row = as_new_row(with_rule(table(), 1), ROW.name)

    with pytest.raises(InvalidTable, match=r"t\.csv: expected the rule S2, before which"):
        insert_csv_row(SHEET[: SHEET.index("S2,")].encode(), row, file="t.csv")


@given(
    st.integers(0, 2),
    st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.just("\n"), max_size=20),
    st.booleans(),
)
@example(at=1, words="一行目\n二行目", more=False)
def test_whatever_a_note_says_the_file_holds_the_table_that_was_meant(at: int, words: str, more: bool) -> None:  # noqa: FBT001
    notes = {"reason": words.strip()} | ({"owner": "x"} if more else {})
    wanted = with_rule(table(), at, replace(ROW, notes={name: text for name, text in notes.items() if text}))

    assert table(put(SHEET, wanted)) == wanted
    workbook = insert_xlsx_row(write_xlsx([table()]), as_new_row(wanted, ROW.name), file="t.xlsx")
    assert read_xlsx(workbook, file="t.xlsx") == wanted


def test_a_row_of_a_workbook_is_added_in_its_place_with_the_columns_it_needs() -> None:
    wanted = with_input(with_rule(table(), 1), Input("channel", "string"), parse_cell('"web"'))
    before = write_xlsx([table()])

    after = insert_xlsx_row(before, as_new_row(wanted, ROW.name), file="t.xlsx")

    assert read_xlsx(after, file="t.xlsx") == wanted
    old, new = (load_workbook(BytesIO(content)).worksheets[0] for content in (before, after))
    lines = [[cell.value for cell in row][: old.max_column] for row in new.iter_rows()]
    assert [line for line in lines if line[0] != ROW.name] == [[cell.value for cell in row] for row in old.iter_rows()]
    assert new.column_dimensions["A"].width == old.column_dimensions["A"].width


def test_a_sheet_of_one_row_and_one_note_gets_a_column_without_quotes() -> None:
    sheet = "F,in:procedure,out:department\nR1,-,roads\n"
    rule = Rule("S2a", (parse_cell('"snow"'),), ("parks",), {"owner": "parks"})

    changed = put(sheet, with_rule(table(sheet), 0, rule))

    assert changed == 'F,in:procedure,out:department,note:owner\nS2a,"""snow""",parks,parks\nR1,-,roads,\n'


def test_what_is_written_is_a_table_like_any_other() -> None:
    wanted = with_rule(table(), 0)

    assert table(write_csv(wanted).decode()) == wanted
