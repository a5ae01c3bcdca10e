"""How things stand, as JSON: now, rules, connectors, numbers, people, alerts."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from aiohttp import web

from relay.access import Parameter, Route
from relay.access.places import moment_after, write_place
from relay.admin.answers import json_answer
from relay.admin.paging import BEFORE, LIMIT, PLACE, limit_of, moment, page, place, read_number
from relay.models import iso
from relay.person import read_person
from relay.shown import stand_of
from relay.store.nodes import node_json, same_config

if TYPE_CHECKING:
    from collections.abc import Callable

    from relay.models import Alert
    from relay.shown import Shown
    from relay.store import Store

_WEEK = 7 * 86400.0
_CHANGES = 500
_RUNS = {"type": "object", "required": ["runs"]}
_OPEN = Parameter("open", "true: only those that are not over.", {"enum": ["true", "false"]})
_WHOM = Parameter("number", "The person's number.", place="path")


class Standing:
    """What can be read of how things stand."""

    def __init__(self, store: Store, clock: Callable[[], float], shown: Callable[[], Shown]) -> None:
        """`shown` answers what the running relay shows of itself."""
        self._store = store
        self._clock = clock
        self._shown = shown

    def routes(self) -> tuple[Route, ...]:
        """What can be asked."""
        get = "GET"
        return (
            Route(get, "/api/now", self.now, "How it goes: what is owed, what is dead, what needs somebody."),
            Route(get, "/api/totals", self.totals, "Events, duplicates, refused requests, counted."),
            Route(get, "/api/rules", self.rules, "The rules in force, and what each did in 7 days."),
            Route(get, "/api/connectors", self.connectors, "Each connector as it stands, with its backlog."),
            Route(
                get, "/api/nodes", self.nodes, "The relays that share the ledger, and whether all run the same file."
            ),
            Route(get, "/api/numbers", self.numbers, "The business's numbers as last read."),
            Route(
                get,
                "/api/moves",
                self.moves,
                "Runs of moves, newest first.",
                asks=(LIMIT, PLACE),
                answer=_RUNS,
                fails=(400,),
            ),
            Route(
                get,
                "/api/people/{number}",
                self.person,
                "All that is known of one person, to hand over.",
                asks=(_WHOM,),
                fails=(400, 404),
            ),
            Route(get, "/api/optouts", self.opt_outs, "Who is never texted.", asks=(LIMIT, PLACE), fails=(400,)),
            Route(
                get,
                "/api/alerts",
                self.alerts,
                "What somebody should see to.",
                asks=(LIMIT, BEFORE, _OPEN),
                fails=(400,),
            ),
        )

    async def now(self, request: web.Request) -> web.Response:  # noqa: ARG002 - aiohttp hands it over
        """The start page for machines."""
        shown, now = self._shown(), self._clock()
        oldest = await self._store.oldest_due()
        alerts = await self._store.alerts(open_only=True)
        return json_answer(
            {
                "at": iso(now),
                "business": shown.business,
                "ready": not shown.reasons,
                "reasons": list(shown.reasons),
                "states": await self._store.states(),
                "oldest_due_seconds": None if oldest is None else max(0.0, now - oldest),
                "texts_off": await self._store.texts_are_off(),
                "texts": await self._store.texts_since(now - shown.texts_window),
                "texts_limit": shown.texts_total,
                "alerts": [alert_json(alert) for alert in alerts],
            }
        )

    async def totals(self, request: web.Request) -> web.Response:  # noqa: ARG002 - as above
        """Counted as they happened."""
        return json_answer(await self._store.totals())

    async def rules(self, request: web.Request) -> web.Response:  # noqa: ARG002 - as above
        """Rules in force, with their verdicts of seven days."""
        shown = self._shown()
        ruled = await self._store.ruled(since=self._clock() - _WEEK)
        return json_answer(
            {
                "version": shown.version,
                "rules": [{**asdict(rule), "verdicts_7d": ruled.get(rule.name, {})} for rule in shown.rules],
            }
        )

    async def connectors(self, request: web.Request) -> web.Response:  # noqa: ARG002 - as above
        """Connectors, with what is owed to each."""
        backlog, standings = await self._store.backlog(), await self._store.standings()
        told = []
        for one in self._shown().connectors:
            stand = stand_of(standings.get(one.name), self._clock())
            owed = backlog.get(one.name, {})
            told.append({**asdict(one), **asdict(stand), "until": iso(stand.until), "owed": owed})
        return json_answer({"connectors": told})

    async def nodes(self, request: web.Request) -> web.Response:  # noqa: ARG002 - as above
        """Relays seen in the last day."""
        now, shared = self._store.clock(), self._store.shared
        told = [
            {
                **node_json(node, now=now, shared=shared),
                "started_at": iso(node.started_at),
                "seen_at": iso(node.seen_at),
            }
            for node in await self._store.nodes()
        ]
        return json_answer({"nodes": told, "same_config": same_config(told)})

    async def numbers(self, request: web.Request) -> web.Response:  # noqa: ARG002 - as above
        """The business's numbers, with their inbound calls of 30 days."""
        calls: dict[str, dict[str, int]] = {}
        for hour in await self._store.traffic(since=self._clock() - 30 * 86400.0):
            of_number = calls.setdefault(hour.number, {})
            of_number[hour.outcome] = of_number.get(hour.outcome, 0) + hour.calls
        told = [
            {
                **asdict(number),
                "created_at": iso(number.created_at),
                "read_at": iso(number.read_at),
                "calls_30d": calls.get(number.number, {}),
            }
            for number in await self._store.numbers()
        ]
        return json_answer({"numbers": told})

    async def moves(self, request: web.Request) -> web.Response:
        """Runs of moves of numbers, each with what it moves."""
        told, limit = [], limit_of(request)
        runs = await self._store.number_runs(limit=limit, before=place(request))
        for run in runs:
            changes = [asdict(change) for change in await self._store.changes(run.id, limit=_CHANGES)]
            for one in changes:
                one |= {"at": iso(one["at"]), "settled_at": iso(one["settled_at"])}
            times = {name: iso(getattr(run, name)) for name in ("at", "until", "told_at", "answered_at")}
            told.append({**asdict(run), **times, "changes": changes})
        older = write_place(runs[-1].at, runs[-1].id) if len(runs) == limit else None
        return json_answer({"runs": told, "next": older})

    async def person(self, request: web.Request) -> web.Response:
        """One person: calls and what was done about each, texts and what allowed them, opt-out, tags."""
        told = await read_person(self._store, read_number(request.match_info["number"]))
        if told is None:
            raise web.HTTPNotFound(text="Nothing is known of this person.")
        return json_answer(told)

    async def opt_outs(self, request: web.Request) -> web.Response:
        """Who is never texted, newest first."""
        limit, before = limit_of(request), moment(request)
        found = await self._store.opt_outs(limit=limit, before=before)
        told = [{**row, "at": iso(row["at"])} for row in found]
        return json_answer({"opt_outs": told, "next": moment_after(found, before, limit)})

    async def alerts(self, request: web.Request) -> web.Response:
        """Alerts, newest first."""
        limit, before = page(request)
        found = await self._store.alerts(open_only=request.query.get("open") == "true", limit=limit, before=before)
        older = found[-1].id if len(found) == limit else None
        return json_answer({"alerts": [alert_json(alert) for alert in found], "next": older})


def alert_json(alert: Alert) -> dict[str, Any]:
    """An alert for machines."""
    times = {name: iso(getattr(alert, name)) for name in ("opened_at", "closed_at", "told_at")}
    return {**asdict(alert), **times}
