"""docs/reference says what the code has, all of it, and nothing else."""

from __future__ import annotations

import pytest

from connectors.table import CONNECTORS
from relay import problems
from relay.alerts.troubles import LOOKS
from relay.models import CALLSCALER
from relay.settings.meanings import inner_forms, meanings
from relay.settings.names import SECTIONS
from relay.settings.said_of_keys import SAID
from relay.settings.schema import FORMS, LISTED, NAMED, PLAIN_SECTIONS, MannersForm, RuleForm, UseForm, schema
from tests.reference.pages import EDITORS, FOLDER, PAGES, editors

TOP = [*FORMS.values(), *NAMED.values(), *LISTED.values(), MannersForm, RuleForm, UseForm]
TOP += [form for kind, cls in CONNECTORS.items() if kind != CALLSCALER for form in (cls.Options, cls.Action)]
TOP += [CONNECTORS[CALLSCALER].Options]
ALL = {form.__name__: form for top in TOP for form in (top, *inner_forms(top))}


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_what_the_code_says(name):
    assert (FOLDER / name).read_text(encoding="utf-8") == PAGES[name](), "make reference writes it anew"


def test_the_schema_beside_the_shipped_files_is_the_one_of_the_code_and_each_points_at_it():
    assert EDITORS.read_text(encoding="utf-8") == editors(), "make reference writes it anew"
    for name in ("demo.yaml", "relay.example.yaml", "relay.start.yaml"):
        assert (
            (EDITORS.parent / name)
            .read_text(encoding="utf-8")
            .startswith(f"# yaml-language-server: $schema={EDITORS.name}\n")
        )


def test_there_is_no_page_that_nobody_writes():
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(PAGES)


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_key_has_a_meaning(name):
    form = ALL[name]
    assert [key for key in (f.alias or n for n, f in form.model_fields.items()) if key not in meanings(form)] == []


def test_no_meaning_is_of_a_key_that_there_is_not():
    known = {name: {f.alias or n for n, f in form.model_fields.items()} for name, form in ALL.items()}
    assert set(SAID) <= set(ALL)
    assert {name: set(said) - known[name] for name, said in SAID.items() if set(said) - known[name]} == {}


def test_every_section_is_on_the_page():
    page = PAGES["configuration.md"]()
    assert [name for name in SECTIONS if f"\n## {name}" not in page and name != "connectors"] == []
    assert set(PLAIN_SECTIONS) <= set(SECTIONS)


def test_every_alert_and_every_answer_is_on_the_page_of_errors():
    page = PAGES["errors.md"]()
    assert [kind for kind in LOOKS if f"| `{kind}` |" not in page] == []
    assert set(problems.CAUSES) == set(problems._TITLES)


def test_the_schema_tells_editors_what_a_key_means():
    made = schema(CONNECTORS)["$defs"]
    assert made["section_texting"]["properties"]["settle"]["description"].startswith("how long an unclear answer")
    assert made["QuietForm"]["properties"]["clock"]["description"].startswith("whose clock")
