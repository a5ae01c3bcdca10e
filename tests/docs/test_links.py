"""What the pages point at is there, and every page can be found from the first."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)(#[^)\s]*)?\)")


def links(page):
    """Relative targets of a page, as paths."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return [(page.parent / found[1]).resolve() for found in LINK.finditer(text) if "://" not in found[1]]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_points_at_is_there(page):
    assert [str(target) for target in links(page) if not target.exists()] == []


def test_every_page_is_on_the_first_page_of_the_documentation():
    first = {*links(ROOT / "docs" / "README.md"), ROOT / "docs" / "README.md"}
    assert [str(page.relative_to(ROOT)) for page in PAGES if page.parent != ROOT and page not in first] == []


def test_the_readme_points_at_the_documentation():
    assert ROOT / "docs" / "README.md" in links(ROOT / "README.md")
