import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake import rules


def test_a_receipt_number_has_the_check_digit_of_iso_7064() -> None:
    # ISO/IEC 7064:2003, MOD 11,10: the standard's own example 0794 has check digit 5.
    assert rules.check_digit("0794") == "5"
    assert rules.receipt_number(12345) == "0000-0001-2345-" + rules.check_digit("000000012345")


@given(st.integers(0, 10**12 - 1), st.integers(0, 12), st.integers(1, 9))
def test_every_single_wrong_digit_is_found(number: int, place: int, off: int) -> None:
    digits = rules.receipt_number(number).replace("-", "")
    wrong = digits[:place] + str((int(digits[place]) + off) % 10) + digits[place + 1 :]

    assert rules.receipt_of(digits) == rules.receipt_number(number)
    assert not rules.receipt_of(wrong)


@pytest.mark.parametrize("text", ["", "１２３４", "0000-0000-0000", "0000-0000-0000-0-0", "abcd-efgh-ijkl-m", "-" * 40])
def test_what_is_no_receipt_number_is_not_taken_for_one(text: str) -> None:
    assert not rules.receipt_of(text)
