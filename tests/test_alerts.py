"""Alerts: what is seen, what is told of it, when it is told again, and that chance alone rings nobody."""

import datetime as dt
import random
from dataclasses import replace

import pytest

from connectors.table import CONNECTORS
from relay.alerts import Alerts, Sight, listen, troubles
from relay.alerts.words import news
from relay.connector import Connector
from relay.errors import Unavailable
from relay.hours import Business
from relay.models import Alert, Standing, State
from relay.store import RequestNote
from relay.store.pages import Traffic
from tests.store.ledger import NOW, accept, claimed, event, nothing_owed, owe, owed, plan, settle, text
from tests.working import Note, Service

CHICAGO = Business.read("America/Chicago", closed=["2026-03-09"])
HOUR, DAY = 3600.0, 86400.0


class Bell(Service):
    """Somebody who is told."""

    @classmethod
    def notice(cls, subject, text):
        return {"message": f"{subject}\n{text}"}

    @property
    def heard(self):
        return [job.action.message for job in self.jobs]


@pytest.fixture
def bell():
    return Bell()


@pytest.fixture
def alerts(ledger, clock, bell):
    clock.now = NOW
    it = Alerts(ledger, clock)
    it.to, it.hours, it.business = bell, CHICAGO, "Bright Plumbing"
    return it


@pytest.fixture
def passes(alerts, clock):
    """Time passes, and then the relay looks and tells once."""

    async def later(seconds=0.0):
        clock.now += seconds
        await alerts.look()
        await alerts.tell()

    return later


def causes(**seen):
    return [trouble.cause for trouble in troubles(Sight(now=NOW, **seen))]


def refusal(at=NOW, reason="proof missing"):
    return RequestNote("refused", at, "callscaler", 401, reason, "192.0.2.1")


OPEN = Standing("crm", opened_at=NOW, probe_at=NOW, wait=5.0, fault="answered 503")
PAUSED = Standing("crm", paused_at=NOW, paused_by="relay", paused_why="answered 410")


@pytest.mark.parametrize(
    ("seen", "cause"),
    [
        ({"owed_since": {"crm": NOW - 301}}, "overdue:crm"),
        ({"standings": {"crm": OPEN}}, "breaker:crm"),
        ({"standings": {"crm": PAUSED}}, "paused:crm"),
        ({"dead": {"crm": (1, "answered 404")}}, "dead:crm"),
        ({"doubtful_since": [NOW - 901]}, "unknown"),
        ({"disk_free": 0.09}, "disk"),
        ({"refused": [refusal()] * 20, "accepted_at": NOW}, "refused"),
        ({"refused": [refusal(NOW - 900)] * 3, "accepted_at": NOW - 901}, "refused"),
        ({"holes": 2}, "holes"),
        ({"busiest": 50}, "loop"),
        ({"restored": True}, "restored"),
        ({"parts": ["planner: KeyError: x"]}, "part:planner"),
        ({"reload": "relay.yaml:3:1: no"}, "reload"),
        ({"unwritten": "database is locked"}, "unwritten"),
        ({"erring": {"Text back": 3}}, "rule:Text back"),
    ],
)
def test_each_trouble_is_seen_and_told_with_what_to_do(seen, cause):
    [trouble] = troubles(Sight(now=NOW, **seen))
    assert trouble.cause == cause
    assert trouble.what
    assert trouble.remedy


@pytest.mark.parametrize(
    "seen",
    [
        {"owed_since": {"crm": NOW - 299}},
        {"standings": {"crm": Standing("crm")}},
        {"doubtful_since": [NOW - 899]},
        {"disk_free": 0.11},
        {"refused": [refusal()] * 19, "accepted_at": NOW},
        {"refused": [refusal(NOW - 900)] * 2},
        {"refused": [refusal(NOW - 900)] * 3, "accepted_at": NOW - 800},
        {"busiest": 49},
    ],
)
def test_what_is_as_it_should_be_is_no_trouble(seen):
    assert causes(**seen) == []


def test_what_waits_for_an_open_breaker_or_a_pause_is_one_trouble_not_two():
    assert causes(owed_since={"crm": NOW - 999}, standings={"crm": OPEN}) == ["breaker:crm"]
    assert causes(owed_since={"crm": NOW - 999}, standings={"crm": PAUSED}) == ["paused:crm"]


