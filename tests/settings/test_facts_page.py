"""docs/facts.md holds every fact as the code knows it, and none that does not exist."""

from __future__ import annotations

from pathlib import Path

from relay.settings.schema import table_of_facts

PAGE = Path(__file__).parents[2].joinpath("docs", "facts.md").read_text(encoding="utf-8")


def test_the_page_lists_every_fact_as_the_code_knows_it_and_no_other():
    listed = [line for line in PAGE.splitlines() if line.startswith("|")]
    assert listed == table_of_facts().splitlines(), "write the page anew: relay schema --facts --markdown"
