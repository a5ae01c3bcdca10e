"""Puts the parts together: one relay, from its settings and the table of connector classes."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from relay import server
from relay.admin import Admin
from relay.alerts import Alerts
from relay.app.countdown import Countdown
from relay.app.modes import SaidModes
from relay.app.others import Others
from relay.app.parts import Unset, channel, checked, disk_free, host_names, lane, secure_names, swept, trace
from relay.app.presence import Presence
from relay.app.showing import show
from relay.app.stall import StallWatch
from relay.app.steady import Steady, watch_clock
from relay.app.supervisor import Supervisor
from relay.backfill import Backfill, Rhythm
from relay.callscaler import CallScaler
from relay.clock import Clock, history_of
from relay.confirm import Confirming
from relay.dashboard import Dashboard
from relay.deeds import Deeds
from relay.errors import ConfigError, DeliveryFailed, StoreBusy
from relay.http import Http
from relay.intake import Intake
from relay.metrics import Metrics
from relay.models import CALLSCALER
from relay.moving import Account, Numbers
from relay.planner import Book, Planner
from relay.replay import Replay
from relay.replies import MARK as REPLIES
from relay.replies import Replies
from relay.roster import Roster
from relay.rules import version_of_all
from relay.rules.steps import RELAY
from relay.server import Door
from relay.settings import read_settings
from relay.settings.forms import read_address
from relay.shown import Reload
from relay.text_alarms import TextAlarms
from relay.texting import Blocks, PhoneConnector
from relay.unanswered import Unanswered
from relay.upkeep import Upkeep
from relay.worker import Channel, Worker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from aiohttp import web

    from relay.connector import Connector
    from relay.errors import Mistake
    from relay.models import Mode, Outage, Owned
    from relay.rules import Rule
    from relay.settings import Settings
    from relay.shown import Shown
    from relay.store import Store

log = structlog.get_logger(__name__)

NUMBERS_EVERY = 600.0
NUMBERS_AGAIN = 30.0
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
        """`connectors` are the classes by type; `intake` and `worker` say which halves of the relay run."""
        self.settings = settings
        self.store = store
        self.metrics = Metrics()
        self.public_port = self.admin_port = 0
        self._connectors = connectors
        self._clock = clock = clock or store.clock
        self._has_intake, self._has_worker = intake, worker
        self._http = Http(settings.network)
        self._outgrown: list[Http] = []
        """Clients of earlier settings, which what is under way may still use."""
        self._numbers: list[Owned] = []
        self._old: dict[str, Rule] = {}
        self._reload: Reload | None = None
        self._history: float | None = None
        """Since when the ledger keeps calls without a hole, Unix seconds."""
        self._modes = SaidModes(store, clock)
        self.steady = Steady(clock)
        self._blocks = Blocks()
        self._text_alarms = TextAlarms(store, clock)
        self._others = Others(
            lambda: self.planner.book.version,
            learn=(self._learn_own, self._learn_modes, self._learn_heard, self._share_rates),
            learn_rules=(self._learn_rules,),
        )
        roles = [name for name, has in (("intake", intake), ("worker", worker)) if has]
        self.roster = Roster(store, roles=roles, config=lambda: self.planner.book.version, beaten=self._others.beaten)
        self._outages: tuple[Outage, ...] = ()
        self.planner = Planner(store, clock, self.metrics, self._book(settings), planned=self._planned)
        self.worker = Worker(store, self.planner, self._channels(settings), clock, self.metrics)
        self.intake = Intake(store, clock, self.metrics, arrived=self.planner.call)
        self.planner.let_in = self.intake.let_in
        self._traces = trace(self.intake, self.planner, self.worker)
        self.clock = Clock(store, self.intake, clock, lambda: self.planner.book)
        self.door = Door(self.intake, settings.sources, tuple(settings.server.trusted_proxies))
        self.upkeep = Upkeep(store, clock, settings.retention)
        self.loops = Supervisor()
        self.alerts = Alerts(store, clock, free=partial(disk_free, store), parts=self.loops.reasons)
        self._point_alerts(settings)
        account = Account(
            lambda: self.planner.book, self._phone, self._connector, lambda: self.settings.alerts_to, self._admin_url
        )
        self.numbers = Numbers(store, account, clock, woken=self._planned)
        self.presence = Presence(store, clock, self._learn_outages)
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
            sweep=lambda since: swept(self.backfill, since),
            replay=Replay(store, self.planner, clock, self._recall, lambda: self.worker.channels),
            numbers=self.numbers,
        )
        self.backfill = self._backfill(settings)
        self.confirming = Confirming(store, self._client(settings), clock, confirmed=self.planner.call)
        self._runners: list[web.AppRunner] = []
        self._stalls = StallWatch(WATCH_EVERY, self.metrics.stalled)
        self.replies: Replies | None = None
        """Reads inbound texts; None while the phone system is not set up."""
        self._caught_up = asyncio.Event()
        """Set once the first sweep after the start has been tried."""
        self.failed = asyncio.Event()
        """Set when the ledger can no longer be trusted: the process must end and be started again."""

    def _point_alerts(self, settings: Settings) -> None:
        """Tell whoever these settings name."""
        to = None if settings.alerts_to is None else settings.connectors[settings.alerts_to]
        self.alerts.to = None if to is None else to.cls(to.options, self._http)
        self.alerts.silence, self.alerts.hours = settings.alerts_silence, settings.about.hours
        self.alerts.business = settings.about.name

    def _planned(self) -> None:
        self.worker.call()

    def _called_by_others(self) -> None:
        self.planner.call()
        self.worker.call()

    def _done_by_hand(self) -> None:
        self.worker.gates.forget()
        self.worker.call()

    def _client(self, settings: Settings) -> CallScaler:
        form = settings.callscaler
        return CallScaler(self._http, api_key=form.api_key, base_url=form.base_url, timeout=form.timeout)

    def _backfill(self, settings: Settings) -> Backfill | None:
        """Reads calls through the API, for the source of type callscaler; None where either is not set up."""
        source = _phone_source(settings)
        if source is None or not settings.can_call_back:
            return None
        form = settings.callscaler
        rhythm = Rhythm(form.backfill.every, form.backfill.after, form.backfill.enrich_after)
        return Backfill(self.store, self.intake, self._client(settings), self._clock, source, rhythm)

    async def prepare(self) -> None:
        """Free what an earlier process held, remember the rules in force, and learn the rules still owed."""
        now = self._clock()
        freed = await self.store.free_leases(now=now, settle=self.settings.policy.settle, everything=True)
        if freed:
            log.info("taken up again what was under way", deliveries=freed)
        newest = await self.store.events(limit=1)
        self.steady.begin(newest[0].received_at if newest else None)
        if await self.store.restored():
            erased = await self.store.forget_again(now=now)
            log.error("this ledger was restored from a copy: texts are held until `relay texts on --after-restore`")
            if erased:
                log.warning("people who were erased after that copy was made are erased again", rows=erased)
        self._numbers = await self.store.numbers()
        self._history = await history_of(self.store, now)
        await self._remember_rules(self.settings)
        await self._modes.learn(self.settings)
        self.planner.book = self._book(self.settings)
        await self._bury_orphans(self.settings)
        self.metrics.connectors(self.settings.connectors)
        self._read([])

    async def _remember_rules(self, settings: Settings) -> None:
        """Keep the wording of these rules, and read the older ones that something owed still names."""
        for version, (name, form) in settings.written_rules.items():
            await self.store.save_rule(version, name, form, self._clock())
        in_force = {rule.version for rule in settings.rules}
        for version, form in await self.store.owed_versions():
            if version not in in_force and version not in self._old:
                rule = settings.read_old_rule(version, form)
                if rule is not None:
                    self._old[version] = rule

    async def _recall(self, versions: Collection[str]) -> None:
        """Read rules in older wordings, which what is done again names."""
        in_force = {rule.version for rule in self.settings.rules}
        missing = set(versions) - in_force - set(self._old)
        for version, form in await self.store.rule_forms(missing):
            rule = self.settings.read_old_rule(version, form)
            if rule is not None:
                self._old[version] = rule
        if missing:
            self.planner.book = self._book(self.settings)

    async def _bury_orphans(self, settings: Settings) -> None:
        """What is owed to a connector that is gone from the file is dead, with the reason.

        Not while another relay runs another file, which may still have it.
        """
        if not self._others.agree:
            return
        kept = {*settings.connectors, CALLSCALER, RELAY}
        for name in await self.store.owed_connectors() - kept:
            buried = await self.store.bury(name, f"there is no connector {name} any more", now=self._clock())
            log.error("owed to a connector that is no longer set up", connector=name, deliveries=buried)

    async def start(self) -> None:
        """Prepare, listen, and set everything going.

        Raises:
            OSError: an address cannot be listened on.
        """
        if self.store.shared:
            await self.roster.beat()
            self.store.on_call(self._called_by_others)
        await self.prepare()
        if (trouble := self.store.engine_trouble) is not None:
            log.warning(trouble[0], remedy=trouble[1])
        if self._has_intake:
            host, port = read_address(self.settings.server.listen)
            proxies = tuple(self.settings.server.trusted_proxies)
            runner, self.public_port = await server.listen(
                self.door.app(), host, port, way=self.door.quickly, proxies=proxies
            )
            self._http.own.add((host, self.public_port))
            self._runners.append(runner)
        host, port = read_address(self.settings.server.admin)
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
            trusted=tuple(self.settings.server.trusted_proxies),
            shown=self.shown,
            faces=dashboard,
            pages=dashboard.routes(),
            ended=dashboard.end,
        )
        runner, self.admin_port = await server.listen(admin.app(), host, port)
        self._http.own.add((host, self.admin_port))
        self._runners.append(runner)
        self._stalls.start()
        self.loops.keep("ledger", self._watch)
        self.loops.keep("roster", self.roster.run)
        if self._has_worker:
            self.loops.keep("planner", self.planner.run, beat=lambda: self.planner.turned_at)
            self.loops.keep("worker", self.worker.run, beat=lambda: self.worker.turned_at)
            self.loops.keep("text alarms", self._text_alarms.run)
            self._keep_duty("clock", self._run_by_the_clock)
            self._listen_to_the_phone_system()
            self._keep_duty("backfill", self._fetch_missed)
            self._keep_duty("confirm", self.confirming.run)
            unanswered = Unanswered(self.store, self.intake, self._clock, lambda: self.settings.unanswered)
            self._keep_duty("unanswered", unanswered.run)
            self._keep_duty("upkeep", self.upkeep.run)
            self._keep_duty("alerts", self.alerts.run)
            self._keep_duty("numbers' runs", self.numbers.run)
            self.loops.keep("presence", self.presence.run)

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
        return show(
            self.settings, self.planner.book.rules, self.worker.channels, under_way, self._reload, self.not_ready()
        )

    def _read(self, mistakes: Sequence[object]) -> None:
        """Note how the configuration was last read."""
        self.metrics.reloaded(good=not mistakes)
        self.alerts.reload = str(mistakes[0]) if mistakes else None
        self._reload = Reload(self._clock(), tuple(str(mistake) for mistake in mistakes))

    async def stop(self) -> None:
        """Take nothing new, finish what is under way, and close: 24 s in all, whatever hangs."""
        left = Countdown(STOP)
        self.door.draining = True
        self._stalls.stop()
        await left.spend(self.loops.stop())
        # The door stays open meanwhile and answers 503, so that senders know to come again.
        await self.worker.drain(left.seconds - 5.0)
        await left.spend(asyncio.gather(*(runner.cleanup() for runner in self._runners)), keep=2.0)
        await left.spend(self.intake.drain(), keep=1.5)
        await left.spend(asyncio.to_thread(self._traces.close), keep=1.2)
        await left.spend(asyncio.gather(*(http.close() for http in (*self._outgrown, self._http))), keep=1.0)
        await left.spend(self.roster.leave(), keep=0.5)
        await left.spend(self.store.close())

    def _keep_duty(self, name: str, loop: Callable[[], Awaitable[None]]) -> None:
        """Keep a loop that one relay runs for all."""
        self.loops.keep(name, partial(self.roster.on_duty, name, loop))

    async def _fetch_missed(self) -> None:
        """Sweep with whatever settings are in force."""
        while True:
            backfill = self.backfill
            if backfill is None:
                await asyncio.sleep(NUMBERS_AGAIN)
                continue
            await backfill.step()
            self._caught_up.set()
            await asyncio.sleep(backfill.pause)

    async def _run_by_the_clock(self) -> None:
        """What was missed while down is fetched first: a number that rang then must not look silent."""
        await self.presence.look()
        if self.backfill is not None:
            await self._caught_up.wait()
        await self.presence.look()
        await self.clock.run()

    def _phone(self) -> PhoneConnector | None:
        """The phone system, where it is set up."""
        connector = self._connector(CALLSCALER) if self.settings.can_call_back else None
        return connector if isinstance(connector, PhoneConnector) else None

    def _connector(self, name: str) -> Connector[Any, Any] | None:
        channel = self.worker.channels.get(name)
        return None if channel is None else channel.connector

    def _admin_url(self) -> str:
        return self.settings.server.admin_url

    def _learn_outages(self, outages: tuple[Outage, ...]) -> None:
        self._outages = outages
        self.planner.book = replace(self.planner.book, about=replace(self.planner.book.about, outages=outages))

    async def learn_modes(self) -> None:
        """Learn what was said of rules by hand, for a process that does not start."""
        await self._modes.learn(self.settings)
        self.planner.book = self._book(self.settings)

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

    async def _read_numbers(self) -> None:
        """Keep the list of the business's numbers fresh: rules know their groups, and none of them is ever texted."""
        while True:
            channel = self.worker.channels.get(CALLSCALER)
            pause = NUMBERS_EVERY
            if channel is not None and isinstance(channel.connector, PhoneConnector):
                try:
                    await self.store.save_numbers(await channel.connector.owned(self._clock()))
                    await self._learn_own()
                except (DeliveryFailed, StoreBusy) as error:
                    log.warning("the list of numbers could not be read", why=str(error))
                    pause = NUMBERS_AGAIN
            await asyncio.sleep(pause)

    async def _learn_own(self) -> None:
        self._numbers = await self.store.numbers()
        book = self.planner.book
        self._history = await history_of(self.store, self._clock())
        policy = book.policy.knowing(self._numbers)
        about = replace(book.about, history=self._history)
        self.planner.book = replace(book, policy=policy, about=about)

    async def _learn_modes(self) -> None:
        """What somebody said of a rule, or of a connector, through another relay."""
        before = self._modes.rules(self.settings)
        await self._modes.learn(self.settings)
        if self._modes.rules(self.settings) != before:
            self.planner.book = self._book(self.settings)
            self.clock.call()
        self.worker.gates.forget()

    async def _learn_heard(self) -> None:
        """When whoever reads the list of texts for all read it last."""
        if self.replies is not None and not self.roster.holds("replies"):
            self.replies.heard_at = await self.store.mark(REPLIES)

    async def _share_rates(self) -> None:
        """A rate is the service's own limit, however many relays there are."""
        self.worker.channels = self._shared(self.worker.channels)

    def _shared(self, channels: Mapping[str, Channel]) -> dict[str, Channel]:
        workers = 1 + sum("worker" in node.roles for node in self.roster.others)
        return {name: channel.shared_by(workers) for name, channel in channels.items()}

    async def _learn_rules(self) -> None:
        """Rules in wordings that other relays run: until they are read, nothing is taken that names them."""
        await self._remember_rules(self.settings)
        self.planner.book = self._book(self.settings)
        await self._bury_orphans(self.settings)

    async def reload(
        self,
        path: Path,
        environment: Mapping[str, str],
        rehearse: Callable[[Settings], Awaitable[list[Mistake]]] | None = None,
    ) -> bool:
        """Read the file again and swap everything it says, or change nothing; answers whether it was good.

        `rehearse` plays the file's own tests, and answers those that fail: such a file is not used either.
        """
        try:
            settings = read_settings(path, self._connectors, environment)
            mistakes = [] if rehearse is None else await rehearse(settings)
        except ConfigError as error:
            mistakes = error.mistakes
        for mistake in mistakes:
            log.error("the changed configuration is not used", mistake=str(mistake))
        if mistakes:
            self._read(mistakes)
            return False
        try:
            await self._remember_rules(settings)
            await self._modes.learn(settings)
        except (StoreBusy, OSError) as error:
            log.error("the changed configuration is not used", why=str(error))
            self._read([error])
            return False
        for warning in settings.warnings:
            log.warning("worth a look", warning=str(warning))
        self._swap(settings)
        await self._bury_orphans(settings)
        log.info("configuration reloaded", rules=len(settings.rules), version=settings.version)
        self.planner.call()
        self.worker.call()
        self.clock.call()
        return True

    async def _say_mode(self, rule: str, mode: Mode) -> dict[str, Any]:
        """Switch a rule by hand, at once."""
        said = await self._modes.say(self.settings, rule, mode)
        self.planner.book = self._book(self.settings)
        self.clock.call()
        return said

    def _swap(self, settings: Settings) -> None:
        """Put new settings in force, in one step that nothing comes between."""
        before = self.settings
        if (settings.server, settings.store) != (before.server, before.store):
            log.warning("a change of server or store takes effect at the next start")
        if settings.network != before.network:
            self._outgrown.append(self._http)
            self._http = Http(settings.network, self._http.own)
        channels = self._channels(settings)
        self._old |= {rule.version: rule for rule in before.rules}
        self.settings = settings
        self.planner.book = self._book(settings)
        self.worker.channels = self._shared(channels)
        self.door.sources = settings.sources
        self.upkeep.retention = settings.retention
        self.backfill = self._backfill(settings)
        self._point_alerts(settings)
        self.confirming.client = self._client(settings)
        self.metrics.connectors(settings.connectors)
        self._read([])
        if self._has_worker:
            self._listen_to_the_phone_system()

    def _listen_to_the_phone_system(self) -> None:
        """Keep its numbers and inbound texts read, from the moment that it is set up."""
        channel = self.worker.channels.get(CALLSCALER)
        if CALLSCALER not in self.settings.connectors or channel is None:
            return
        phone = channel.connector
        if not isinstance(phone, PhoneConnector):
            return
        if self.replies is not None:
            self.replies.phone = phone
            return
        source = _phone_source(self.settings) or CALLSCALER
        self.replies = Replies(self.store, self.intake, phone, self._clock, source)
        self._keep_duty("replies", self.replies.run)
        self._keep_duty("numbers", self._read_numbers)

    def _heard(self) -> float | None:
        """When the list of texts was last read, Unix seconds; endless where there is no phone system to ask."""
        return math.inf if self.replies is None else self.replies.heard_at

    def _channels(self, settings: Settings) -> dict[str, Channel]:
        channels = {name: channel(item, self._http) for name, item in settings.connectors.items()}
        table = self._connectors.get(CALLSCALER)
        if CALLSCALER not in channels and table is not None:
            # Shadow rules may text without a key: their texts are judged and written down, and never leave.
            channels[CALLSCALER] = Channel(CALLSCALER, Unset(table))
        return channels

    def _book(self, settings: Settings) -> Book:
        lanes = {name: lane(item, self._http) for name, item in settings.connectors.items()}
        rules = self._modes.rules(settings)
        return Book(
            rules=rules,
            about=replace(settings.about, history=self._history, outages=self._outages),
            policy=settings.policy.knowing(self._numbers),
            version=version_of_all(rules),
            rings_people=settings.rings_people,
            old=dict(self._old),
            lanes=lanes,
            scorecard=settings.spam,
            heard=self._heard,
            doubt=self.steady.doubt,
            blocks=self._blocks,
            alarm=self._text_alarms.note,
            brakes=settings.regrouping.brakes,
            groups=settings.regrouping.groups,
        )


def _phone_source(settings: Settings) -> str | None:
    """The name of the source that calls of the phone system belong to."""
    return next((name for name, source in settings.sources.items() if source.type == CALLSCALER), None)
