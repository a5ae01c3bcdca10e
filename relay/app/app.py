"""Puts the parts together: one relay, from its settings and the table of connector classes."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from relay.admin import Admin
from relay.alerts import Alerts
from relay.app.countdown import Countdown
from relay.app.fetching import Fetching
from relay.app.knowledge import Knowledge
from relay.app.listeners import Listeners
from relay.app.others import Others
from relay.app.parts import channels, checked, client, disk_free, host_names, point, secure_names, trace
from relay.app.phone import PhoneSystem
from relay.app.presence import Presence
from relay.app.rereading import Rereading
from relay.app.showing import show
from relay.app.stall import StallWatch
from relay.app.steady import Steady, watch_clock
from relay.app.supervisor import Supervisor
from relay.app.taking_up import bury_orphans, take_up
from relay.clock import Clock
from relay.confirm import Confirming
from relay.dashboard import Dashboard
from relay.deeds import Deeds
from relay.http import Http
from relay.intake import Intake
from relay.metrics import Metrics
from relay.moving import Account, Numbers, Turn
from relay.planner import Planner
from relay.replay import Replay
from relay.roster import Roster
from relay.server import Door
from relay.text_alarms import TextAlarms
from relay.unanswered import Unanswered
from relay.upkeep import Upkeep
from relay.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping
    from pathlib import Path

    from relay.connector import Connector
    from relay.errors import Mistake
    from relay.models import Mode, Outage
    from relay.settings import Settings
    from relay.shown import Shown
    from relay.store import Store
    from relay.worker import Channel

log = structlog.get_logger(__name__)

WATCH_EVERY = 1.0
STOP = 24.0
"""Seconds that a stop may take."""


class App:
    """One relay: door, planner, worker, admin, on one ledger."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        connectors: Mapping[str, type[Connector[Any, Any]]],
        *,
        clock: Callable[[], float] | None = None,
        intake: bool = True,
        worker: bool = True,
    ) -> None:
        """`connectors` are the classes by type; `intake` and `worker` say which halves run, neither in a shell."""
        self.settings = settings
        self.store = store
        self.metrics = Metrics()
        self.public_port = self.admin_port = 0
        self.failed = asyncio.Event()
        """Set when the ledger can no longer be trusted: the process must end and be started again."""
        self._connectors = connectors
        self._clock = clock = clock or store.clock
        self._has_intake, self._has_worker = intake, worker
        self._http = Http(settings.network)
        self._outgrown: list[Http] = []
        """Clients of earlier settings, which what is under way may still use."""
        self.steady = Steady(clock)
        self._text_alarms = TextAlarms(store, clock)
        self._others = Others(
            lambda: self.planner.book.version,
            learn=(self._learn_numbers, self._learn_modes, self._learn_heard, self._share_rates),
            learn_rules=(self._learn_rules,),
        )
        roles = [name for name, has in (("intake", intake), ("worker", worker)) if has] or ["shell"]
        self.roster = Roster(store, roles=roles, config=lambda: self.planner.book.version, beaten=self._others.beaten)
        self.knowledge = Knowledge(store, clock)
        book = self.knowledge.book(settings, self._http)
        self.planner = Planner(store, clock, self.metrics, book, planned=self._planned)
        self.planner.heard, self.planner.doubt = self._heard, self.steady.doubt
        self.planner.alarm = self._text_alarms.note
        used, hands = channels(settings, connectors, self._http), lambda: self.roster.other_hands
        self.worker = Worker(store, self.planner, used, clock, self.metrics, other_hands=hands)
        if worker:
            self.planner.hands = self.worker.hands
        self.intake = Intake(store, clock, self.metrics, arrived=self.planner.call if worker else store.call_others)
        self._traces = trace(self.intake, self.planner, self.worker)
        self.phone = PhoneSystem(
            store, self.intake, clock, lambda: self.worker.channels, self._learn_numbers, self._text_alarms.note
        )
        self.clock = Clock(store, self.intake, clock, lambda: self.planner.book)
        self.door = Door(self.intake, settings.sources, tuple(settings.server.trusted_proxies))
        self.upkeep = Upkeep(store, clock, settings.retention)
        self.loops = Supervisor()
        self.alerts = Alerts(store, clock, free=partial(disk_free, store), parts=self.loops.reasons)
        self.planner.let_in, self.alerts.unwritten = self.intake.let_in, self.intake.unwritten
        self._rereading = Rereading(connectors, self.knowledge, self.metrics, self.alerts, clock)
        point(self.alerts, settings, self._http)
        account = Account(
            lambda: self.planner.book,
            lambda: self.phone.connector if self.settings.can_call_back else None,
            self._connector,
            lambda: self.settings.alerts_to,
            lambda: self.settings.server.admin_url,
        )
        self.numbers = Numbers(store, account, clock, woken=self.worker.call, once=self.roster.once)
        self.presence = Presence(store, clock, self._learn_outages)
        self.fetching = Fetching(store, self.intake, clock)
        self.fetching.use(settings, client(settings, self._http))
        self.deeds = Deeds(
            store,
            self.planner,
            self.upkeep,
            clock,
            done=self._done_by_hand,
            texts_on=self.steady.believe,
            say_mode=self._say_mode,
            connectors=lambda: self.worker.channels,
            check=lambda name: checked(self.worker.channels[name]),
            sweep=self.fetching.sweep,
            replay=Replay(store, self.planner, clock, self._recall, lambda: self.worker.channels),
            numbers=self.numbers,
        )
        self.confirming = Confirming(store, client(settings, self._http), clock, confirmed=self.planner.call)
        self._listeners = Listeners(self._http.own)
        self._stalls = StallWatch(WATCH_EVERY, self.metrics.stalled)

    async def start(self) -> None:
        """Prepare, listen, and set everything going.

        Raises:
            OSError: an address cannot be listened on.
        """
        if self.store.shared:
            await self.roster.beat()
        await self.prepare()
        if (trouble := self.store.engine_trouble) is not None:
            log.warning(trouble[0], remedy=trouble[1])
        if self._has_intake:
            self.public_port = await self._open_door()
        self.admin_port = await self._open_admin()
        self._stalls.start()
        self.loops.keep("ledger", self._watch)
        self.loops.keep("roster", self.roster.run)
        if self._has_worker:
            self._set_to_work()

    async def prepare(self) -> None:
        """Free what an earlier process held, remember the rules in force, and learn the rules still owed."""
        self.steady.begin(await take_up(self.store, settle=self.settings.policy.settle, now=self._clock()))
        await self.knowledge.learn_numbers()
        await self.knowledge.remember(self.settings)
        await self.learn_modes()
        await self._bury_orphans(self.settings)
        self.metrics.connectors(self.settings.connectors)
        self._rereading.note([])

    async def stop(self) -> None:
        """Take nothing new, finish what is under way, and close: 24 s in all, whatever hangs."""
        left = Countdown(STOP)
        self.door.draining = True
        self._stalls.stop()
        await left.spend(self.loops.stop())
        # The door stays open meanwhile and answers 503, so that senders know to come again.
        await self.worker.drain(left.seconds - 5.0)
        await left.spend(self._listeners.close(), keep=2.0)
        await left.spend(self.intake.drain(), keep=1.5)
        await left.spend(asyncio.to_thread(self._traces.close), keep=1.2)
        await left.spend(asyncio.gather(*(http.close() for http in (*self._outgrown, self._http))), keep=1.0)
        await left.spend(self.roster.leave(), keep=0.5)
        await left.spend(self.store.close())

    async def _open_door(self) -> int:
        server = self.settings.server
        proxies = tuple(server.trusted_proxies)
        return await self._listeners.open(self.door.app(), server.listen, way=self.door.quickly, proxies=proxies)

    async def _open_admin(self) -> int:
        server = self.settings.server
        dashboard = Dashboard(self.store, self._clock, self.shown, self.deeds)
        admin = Admin(
            self.store,
            self.metrics,
            self._clock,
            token=self.settings.admin_token,
            view_token=self.settings.view_token,
            hosts=host_names(self.settings),
            secure_hosts=secure_names(self.settings),
            ready=self.not_ready,
            deeds=self.deeds,
            trusted=tuple(server.trusted_proxies),
            shown=self.shown,
            faces=dashboard,
            pages=dashboard.routes(),
            ended=dashboard.end,
        )
        return await self._listeners.open(admin.app(), server.admin)

    def _set_to_work(self) -> None:
        self.store.on_call(self._called_by_others)
        self.loops.keep("planner", self.planner.run, beat=lambda: self.planner.turned_at)
        self.loops.keep("worker", self.worker.run, beat=lambda: self.worker.turned_at)
        self.loops.keep("text alarms", self._text_alarms.run)
        self._keep_duty("clock", self._run_by_the_clock)
        self.phone.listen(self.settings, self._keep_duty)
        self._keep_duty("backfill", self.fetching.run)
        self._keep_duty("confirm", self.confirming.run)
        unanswered = Unanswered(self.store, self.intake, self._clock, lambda: self.settings.unanswered)
        self._keep_duty("unanswered", unanswered.run)
        self._keep_duty("upkeep", self.upkeep.run)
        self._keep_duty("alerts", self.alerts.run)
        self._keep_duty(Turn.DUTY, self.numbers.run)
        self.loops.keep("presence", self.presence.run)

    def _keep_duty(self, name: str, loop: Callable[[], Awaitable[None]]) -> None:
        """Keep a loop that one relay runs for all."""
        self.loops.keep(name, partial(self.roster.on_duty, name, loop))

    async def _run_by_the_clock(self) -> None:
        """What was missed while down is fetched first: a number that rang then must not look silent."""
        await self.presence.look()
        await self.fetching.caught_up()
        await self.presence.look()
        await self.clock.run()

    async def _watch(self) -> None:
        """Look at the ledger, the clock and the loops, every second."""
        while True:
            self._stalls.beat()
            self.loops.look()
            if getattr(self.store, "broken", None):
                log.critical("the ledger failed", why=self.store.broken)  # type: ignore[attr-defined]
                self.failed.set()
            else:
                await watch_clock(self.steady, self.store, self._clock)
            await asyncio.sleep(WATCH_EVERY)

    def not_ready(self) -> list[str]:
        """Why the relay does not do its work; nothing when it does."""
        reasons = self.loops.reasons()
        if (strained := getattr(self.store, "strained", None)) is not None:
            reasons.append(f"ledger: {strained}")
        if self.door.draining:
            reasons.append("stopping")
        return reasons

    def shown(self) -> Shown:
        """What this relay shows of itself."""
        under_way = self.worker.under_way
        rules, channels = self.planner.book.rules, self.worker.channels
        return show(self.settings, rules, channels, under_way, self._rereading.last, self.not_ready())

    def _connector(self, name: str) -> Connector[Any, Any] | None:
        channel = self.worker.channels.get(name)
        return None if channel is None else channel.connector

    def _planned(self) -> None:
        self.worker.call()

    def _called_by_others(self) -> None:
        self.planner.call()
        self.worker.call()
        self.numbers.call()

    def _done_by_hand(self) -> None:
        self.worker.gates.forget()
        self.worker.call()
        self.store.call_others()

    async def _say_mode(self, rule: str, mode: Mode) -> dict[str, Any]:
        """Switch a rule by hand, at once."""
        said = await self.knowledge.modes.say(self.settings, rule, mode)
        self._write_book()
        self.clock.call()
        return said

    async def _recall(self, versions: Collection[str]) -> None:
        """Read rules in older wordings, which what is done again names."""
        if await self.knowledge.recall(self.settings, versions):
            self._write_book()

    def _write_book(self) -> None:
        """Let the planner judge by the settings in force and by all that is known."""
        self.planner.book = self.knowledge.book(self.settings, self._http)

    async def learn_modes(self) -> list[str]:
        """Learn what was said of rules by hand; a process that does not start needs no more.

        Answers what of it cannot hold now, a sentence each.
        """
        await self.knowledge.modes.learn(self.settings)
        self._write_book()
        return self.knowledge.modes.not_held(self.settings)

    def _learn_outages(self, outages: tuple[Outage, ...]) -> None:
        self.knowledge.outages = outages
        self.planner.book = self.knowledge.told(self.planner.book)

    async def _learn_numbers(self) -> None:
        await self.knowledge.learn_numbers()
        self.planner.book = self.knowledge.told(self.planner.book)

    async def _learn_modes(self) -> None:
        """What somebody said of a rule, or of a connector, through another relay."""
        if await self.knowledge.modes.learn_news(self.settings):
            self._write_book()
            self.clock.call()
        self.worker.gates.forget()

    def _heard(self) -> float | None:
        return self.phone.heard()

    async def _learn_heard(self) -> None:
        """When whoever reads the list of texts for all read it last."""
        if not self.roster.holds("replies"):
            await self.phone.learn_heard()

    async def _learn_rules(self) -> None:
        """Rules in wordings that other relays run: until they are read, nothing is taken that names them."""
        await self.knowledge.remember(self.settings)
        self._write_book()
        await self._bury_orphans(self.settings)

    async def _bury_orphans(self, settings: Settings) -> None:
        """Not while another relay runs another file, which may still have the connector."""
        if self._others.agree:
            await bury_orphans(self.store, settings.connectors, now=self._clock())

    async def _share_rates(self) -> None:
        """A rate is the service's own limit, however many relays there are."""
        self.worker.channels = self._shared(self.worker.channels)

    def _shared(self, channels: Mapping[str, Channel]) -> dict[str, Channel]:
        return {name: channel.shared_by(1 + self.roster.other_hands) for name, channel in channels.items()}

    async def reload(
        self,
        path: Path,
        environment: Mapping[str, str],
        rehearse: Callable[[Settings], Awaitable[list[Mistake]]] | None = None,
    ) -> bool:
        """Read the file again and swap everything it says, or change nothing; answers whether it was good.

        `rehearse` plays the file's own tests, and answers those that fail: such a file is not used either.
        """
        settings = await self._rereading.read(path, environment, rehearse)
        if settings is None:
            return False
        self._swap(settings)
        await self._bury_orphans(settings)
        log.info("configuration reloaded", rules=len(settings.rules), version=settings.version)
        self.planner.call()
        self.worker.call()
        self.clock.call()
        return True

    def _swap(self, settings: Settings) -> None:
        """Put new settings in force, in one step that nothing comes between."""
        before = self.settings
        if (settings.server, settings.store) != (before.server, before.store):
            log.warning("a change of server or store takes effect at the next start")
        if settings.network != before.network:
            self._outgrown.append(self._http)
            self._http = Http(settings.network, self._http.own)
        in_force = channels(settings, self._connectors, self._http)
        self.knowledge.outdate(before.rules)
        self.settings = settings
        self._write_book()
        self.worker.channels = self._shared(in_force)
        self.door.sources = settings.sources
        self.upkeep.retention = settings.retention
        point(self.alerts, settings, self._http)
        self.fetching.use(settings, client(settings, self._http))
        self.confirming.client = client(settings, self._http)
        self.metrics.connectors(settings.connectors)
        self._rereading.note([])
        if self._has_worker:
            self.phone.listen(settings, self._keep_duty)
