"""Every route of the admin listener, and whom it answers: a route that is not in the table fails here."""

from __future__ import annotations

import re

import pytest

from relay.access.guesses import Guesses
from relay.dashboard import Dashboard
from relay.shown import Shown
from tests.admin.conftest import TOKEN, VIEW

EVERYBODY, LOOK, ACT = "everybody", "whoever may look", "whoever may act"
MAY = {EVERYBODY: {None, "wrong", VIEW, TOKEN}, LOOK: {VIEW, TOKEN}, ACT: {TOKEN}}
LOOKED_AT = """
    events events/{reference} deliveries deliveries/{id} texts refused requests acts alerts connectors now nodes numbers
    moves optouts people/{number} quarantine rules totals
"""
PAGES = """
    / /calls /calls/{reference} /people /people/{number} /texts /numbers /rules /connectors /alerts /audit /refused
"""
# Decide for each new route who may ask it; what changes anything is for whoever may act.
TABLE = {
    ("GET", "/healthz"): EVERYBODY,
    ("GET", "/readyz"): EVERYBODY,
    ("GET", "/metrics"): LOOK,
    ("GET", "/openapi.json"): LOOK,
    ("GET", "/version"): LOOK,
    **{("GET", f"/api/{what}"): LOOK for what in LOOKED_AT.split()},
    ("POST", "/api/do/{deed}"): ACT,
    ("POST", "/signin"): EVERYBODY,
    ("POST", "/signout"): LOOK,
    ("GET", "/live"): LOOK,
    ("GET", "/static/{name}"): LOOK,
    ("POST", "/do/{deed}"): ACT,
    ("POST", "/reveal"): LOOK,
    ("POST", "/try"): ACT,
    **{("GET", path): LOOK for path in PAGES.split()},
}
FORMS = {"/signin", "/signout", "/do/{deed}", "/reveal", "/try"}
"""What browsers send forms to: JSON is refused there whoever sends it, and tests/admin/test_guard.py sends forms."""


@pytest.fixture
async def it(desk, ledger, clock):
    """A listener with all that there is: the API, and the pages."""
    deeds = (await desk()).seen["deeds"]
    dashboard = Dashboard(ledger, clock, Shown, deeds)
    started = await desk(faces=dashboard, pages=dashboard.routes(), deeds=deeds)
    started.seen["admin"]._guard._guesses = Patient()
    return started


class Patient(Guesses):
    """Nobody guesses here; every row is asked with a wrong token."""

    def wrong(self, address, now):
        """Forget it."""


def table(it):
    """The table, and every deed."""
    return TABLE | {("POST", f"/api/do/{name}"): ACT for name in it.seen["deeds"].forms}


async def asked(it, method, path, token, **body):
    """The status alone: a stream has no end to wait for."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    url = it.url + re.sub("{[^}]*}", "x", path)
    async with it.session.request(method, url, headers=headers, allow_redirects=False, **body) as answer:
        return answer.status


async def test_every_route_is_in_the_table(it):
    assert {(route.method, route.path) for route in it.seen["admin"].routes} == set(table(it))


async def test_nothing_is_routed_past_the_table(it):
    routed = {(route.method, route.resource.canonical) for route in it.seen["admin"].app().router.routes()}
    assert {(method, path) for method, path in routed if method != "HEAD"} == set(table(it))


async def test_every_route_answers_those_it_should_and_nobody_else(it):
    wrong = []
    for (method, path), whom in table(it).items():
        for token in (None, "wrong", VIEW, TOKEN):
            if path in FORMS:
                continue
            body = {} if method == "GET" else {"json": {}}
            status = await asked(it, method, path, token, **body)
            if (status not in {401, 403}) != (token in MAY[whom]):
                wrong.append((method, path, token, status))
    assert wrong == []


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_no_method_that_changes_things_gets_anywhere_with_a_viewers_token(it, method):
    for path in {path for _, path in table(it)}:
        assert await asked(it, method, path, VIEW, json={}) in {403, 404, 405} or path in FORMS, path
