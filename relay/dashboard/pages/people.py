"""People: find one by number, see all that is known of them, and who is never texted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from relay import phone
from relay.access import Role
from relay.access.places import moment_after
from relay.dashboard.page import Elsewhere, Gone, older
from relay.dashboard.pages.calls import SEARCHED, rows_of

if TYPE_CHECKING:
    from relay.dashboard.page import Asked

_MOST = 100


async def read(asked: Asked) -> dict[str, Any]:
    """The list of those who opted out, and the search."""
    searched = asked.query.get("q", "").strip()[:SEARCHED]
    person = phone.normalise(searched) if searched else None
    if person is not None and asked.visitor.role is Role.ADMIN:
        raise Elsewhere(f"/people/{quote(person, safe='')}")
    before = asked.moment()
    opt_outs = await asked.store.opt_outs(limit=_MOST, before=before)
    return {
        "searched": searched,
        "opt_outs": opt_outs,
        "first": before is None,
        "older": older(moment_after(opt_outs, before, _MOST)),
    }


async def read_one(asked: Asked) -> dict[str, Any]:
    """All of one person."""
    number = phone.normalise(asked.path["number"][:SEARCHED])
    if number is None:
        raise Gone("That is no telephone number. Write it as +13125550101.")
    events = await asked.store.events(limit=_MOST, person=number)
    names = [str(event.call["caller_name"]) for event in events if event.call.get("caller_name")]
    return {
        "number": number,
        "name": names[0] if names else None,
        "rows": await rows_of(asked, events),
        "texts": await asked.store.texts_page(limit=_MOST, person=number),
        "standing": await asked.store.standing(number),
        "place": ", ".join(part for part in (phone.region(number), phone.state(number)) if part),
    }
