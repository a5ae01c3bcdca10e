"""docs/rules.md names every word that a rule may use."""

import re
from pathlib import Path

import pytest

from relay.rules.conditions import WORDS
from relay.rules.rule import EVENT_TYPES, CooldownForm, GuardsForm, RuleForm
from relay.rules.steps import VERBS, common_fields, own_fields
from relay.rules.ticks import DAYS
from relay.settings.forms import SpamForm, SpamScoreForm
from relay.templates.filters import FILTERS

PAGE = Path(__file__).parents[2].joinpath("docs/rules.md").read_text(encoding="utf-8")
SAID = set(re.findall(r"[\w.]+", " ".join(re.findall(r"```yaml\n.*?```|`[^`\n]+`", PAGE, re.DOTALL))))


def keys(form):
    return [field.alias or name for name, field in form.model_fields.items()]


@pytest.mark.parametrize(
    "words",
    [
        WORDS,
        EVENT_TYPES,
        VERBS,
        FILTERS,
        keys(RuleForm),
        keys(GuardsForm),
        keys(CooldownForm),
        (*keys(SpamForm), *keys(SpamScoreForm)),
        {field for verb in VERBS for field in (*own_fields(verb), *common_fields(verb))},
        ("all", "any", "not", "every", "at", "plus", "cron", "present", "missing", DAYS[0], DAYS[-1]),
    ],
    ids=["conditions", "events", "steps", "filters", "rules", "guards", "cooldowns", "spam", "fields", "others"],
)
def test_every_word_is_on_the_page(words):
    assert sorted(set(words) - SAID) == []
