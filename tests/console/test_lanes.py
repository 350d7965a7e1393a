from console.lanes import Lag, lags_of


def test_a_reader_that_was_never_given_a_lane_lags_by_all_that_stands_on_it() -> None:
    """It has no watermark there: whoever looked at watermarks alone saw nothing amiss."""
    assert list(lags_of("desk", [("intake.v1", 0, 5)], {("intake.v1", 0): 5, ("intake.v1", 1): 7})) == [
        Lag("desk", "intake.v1/0", 5, 5),
        Lag("desk", "intake.v1/1", 0, 7),
    ]


def test_a_lane_on_which_nothing_was_ever_said_is_missed_by_nobody() -> None:
    assert list(lags_of("desk", [], {("intake.v1", 0): 0})) == []


def test_a_reader_that_is_ahead_of_its_producer_says_that_numbers_are_given_twice() -> None:
    """A base back-up of yesterday: what is said from then on has numbers that readers have seen, and is dropped by them."""
    (ahead,) = lags_of("desk", [("intake.v1", 0, 9)], {("intake.v1", 0): 7})

    assert "older than what it has published" in ahead.advice()
    assert Lag("desk", "intake.v1/0", 7, 9).advice().startswith("lane resend --topic intake.v1 --partition 0 --first 8")
    assert not Lag("desk", "intake.v1/0", 9, 9).advice()
