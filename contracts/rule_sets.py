"""What routing says on `cases.v1` of the rules themselves: who proposed them, who approved them, since when they decide.

A rule set is immutable and named by the SHA-256 of its content; that name is the subject of its events, so they stand in
their order, and the archive keeps them beside the decisions that name the same set.
"""

from typing import Annotated, ClassVar

from pydantic import AwareDatetime, Field

from .desk import Staff
from .envelope import Event, Name

RuleSetHash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]
Note = Annotated[str, Field(min_length=1, max_length=2000)]


class RuleSetEvent(Event):
    """What every event of a rule set says."""

    rule_set: RuleSetHash
    at: AwareDatetime

    @property
    def subject(self) -> str:
        return self.rule_set


class RuleSetProposed(RuleSetEvent):
    """Somebody wants these rules: a candidate. `note` says why."""

    TYPE: ClassVar[str] = "jp.madoguchi.rule-set.proposed.v1"

    staff: Staff
    note: Note
    tables: Annotated[tuple[Name, ...], Field(min_length=1)]
    rows: Count


class RuleSetChecked(RuleSetEvent):
    """The candidate was proven against itself and its city pack; with errors it goes no further."""

    TYPE: ClassVar[str] = "jp.madoguchi.rule-set.checked.v1"

    errors: Count
    warnings: Count


class RuleSetBackTested(RuleSetEvent):
    """The candidate decided a history: how many cases it covered, agreed with, and would move elsewhere."""

    TYPE: ClassVar[str] = "jp.madoguchi.rule-set.back-tested.v1"

    staff: Staff
    history: Name
    rows: Count
    covered: Count
    agreed: Count
    moved: Count


class RuleSetApproved(RuleSetEvent):
    """A second person approved the candidate; it decides applications received from `in_force_from` on."""

    TYPE: ClassVar[str] = "jp.madoguchi.rule-set.approved.v1"

    staff: Staff
    in_force_from: AwareDatetime


class RuleSetWithdrawn(RuleSetEvent):
    """A candidate, or an approved set that was not in force yet, was taken back."""

    TYPE: ClassVar[str] = "jp.madoguchi.rule-set.withdrawn.v1"

    staff: Staff
    note: Note


class RuleSetCameIntoForce(RuleSetEvent):
    """From now on these rules decide."""

    TYPE: ClassVar[str] = "jp.madoguchi.rule-set.came-into-force.v1"

    in_force_from: AwareDatetime


class RuleSetSuperseded(RuleSetEvent):
    """Another set came into force in its place. What was received before is still decided by this one."""

    TYPE: ClassVar[str] = "jp.madoguchi.rule-set.superseded.v1"

    by: RuleSetHash
    until: AwareDatetime


AnyRuleSetEvent = (
    RuleSetProposed
    | RuleSetChecked
    | RuleSetBackTested
    | RuleSetApproved
    | RuleSetWithdrawn
    | RuleSetCameIntoForce
    | RuleSetSuperseded
)
