"""Who may ask for a route that does not say."""

import pytest

from relay.access import Role, Route


async def nothing(request):
    raise AssertionError("it is not asked")


@pytest.mark.parametrize(
    ("method", "needs", "role"),
    [
        ("GET", None, Role.VIEW),
        ("POST", None, Role.ADMIN),
        ("DELETE", None, Role.ADMIN),
        ("GET", Role.ADMIN, Role.ADMIN),
        ("POST", Role.VIEW, Role.VIEW),
    ],
)
def test_what_changes_something_needs_the_full_token(method, needs, role):
    assert Route(method, "/x", nothing, "does nothing", needs=needs).role is role