async def test_trouble_is_told_once_reminded_of_and_told_to_be_over(passes, ledger, bell, clock):
    await ledger.save_breaker(OPEN)
    await passes()
    await passes(HOUR)
    assert len(bell.heard) == 1
    assert bell.heard[0].startswith("Bright Plumbing: crm does not answer (answered 503)")
    assert "What to do: nothing is lost" in bell.heard[0]
    await passes(3 * HOUR)
    assert "Still, for 4h: crm does not answer" in bell.heard[1]
    await passes(23 * HOUR)
    assert len(bell.heard) == 2
    await passes(HOUR)
    assert len(bell.heard) == 3
    await ledger.save_breaker(Standing("crm"))
    await passes(15)
    assert len(bell.heard) == 3
    await passes(60)
    assert "Over: crm does not answer (answered 503); what is owed to it waits (after 28h)" in bell.heard[3]
    await passes(DAY)
    assert len(bell.heard) == 4
    assert await ledger.alerts(open_only=True) == ()


async def test_what_comes_and_goes_is_told_once(passes, ledger, bell):
    for _ in range(9):
        await ledger.save_breaker(OPEN)
        await passes(15)
        await ledger.save_breaker(Standing("crm"))
        await passes(15)
    assert len(bell.heard) == 1


async def test_several_troubles_are_one_message(passes, ledger, bell):
    await ledger.save_breaker(OPEN)
    await ledger.pause("desk", "answered 410", by="relay", now=NOW)
    await passes()
    assert len(bell.heard) == 1
    assert bell.heard[0].startswith("Bright Plumbing: 2 problems")


async def test_somebody_who_cannot_be_told_is_told_later_under_the_same_key(passes, ledger, bell):
    bell.outcomes = [Unavailable("down"), ValueError("broken")]
    await ledger.save_breaker(OPEN)
    await passes()
    await passes(30)
    assert len(bell.jobs) == 1
    await passes(31)
    await passes(61)
    await passes(61)
    assert len(bell.jobs) == 3
    assert len({job.key for job in bell.jobs}) == 1
    assert (await ledger.alerts())[0].told == 1


async def test_what_was_told_is_not_told_again_by_the_next_process(passes, ledger, bell, clock):
    await ledger.save_breaker(OPEN)
    await passes()
    later = Alerts(ledger, clock)
    later.to = bell
    await later.look()
    await later.tell()
    assert len(bell.heard) == 1


async def test_without_anybody_to_tell_it_stands_in_the_ledger_and_the_log(alerts, ledger, capsys, caplog):
    alerts.to = None
    await ledger.save_breaker(OPEN)
    await alerts.look()
    await alerts.tell()
    [alert] = await ledger.alerts(open_only=True)
    assert (alert.cause, alert.told) == ("breaker:crm", 0)
    said = capsys.readouterr()
    assert "crm does not answer" in said.out + said.err + caplog.text  # wherever the log goes in this process


async def test_alerts_that_others_raise_are_told_and_left_to_them(passes, ledger, bell):
    await ledger.open_alert("ledger", "the sums are wrong", "look at it", now=NOW)
    await passes()
    await passes(60)
    assert "the sums are wrong" in bell.heard[0]
    assert [alert.cause for alert in await ledger.alerts(open_only=True)] == ["ledger"]


async def test_what_the_ledger_holds_is_seen(alerts, ledger, clock):
    await owe(ledger, owed("slow", connector="desk", due_at=NOW - 400), owed("d1", connector="crm"))
    [one] = await claimed(ledger, "crm")
    await settle(ledger, one, State.DEAD, settled_at=NOW, reason="answered 404")
    await accept(ledger, *(event(f"loop-{n}") for n in range(50)))
    await accept(ledger, replace(event("late", started_at=NOW - 3600), id="evt_late", late=True))
    for _ in range(20):
        await ledger.note_request(refusal())
    await alerts.look()
    assert {alert.cause for alert in await ledger.alerts()} == {"overdue:desk", "dead:crm", "loop", "holes", "refused"}
    clock.now += 2 * DAY
    await alerts.look()
    assert [alert.cause for alert in await ledger.alerts(open_only=True)] == ["overdue:desk"]


async def test_a_text_of_unknown_fate_is_told_of_after_a_quarter_of_an_hour(alerts, ledger, clock):
    await owe(ledger, text("t1", state=State.UNKNOWN, first_due_at=NOW))
    clock.now += 899
    await alerts.look()
    assert [alert.cause for alert in await ledger.alerts()] == []
    clock.now += 2
    await alerts.look()
    assert [alert.cause for alert in await ledger.alerts()] == ["unknown"]


def test_nothing_is_told_where_there_is_no_news():
    told = Alert(1, "disk", "full", "free it", NOW, told=1, told_at=NOW)
    assert news([told], "Us", NOW + 60) is None
    assert news([replace(told, told=0, told_at=None, closed_at=NOW + 9)], "Us", NOW + 999) is None


