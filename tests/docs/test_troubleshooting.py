"""What docs/troubleshooting.md says that the screen says, it says: every error there is provoked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.newcomer import Newcomer
from tests.docs.slips import PROVOKED

PAGE = Path(__file__).parents[2] / "docs" / "troubleshooting.md"


def words_of_the_page():
    """First cells of the tables whose first column is words, without their backticks."""
    found = []
    for table in re.findall(
        r"^\| words \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    ):
        for row in table.splitlines():
            quoted = re.match(r"\| (`+)(.+?)\1 \|", row)
            assert quoted, row
            found.append(quoted[2])
    return found


def stands_in(words, screen):
    """Whether the screen says the words, wherever its lines break; … stands for anything."""
    pattern = ".*?".join(re.escape(part.strip()) for part in words.split("…"))
    return re.search(pattern, " ".join(screen.split())) is not None


def test_every_error_on_the_page_is_provoked_and_none_is_left_out():
    assert sorted(words_of_the_page()) == sorted(PROVOKED)


@pytest.mark.parametrize("words", PROVOKED)
async def test_the_page_has_the_words_of_the_screen(tmp_path, words, quiet):
    screen = await PROVOKED[words](Newcomer(tmp_path))
    assert stands_in(words, screen), screen


@pytest.mark.parametrize(
    ("words", "screen", "there"),
    [
        ("a … c", "a\n   b c", True),
        ("a … c", "a b d", False),
        ("a.c", "abc", False),
        ("`a`: gone", "x `a`: gone.", True),
    ],
)
def test_words_that_differ_are_noticed(words, screen, there):
    assert stands_in(words, screen) is there
