"""The arithmetic of the reconciliation, without servers."""

import pytest

from console.balance import Row, rows
from console.tally import Account, Key, Stage, said_again

SOURCE = "/channels/portal"


def account(**stages: list[Key]) -> Account:
    """An account in which these keys stand at these stages: `accepted_submissions=[…]`."""
    found = Account()
    for name, keys in stages.items():
        stage: Stage = name.replace("_", "-")  # pyright: ignore[reportAssignmentType]
        for key in keys:
            found.stages[stage].add(key)
    return found


def read(books: Account, topics: Account) -> Row:
    """The first line of the table."""
    return next(iter(rows(books, topics, None)))


ONE, TWO = (SOURCE, "1"), (SOURCE, "2")


@pytest.mark.parametrize(
    "books,wrong",
    [
        (account(read=[ONE, TWO], accepted_submissions=[ONE], rejected=[TWO]), None),
        (account(read=[ONE, TWO], accepted_submissions=[ONE]), "1 without an outcome, e.g. /channels/portal 2"),
        (
            account(read=[ONE, TWO], accepted_submissions=[ONE, TWO], rejected=[TWO]),
            "1 with more than one outcome, e.g. /channels/portal 2",
        ),
        (
            account(read=[ONE, TWO], accepted_submissions=[ONE], repeated=[ONE], rejected=[TWO]),
            "1 with more than one outcome, e.g. /channels/portal 1",
        ),
    ],
    ids=["each once", "one in none", "accepted and rejected", "accepted and repeated"],
)
def test_every_row_read_is_exactly_one_of_accepted_repeated_and_rejected(books: Account, wrong: str | None) -> None:
    assert read(books, account(read=[ONE, TWO])).wrong == wrong


def test_a_further_content_under_an_id_is_a_row_of_its_own_on_both_sides() -> None:
    again = said_again(SOURCE, "1", 1)
    books = account(read=[ONE, again], accepted_submissions=[ONE], rejected=[again])

    found = read(books, account(read=[ONE], rejected=[again]))

    assert (found.databases, found.topics, found.wrong, found.note) == (2, 2, None, "")


def test_what_was_refused_under_an_id_that_no_topic_holds_is_not_counted_as_published() -> None:
    again = said_again(SOURCE, "1", 1)
    books = account(read=[ONE, again], accepted_submissions=[ONE], rejected=[again])

    found = read(books, account(rejected=[again]))

    assert (found.databases, found.topics) == (2, 0)
    assert found.note == "2 of them over HTTP or a topic that is gone"
