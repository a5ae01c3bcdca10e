"""What people do to the ledger: one table for the command line and the admin listener, so that both do the same."""

from __future__ import annotations

import contextlib
import json
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field as Key
from pydantic import ValidationError

from relay import phone
from relay.errors import RelayError, StoreBusy
from relay.forms import unknown
from relay.models import Act, Form, Mode
from relay.moving import deeds_of
from relay.replay import NothingSuch, Which
from relay.rules.replaying import Wish
from relay.store.sealing import SETTING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping

    from relay.moving import Numbers
    from relay.planner import Planner
    from relay.replay import Replay
    from relay.store import Store
    from relay.upkeep import Upkeep


PRUNE_SECONDS = 5.0
"""How long one request prunes; whoever asks goes on asking while there is more."""


_AT_ONCE = 500
"""Deliveries whose back-off is ended in one transaction."""
ACTOR: ContextVar[str] = ContextVar("actor", default="the command line, on the ledger itself")
"""Who does what is done now, with which right and from where."""
_ABOUT_MOST = 1000
_COUNTED = ("retried", "cancelled", "released", "replayed", "created", "enriched")
"""How many were done to, as deeds answer it."""


class BadDeed(RelayError):
    """There is no such deed, or what it was given cannot be read."""


class NoSuch(BadDeed):
    """There is nothing of the name or id that was given."""


class _Nothing(Form):
    """A deed that needs no telling."""


class _Person(Form):
    number: str


class _Deliveries(Form):
    ids: list[str] = Key(min_length=1, max_length=1000)


class _Event(Form):
    event: str


class _Connector(Form):
    connector: str


class _Replay(Form):
    since: float | None = None
    rule: str | None = None
    event: str | None = None
    connector: str | None = None
    texts: bool = False
    whole: bool = False
    rules: Literal["then", "now"] | None = None
    dry_run: bool = False
    page: int | None = None


class _Backfill(Form):
    since: float | None = None


class _TextsOn(Form):
    after_restore: bool = False


class _Mode(Form):
    rule: str
    mode: Mode


