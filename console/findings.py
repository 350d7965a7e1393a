"""What somebody has looked at, line by line, with what to do where it is not well."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, and what to do about it; nothing when it is well."""

    what: str
    advice: str = ""

    @property
    def line(self) -> str:
        """For a person."""
        return f"✗ {self.what} — {self.advice}" if self.advice else f"✓ {self.what}"


def code_of(findings: Iterable[Finding]) -> int:
    """The exit code of a command: 1 if anything is ill."""
    return int(any(finding.advice for finding in findings))
