"""Rules switched by hand: whose word holds, and for how long."""

import pytest

from relay.models import SaidMode
from relay.rules import in_force, named, outdated
from tests.rules.reading import rule

NOTE = "then: [{send: log, message: hi}]"
TEXT_BACK = rule(NOTE, name="Text back (missed)", mode="shadow")
ARCHIVE = rule(NOTE, name="Archive")


def said(mode, over, of="Text back (missed)"):
    return SaidMode(of, mode, over, 0.0)


def test_a_persons_word_holds_while_the_file_says_what_it_said_then():
    assert [r.mode for r in in_force([TEXT_BACK, ARCHIVE], [said("live", "shadow")])] == ["live", "live"]
    assert [r.mode for r in in_force([TEXT_BACK, ARCHIVE], [said("off", "live")])] == ["shadow", "live"]


def test_only_a_changed_mode_in_the_file_overtakes_what_was_said_and_a_missing_rule_may_come_back():
    words = [said("live", "shadow"), said("off", "shadow", "Archive"), said("off", "live", "Gone")]
    assert outdated([TEXT_BACK, ARCHIVE], words) == ["Archive"]


@pytest.mark.parametrize("name", ["Text back (missed)", "text BACK (missed)", "text-back-missed"])
def test_a_rule_is_named_as_people_write_it(name):
    assert named([ARCHIVE, TEXT_BACK], name) is TEXT_BACK


def test_a_name_that_fits_two_rules_means_neither_unless_it_is_exactly_one():
    twins = [rule(NOTE, name="text back"), rule(NOTE, name="Text-back")]
    assert named(twins, "TEXT BACK") is None
    assert named(twins, "Text-back") is twins[1]
    assert named(twins, "nothing") is None
