"""docs/security.md says which test shows what: a test that was renamed or deleted shows nothing any more."""

import re

from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
TESTS = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
NAMES = re.findall(r"def (test_\w+)", TESTS)
QUOTED = re.findall(r"`([^`\s]+)`", PAGE)


def test_every_test_that_the_page_names_is_there() -> None:
    named = [quoted for quoted in QUOTED if re.fullmatch(r"(test_)?[\w…]*…[\w…]*|test_\w+", quoted)]
    missing = [quoted for quoted in named if not any(re.fullmatch(quoted.replace("…", r"\w*"), name) for name in NAMES)]

    assert len(named) > 20
    assert missing == []


def test_every_file_that_the_page_names_is_there() -> None:
    paths = [quoted for quoted in QUOTED if quoted.startswith(("tests/", "deploy/"))]

    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_chapter_of_asvs_5_is_answered() -> None:
    assert re.findall(r"^### V(\d+) ", PAGE, re.MULTILINE) == [str(number) for number in range(1, 18)]
