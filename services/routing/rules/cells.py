"""Unary tests as data: what a cell asks of one value (DMN 1.3, table 31)."""

from dataclasses import dataclass

from services.routing.rules.values import Kind, Value, is_less, is_same, kind_of


@dataclass(frozen=True, slots=True)
class Equal:
    """The value itself."""

    value: Value

    def holds(self, value: Value) -> bool:
        """Whether `value` is this one."""
        return is_same(value, self.value)


@dataclass(frozen=True, slots=True)
class Range:
    """All between two bounds; None is no bound. `> 10` is (10, None, …)."""

    low: Value | None
    high: Value | None
    with_low: bool
    with_high: bool

    def holds(self, value: Value) -> bool:
        """Whether `value` lies within. What cannot be compared with a bound does not."""
        return self._is_above(value) and self._is_below(value)

    def _is_above(self, value: Value) -> bool:
        low = self.low
        return low is None or is_less(low, value) or (self.with_low and is_same(low, value))

    def _is_below(self, value: Value) -> bool:
        high = self.high
        return high is None or is_less(value, high) or (self.with_high and is_same(high, value))


Test = Equal | Range


@dataclass(frozen=True, slots=True)
class Cell:
    """An input entry: any of its tests, or with `negated` none of them. No tests at all is `-`: everything."""

    tests: tuple[Test, ...] = ()
    negated: bool = False

    def holds(self, value: Value | None) -> bool:
        """Whether a value satisfies the cell. A missing value, and one of another kind, satisfies only `-`."""
        if not self.tests:
            return True
        if value is None or kind_of(value) != self.kind:
            return False
        return any(test.holds(value) for test in self.tests) != self.negated

    @property
    def kind(self) -> Kind | None:
        """The kind of values it tests; None for `-`."""
        return next((kind_of(value) for test in self.tests for value in values_of(test)), None)


ANYTHING = Cell()


def values_of(test: Test) -> tuple[Value, ...]:
    """The values a test names."""
    if isinstance(test, Equal):
        return (test.value,)
    return tuple(bound for bound in (test.low, test.high) if bound is not None)
