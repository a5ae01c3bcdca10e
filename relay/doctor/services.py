"""Checks of what is set up outside: each connector by its own check, and the phone system."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

from relay.doctor.bench import Finding, fine, note, wrong
from relay.errors import DeliveryFailed, Unauthorized

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from relay.callscaler.call_flows import CallFlow
    from relay.callscaler.numbers import Number
    from relay.doctor.bench import Bench

PATIENCE = 20.0
LOW_CENTS = 500
"""Below this the account tops itself up, by its older terms (https://callscaler.com/payment-terms-conditions/)."""
RECENT = 50
"""Webhooks of the phone system's own log that are looked at."""
TEXTED_WITHIN = 900.0
"""Seconds after a missed call within which a text to its caller is an answer to it."""
LISTED = "listed:"
"""What the ids of texts begin with that somebody else on the account sent."""
_TEXT_BACK = re.compile(r"(missed.?call.?|auto.?)(text|sms|reply)|text.?back|sms.?(reply|back)", re.IGNORECASE)


async def connectors(bench: Bench) -> list[Finding]:
    """Each connector's own check, all at once."""
    if not bench.connectors:
        return [note("none is set up", "a line under connectors: in relay.yaml adds one")]

    async def ask(name: str) -> Finding:
        try:
            async with asyncio.timeout(PATIENCE):
                await bench.connectors[name].check()
        except TimeoutError:
            return wrong(f"{name}: no answer within {PATIENCE:g} s", "see whether this machine reaches the service")
        except Exception as failure:  # noqa: BLE001 - the next connector is asked all the same
            return wrong(f"{name}: {failure or type(failure).__name__}", f"mend connectors: {name}, or its secret")
        return fine(f"{name} works")

    return list(await asyncio.gather(*(ask(name) for name in bench.connectors)))


async def groups(bench: Bench) -> list[Finding]:
    """Whether numbers are in the groups that are declared for them."""
    if bench.drift is None:
        return [note("no group is declared, and no rule moves numbers by the clock")]
    try:
        found = await bench.drift()
    except DeliveryFailed as failure:
        return [wrong(f"numbers and groups cannot be read: {failure}", "see the phone system above")]
    return [wrong(one.what, one.remedy) for one in found] or [fine("no number is to be moved")]


async def phone_system(bench: Bench) -> list[Finding]:
    """The key, the numbers, whether they can text, the money, and who else texts callers."""
    if bench.phone is None:
        return [note("no key: nothing is texted, fetched or regrouped", "set CALLSCALER_API_KEY")]
    try:
        numbers = list(await bench.phone.numbers.list())
    except Unauthorized as refused:
        return [wrong(f"the key does not work: {refused}", "make a new one in CallScaler, Settings, API Keys")]
    except DeliveryFailed as failure:
        return [
            wrong(f"it cannot be asked: {failure}", "see whether this machine reaches it, and callscaler: base_url")
        ]
    active = [number for number in numbers if number.status in {None, "active"}]
    found = [fine(f"the key works: {len(numbers)} numbers")]
    if not active:
        found.append(wrong("no number is active", "buy or activate one in CallScaler"))
    found += _texting(active, bench) + await _balance(bench) + await _flows(bench) + await _posts(bench)
    return found + await _others(bench)


def _texting(numbers: Sequence[Number], bench: Bench) -> list[Finding]:
    mute = [number for number in numbers if number.sms_enabled is False]
    can = [number for number in numbers if number.sms_enabled]
    waiting = [number for number in mute if number.tcr_sw_state not in {None, "not_registered"}]
    if not mute:
        return [fine(f"{len(can)} numbers can text" if can else "whether numbers can text is not told; they are tried")]
    more = f", {len(waiting)} of them wait for their registration" if waiting else ""
    said = f"{len(can)} of {len(can) + len(mute)} numbers can text; {len(mute)} cannot{more}"
    remedy = "enable and register them in CallScaler (A2P 10DLC); missed calls on them are not texted back"
    return [wrong(said, remedy) if bench.texts and not can else note(said, remedy)]


async def _balance(bench: Bench) -> list[Finding]:
    assert bench.phone is not None  # noqa: S101 - asked for above
    try:
        cents = (await bench.phone.billing.balance()).balance_cents
    except DeliveryFailed as failure:
        return [note(f"the balance cannot be read: {failure}", "a key of an admin or owner can read it")]
    if cents is None:
        return [note("the balance was not told")]
    said = f"balance {cents / 100:.2f}"
    if bench.texts and cents < LOW_CENTS:
        return [wrong(said, "top up: a text that the balance does not cover is not sent")]
    return [fine(said)]


async def _flows(bench: Bench) -> list[Finding]:
    """Whether a call flow texts callers itself; nothing documents how it would say so, so its words are looked for."""
    assert bench.phone is not None  # noqa: S101 - asked for above
    if not bench.texts:
        return []
    try:
        flows = list(await bench.phone.call_flows.list())
    except DeliveryFailed as failure:
        return [note(f"the call flows cannot be read: {failure}")]
    texting = [flow.name or flow.id for flow in flows if any(_words(flow))]
    if not texting:
        return []
    names = ", ".join(texting)
    return [
        wrong(f"call flow {names} seems to text callers itself: they would be texted twice", "switch one of them off")
    ]


def _words(flow: CallFlow) -> Iterator[str]:
    """Names and kinds anywhere in a call flow that speak of texting back, and are not switched off."""
    pending: list[Any] = [flow.model_dump()]
    while pending:
        value = pending.pop()
        if isinstance(value, (list, tuple)):
            pending.extend(value)
        elif isinstance(value, dict):
            on = value.get("enabled", True) not in {False, None}
            kind = str(value.get("type", ""))
            if on and (kind.lower() in {"sms", "text"} or _TEXT_BACK.search(kind)):
                yield kind
            for name, inner in value.items():
                if _TEXT_BACK.search(str(name)) and inner and on and not _is_off(inner):
                    yield str(name)
                pending.append(inner)


def _is_off(value: Any) -> bool:
    return isinstance(value, dict) and not value.get("enabled", True)


async def _posts(bench: Bench) -> list[Finding]:
    """Whether the phone system's own log of webhooks says that they come here, and arrive."""
    assert bench.phone is not None  # noqa: S101 - asked for above
    posts = []
    try:
        async for post in bench.phone.webhook_deliveries.list(limit=RECENT):
            posts.append(post)
            if len(posts) >= RECENT:
                break
    except DeliveryFailed as failure:
        return [note(f"the log of webhooks cannot be read: {failure}")]
    if not posts:
        return [note("it has posted no webhook yet", "paste the address into each call flow: `relay url`")]
    found = []
    ours = bench.through.rstrip("/")
    elsewhere = sorted({_host(post.url) for post in posts if post.url and ours and not post.url.startswith(ours)})
    if elsewhere:
        said = f"some call flows post elsewhere: {', '.join(elsewhere)}"
        found.append(note(said, "calls of theirs are known only from the API; `relay url` tells the address"))
    here = [post for post in posts if not ours or (post.url or "").startswith(ours)]
    failed = [post for post in here if post.status == "failed"]
    if failed:
        why = failed[0].last_error or "no reason told"
        said = f"{len(failed)} of its last {len(here)} webhooks failed; the latest: {why}"
        found.append(
            wrong(said, "`relay doctor --through` your public address; `relay backfill` fetches what was missed")
        )
    return found or [fine(f"its last {len(posts)} webhooks arrived")]


async def _others(bench: Bench) -> list[Finding]:
    """Whether somebody else on the account answers missed calls with a text, by what the ledger has seen."""
    if bench.store is None or not bench.texts:
        return []
    foreign = [text for text in await bench.store.texts(limit=500) if text["id"].startswith(LISTED)]
    missed: dict[str, list[float]] = {}
    for event in await bench.store.events(limit=500):
        if event.type in {"call.missed", "call.voicemail"} and event.caller:
            missed.setdefault(event.caller, []).append(event.received_at)
    answers = sum(
        any(0 <= text["at"] - at <= TEXTED_WITHIN for at in missed.get(text["recipient"], ())) for text in foreign
    )
    if not answers:
        return []
    said = f"somebody else on the account texted callers right after {answers} missed calls"
    return [
        note(said, "is it the phone system's own text-back? Switch one of the two off, or callers wait for a cooldown")
    ]


def _host(url: str | None) -> str:
    found = re.match(r"https?://([^/?#]+)", url or "")
    return found[1] if found else "an address that cannot be read"
