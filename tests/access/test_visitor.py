"""Which token lets whom in."""

import pytest

from relay.access import Access, Role, Visitor

ADMIN, VIEW = "false-admin-token", "false-view-token"


@pytest.mark.parametrize(
    ("header", "who"),
    [
        (f"Bearer {ADMIN}", "admin token"),
        (f"bearer  {VIEW} ", "view token"),
        (f"Basic {ADMIN}", None),
        (ADMIN, None),
        ("Bearer", None),
        (f"Bearer {ADMIN}x", None),
        ("Bearer \udcff", None),
    ],
)
def test_a_bearer_is_known_by_its_token(header, who):
    visitor = Access(ADMIN, VIEW).bearer(header)
    assert (visitor and visitor.who) == who


def test_this_machine_may_do_everything_only_where_no_token_is_set():
    alone = Access(None, "")
    assert alone.local.may_act
    assert alone.local.csrf
    assert alone.role_of("") is None
    assert Access(ADMIN, None).local is None
    assert Access(None, VIEW).local is None


def test_whoever_only_looks_may_not_act():
    assert [Visitor(Role.VIEW, "x").may(role) for role in Role] == [True, False]
    assert [Visitor(Role.ADMIN, "x").may(role) for role in Role] == [True, True]
