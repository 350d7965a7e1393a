"""What a table shows is what stands in its cells, whoever wrote them."""

import pytest

from console.terminal import table


@pytest.mark.parametrize("cell", ["\\[/x]", "[/]", "[bold]x[/bold]", "\\", "a\\[b]", "釧路\u3000花子"])
def test_a_cell_is_shown_as_it_is_and_no_markup(cell: str, capsys: pytest.CaptureFixture[str]) -> None:
    table("t", ("key",), [(cell,)])

    assert cell in capsys.readouterr().out


def test_a_terminal_obeys_no_cell(capsys: pytest.CaptureFixture[str]) -> None:
    table("t", ("key",), [("\x1b]0;x\x07\x9b31m\u202e",)])

    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & {*capsys.readouterr().out}
