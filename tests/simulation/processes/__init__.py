"""The processes. Each is a generator that does one thing, yields, and may be killed or left behind at any yield."""

from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")
Steps = Generator[None, None, T]
Process = Steps[None]