TELLERS = {kind for kind, cls in CONNECTORS.items() if cls.notice("s", "t") is not None}


def test_every_connector_that_tells_people_can_tell_an_alert():
    assert {"slack", "email", "webhook"} <= TELLERS
    assert "google_sheets" not in TELLERS
    assert Connector.notice("s", "t") is None
    for kind in TELLERS:
        CONNECTORS[kind].Action.model_validate(CONNECTORS[kind].notice("Us: <!channel> & co", "Problem: x\n" * 99))
    assert "<!channel>" not in str(CONNECTORS["slack"].notice("<!channel>", "<!here>"))
    assert Note.model_validate(Bell.notice("s", "t")).message == "s\nt"


def busy(day, per_hour, open_at=8, close_at=18):
    """An hour's calls for each open hour of a local day."""
    return [
        Traffic(int(CHICAGO.at(day, f"{hour:02}:00") // 3600), "+13125550142", "answered", per_hour(hour))
        for hour in range(open_at, close_at)
    ]


def week_after_week(per_hour, weeks=8, until=dt.date(2026, 3, 16)):
    """Mondays before this one."""
    return [one for back in range(1, weeks + 1) for one in busy(until - dt.timedelta(weeks=back), per_hour)]


def at(clock, day=dt.date(2026, 3, 16)):
    return CHICAGO.at(day, clock)


def test_nothing_where_there_were_always_calls_is_said_in_plain_words():
    quiet = listen(week_after_week(lambda _: 3), CHICAGO, at("11:05"))
    assert str(quiet) == "normally 9 calls by now, today 0"


def test_a_morning_like_every_other_followed_by_nothing_is_heard_too():
    today = busy(dt.date(2026, 3, 16), lambda _: 6, close_at=13)
    quiet = listen(week_after_week(lambda _: 6) + today, CHICAGO, at("16:10"))
    assert str(quiet) == "normally 18 calls in these 3 hours, today 0"


@pytest.mark.parametrize(
    ("traffic", "now"),
    [
        ([], at("11:05")),
        (week_after_week(lambda _: 3, weeks=2), at("11:05")),  # too little is known
        (week_after_week(lambda _: 3), at("09:30")),  # three calls can be missing by chance
        (week_after_week(lambda _: 3), at("03:00")),  # closed
        (week_after_week(lambda _: 1), at("11:05")),  # a quiet business
        (week_after_week(lambda _: 9) + busy(dt.date(2026, 3, 16), lambda _: 7), at("15:00")),
        (week_after_week(lambda _: 3, until=dt.date(2026, 3, 9)), at("11:05", dt.date(2026, 3, 9))),  # a closed day
        (week_after_week(lambda _: 3), at("11:05", dt.date(2026, 3, 15))),  # Sundays are always quiet
    ],
)
def test_what_may_well_be_chance_is_no_silence(traffic, now):
    assert listen(traffic, CHICAGO, now) is None


def test_a_day_that_was_closed_is_no_example():
    assert listen(week_after_week(lambda _: 3, weeks=3), CHICAGO, at("11:05")) is None
    assert listen(week_after_week(lambda _: 3, weeks=4), CHICAGO, at("11:05")) is not None


def test_chance_alone_cries_wolf_less_than_once_in_years():
    dice = random.Random(7)  # noqa: S311 - a game

    def some(_):
        return sum(dice.random() < 0.05 for _ in range(60))

    cries = 0
    for _ in range(60):
        calls = week_after_week(some) + busy(dt.date(2026, 3, 16), some)
        cries += any(listen(calls, CHICAGO, at(f"{hour:02}:05")) is not None for hour in range(9, 19))
    assert cries <= 1


async def test_silence_is_learnt_from_the_ledger_and_can_be_switched_off(alerts, ledger, clock):
    for week in range(1, 6):
        for n in range(12):
            began = at("10:00") - week * 7 * DAY + n
            await accept(ledger, event(f"w{week}-{n}", at=began, started_at=began))
    clock.now = at("11:05")
    await plan(ledger, nothing_owed, now=clock.now)
    alerts.silence = False
    await alerts.look()
    assert "silence" not in {alert.cause for alert in await ledger.alerts(open_only=True)}
    alerts.silence = True
    await alerts.look()
    [quiet] = [alert for alert in await ledger.alerts(open_only=True) if alert.cause == "silence"]
    assert quiet.what == "unusually few calls: normally 12 calls by now, today 0"
