"""What a table shows is what stands in its cells, whoever wrote them."""

import pytest

from console import terminal


@pytest.mark.parametrize("cell", ["\\[/x]", "[/]", "[bold]x[/bold]", "\\", "a\\[b]", "釧路\u3000花子"])
def test_a_cell_is_shown_as_it_is_and_no_markup(cell: str, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.table("t", ("key",), [(cell,)])

    assert cell in capsys.readouterr().out


def test_a_terminal_obeys_no_cell(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.table("t", ("key",), [("\x1b]0;x\x07\x9b31m\u202e",)])

    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & {*capsys.readouterr().out}


def test_a_key_that_a_vendor_chose_moves_nothing_on_the_screen(capsys: pytest.CaptureFixture[str]) -> None:
    key = "\x1b]52;c;cm0gLXJmIC8=\x07\x9b2J\x1b[2Jname\nnext [bold]"

    terminal.table("Parked", ("key",), [(key,)])
    terminal.show(f"{key}: 1 handled")

    shown = capsys.readouterr().out
    assert not {"\x1b", "\x07", "\x9b"} & set(shown)
    assert "name" in shown
    assert "[bold]" in shown
