"""What is shown of what others have written: a terminal obeys none of it."""

import pytest

from console import terminal


def test_a_key_that_a_vendor_chose_moves_nothing_on_the_screen(capsys: pytest.CaptureFixture[str]) -> None:
    key = "\x1b]52;c;cm0gLXJmIC8=\x07\x9b2J\x1b[2Jname\nnext [bold]"

    terminal.table("Parked", ("key",), [(key,)])
    terminal.show(f"{key}: 1 handled")

    shown = capsys.readouterr().out
    assert not {"\x1b", "\x07", "\x9b"} & set(shown)
    assert "name" in shown
    assert "[bold]" in shown