class Deeds:
    """Does what people ask for, on the ledger of a running service or of none."""

    def __init__(
        self,
        store: Store,
        planner: Planner,
        upkeep: Upkeep,
        clock: Callable[[], float],
        done: Callable[[], None] = lambda: None,
        *,
        texts_on: Callable[[], None] = lambda: None,
        say_mode: Callable[[str, Mode], Awaitable[dict[str, Any]]],
        connectors: Callable[[], Collection[str]] = tuple,
        check: Callable[[str], Awaitable[str | None]],
        sweep: Callable[[float | None], Awaitable[dict[str, Any]]],
        replay: Replay,
        numbers: Numbers,
    ) -> None:
        """`done` is called after a deed that may have made something due; `say_mode` switches a rule by hand.

        `texts_on` is called when somebody switches texts on. `connectors` names those that there are,
        `check` asks one of them whether it can work, and answers why not. `sweep` fetches what the webhooks missed.
        Whoever did what is told by `ACTOR`.
        """
        self._store = store
        self._planner = planner
        self._upkeep = upkeep
        self._clock = clock
        self._done = done
        self._switched_on = texts_on
        self._say_mode = say_mode
        self._connectors = connectors
        self._check = check
        self._sweep = sweep
        self._replays = replay
        self._looks: set[str] = set()
        self._table: Mapping[str, tuple[type[Form], Callable[[Any], Awaitable[dict[str, Any]]]]] = {
            "texts-off": (_Nothing, self._texts_off),
            "texts-on": (_TextsOn, self._texts_on),
            "optout-add": (_Person, self._opt_out),
            "optout-remove": (_Person, self._opt_in),
            "backfill": (_Backfill, self._backfill),
            "retry": (_Deliveries, self._retry),
            "cancel": (_Deliveries, self._cancel),
            "check-connector": (_Connector, self._check_connector),
            "pause": (_Connector, self._pause),
            "prune": (_Nothing, self._prune),
            "release": (_Event, self._release),
            "mode": (_Mode, self._mode),
            "secrets-rotate": (_Nothing, self._reseal),
            "forget": (_Person, self._forget),
            "replay": (_Replay, self._replay),
            "resume": (_Connector, self._resume),
            **deeds_of(numbers, ACTOR.get),
        }

    @property
    def forms(self) -> Mapping[str, type[Form]]:
        """What each deed must be told."""
        return {name: form for name, (form, _) in self._table.items()}

    def also(self, name: str, form: type[Form], act: Callable[[Any], Awaitable[dict[str, Any]]]) -> None:
        """One more thing that can be asked, which only looks: whoever asks is not written down."""
        self._table = {**self._table, name: (form, act)}
        self._looks.add(name)

    async def do(self, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Write down who does what, and do it; answers what came of it, as JSON.

        Raises:
            BadDeed: there is no such deed, or what it was given cannot be read.
            StoreBusy: nothing was written.
            DeliveryFailed: a service that was to be asked did not answer well.
        """
        if name not in self._table:
            raise BadDeed(f"there is no deed {name}; there are {', '.join(sorted(self._table))}")
        form, act = self._table[name]
        try:
            asked = form.model_validate(dict(given))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise BadDeed(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from None
        if name in self._looks:
            return await act(asked)
        about = phone.masked(json.dumps(dict(given), default=str))[:_ABOUT_MOST]
        noted = await self._store.note_act(Act(self._clock(), ACTOR.get(), name, about, self._planner.book.version))
        try:
            came = await act(asked)
        except Exception as error:
            why = str(error) if isinstance(error, RelayError) else f"{type(error).__name__}: {error}"
            await self._tell(noted, f"{'refused' if isinstance(error, BadDeed) else 'failed'}: {why}")
            raise
        await self._tell(noted, _outcome(came))
        self._done()
        return came

    async def _tell(self, noted: int, outcome: str) -> None:
        """Write down what came of a deed; a ledger that takes nothing now undoes no deed."""
        with contextlib.suppress(StoreBusy):
            await self._store.tell_outcome(noted, phone.masked(outcome)[:_ABOUT_MOST])

    async def _texts_off(self, _: _Nothing) -> dict[str, Any]:
        await self._store.switch_texts(off=True)
        return {"texts": "off"}

    async def _texts_on(self, asked: _TextsOn) -> dict[str, Any]:
        await self._store.switch_texts(off=False)
        self._switched_on()
        if asked.after_restore:
            suppressed = await self._store.texts_after_restore(self._planner.follow, now=self._clock())
            return {"texts": "on", "suppressed": suppressed}
        return {"texts": "held after a restore" if await self._store.restored() else "on"}

    async def _backfill(self, asked: _Backfill) -> dict[str, Any]:
        return await self._sweep(asked.since)

    async def _prune(self, _: _Nothing) -> dict[str, Any]:
        return (await self._upkeep.prune(PRUNE_SECONDS)).public()

    async def _opt_out(self, asked: _Person) -> dict[str, Any]:
        number = _number(asked.number)
        stopped = await self._store.opt_out(number, now=self._clock(), how="by hand")
        return {"number": number, "opted_out": True, "texts_called_off": stopped}

    async def _opt_in(self, asked: _Person) -> dict[str, Any]:
        number = _number(asked.number)
        return {"number": number, "opted_out": False, "was": await self._store.opt_in(number)}

    async def _forget(self, asked: _Person) -> dict[str, Any]:
        number = _number(asked.number)
        return {"number": phone.masked(number), "forgotten": await self._store.forget(number, now=self._clock())}

    async def _reseal(self, _: _Nothing) -> dict[str, Any]:
        if not self._store.sealed:
            raise BadDeed(f"the ledger is not sealed: set {SETTING} and start the relay again")
        return {"resealed": await self._store.reseal()}

    async def _pause(self, asked: _Connector) -> dict[str, Any]:
        name = self._known(asked.connector)
        changed = await self._store.pause(name, "paused by hand", by="hand", now=self._clock())
        return {"connector": name, "paused": True, "changed": changed}

    async def _check_connector(self, asked: _Connector) -> dict[str, Any]:
        name = self._known(asked.connector)
        fault = await self._check(name)
        return {"connector": name, "ok": fault is None, "said": fault or "its options work"}

    async def _resume(self, asked: _Connector) -> dict[str, Any]:
        """What waits in back-off goes on at once too; where the breaker is open, one of it, as a probe."""
        name, now = self._known(asked.connector), self._clock()
        changed = await self._store.resume(name)
        standing = (await self._store.standings()).get(name)
        if standing is not None and standing.open:
            await self._store.save_breaker(replace(standing, probe_at=now))
        else:
            while await self._store.hasten(name, now=now, limit=_AT_ONCE):
                continue
        return {"connector": name, "paused": False, "changed": changed}

    def _known(self, name: str) -> str:
        names = sorted(self._connectors())
        if name not in names:
            raise NoSuch(unknown(name, names, "connector"))
        return name

    async def _retry(self, asked: _Deliveries) -> dict[str, Any]:
        await self._replays.recall(asked.ids)
        return {"retried": await self._store.retry(asked.ids, now=self._clock())}

    async def _replay(self, asked: _Replay) -> dict[str, Any]:
        """What died goes on as it was planned, and whole events by the rules of now, unless something else is said."""
        if asked.connector is not None:
            self._known(asked.connector)
        which = Which(asked.since, asked.rule, asked.event, asked.connector, asked.page)
        wish = Wish(asked.texts, (asked.rules or ("now" if asked.whole else "then")) == "now")
        do = self._replays.whole if asked.whole else self._replays.dead
        try:
            came = await do(which, wish, dry_run=asked.dry_run)
        except NothingSuch as error:
            raise NoSuch(str(error)) from None
        if not asked.dry_run:
            await self._believe(came.connectors)
        return {**came.public(), "dry_run": asked.dry_run}

    async def _believe(self, connectors: Collection[str]) -> None:
        """Connectors that paused themselves go on: whoever has things done again believes that they work."""
        standings = await self._store.standings()
        for name in connectors:
            if name in standings and standings[name].paused_by == "relay":
                await self._store.resume(name)

    async def _cancel(self, asked: _Deliveries) -> dict[str, Any]:
        return {"cancelled": await self._store.cancel(asked.ids, self._planner.follow, now=self._clock())}

    async def _release(self, asked: _Event) -> dict[str, Any]:
        event = await self._store.event(asked.event)
        if event is None:
            raise NoSuch(f"there is no event {asked.event}; `relay events` lists them")
        released = await self._store.release(event.id, self._planner.follow, now=self._clock())
        return {"event": event.id, "released": released}

    async def _mode(self, asked: _Mode) -> dict[str, Any]:
        return await self._say_mode(asked.rule, asked.mode)


def _outcome(came: Mapping[str, Any]) -> str:
    """What came of a deed, in a word or a sentence, or how many it was done to: none is no success."""
    why = next((f"{word}: {came[word]}" for word in ("refused", "failed") if word in came), None)
    counted = ", ".join(f"{word}: {came[word]}" for word in _COUNTED if word in came and not came.get("dry_run"))
    return why or str(came.get("said") or came.get("state") or counted or "done")


def _number(written: str) -> str:
    number = phone.normalise(written)
    if number is None:
        raise BadDeed(f"`{written}` is no telephone number; write it as +13125550101")
    return number
