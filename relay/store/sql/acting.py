"""The methods of the store protocol that people act through."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from relay.store.sql import answers, audit, modes, replays, standing, upkeep
from relay.store.sql.transactions import Transactions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from relay.models import Act, Delivery, Event, Plan, SaidMode
    from relay.store import Follow, Run, Windows
    from relay.store.answers import Asked
    from relay.store.replays import DecideAgain, DecideRun


class SqlActs(Transactions):
    """Opt-outs, switches, and what is owed done again or called off."""

    async def opt_out(self, person: str, *, now: float, how: str) -> int:
        return await self._write(partial(upkeep.opt_out, number=person, now=now, how=how))

    async def opt_in(self, person: str) -> bool:
        return await self._write(partial(upkeep.opt_in, number=person))

    async def opt_outs(self, *, limit: int, before: tuple[float, int] | None = None) -> list[dict[str, Any]]:
        return await self._read(partial(upkeep.opt_outs, limit=limit, before=before))

    async def switch_texts(self, *, off: bool) -> None:
        await self._write(partial(upkeep.switch_texts, off=off))

    async def texts_are_off(self) -> bool:
        return await self._read(upkeep.texts_are_off)

    async def retry(self, ids: Sequence[str], *, now: float) -> int:
        return await self._write(partial(upkeep.retry, ids=ids, now=now))

    async def cancel(self, ids: Sequence[str], follow: Follow, *, now: float) -> int:
        return await self._write(partial(upkeep.cancel, ids=ids, follow=follow, now=now))

    async def release(self, event: str, follow: Follow, *, now: float) -> int:
        return await self._write(partial(upkeep.release, event=event, follow=follow, now=now))

    async def quarantined(self, *, limit: int) -> list[Event]:
        return await self._read(partial(upkeep.quarantined, limit=limit))

    async def dead(
        self,
        *,
        since: float | None = None,
        rule: str | None = None,
        event: str | None = None,
        connector: str | None = None,
        after: int = 0,
        limit: int,
    ) -> list[Delivery]:
        return await self._read(
            partial(replays.dead, since=since, rule=rule, event=event, connector=connector, after=after, limit=limit)
        )

    async def run(self, name: str) -> Run | None:
        return await self._read(partial(replays.run, name=name))

    async def amend(self, run: str, decide: DecideRun) -> int:
        return await self._write(partial(replays.amend, run=run, decide=decide))

    async def replan(
        self,
        event: str,
        decide: DecideAgain,
        *,
        now: float,
        windows: Windows,
        prefix: Callable[[str], str],
        keep: bool = True,
    ) -> Plan | None:
        return await self._write(
            partial(replays.replan, event=event, decide=decide, now=now, windows=windows, prefix=prefix, keep=keep)
        )

    async def say_mode(self, said: SaidMode) -> None:
        await self._write(partial(modes.say_mode, said=said))

    async def said_modes(self) -> tuple[SaidMode, ...]:
        return await self._read(modes.said_modes)

    async def unsay_modes(self, rules: Sequence[str]) -> None:
        await self._write(partial(modes.unsay_modes, rules=rules))

    async def pause(self, connector: str, why: str, *, by: str, now: float) -> bool:
        return await self._write(partial(standing.pause, connector=connector, why=why, by=by, now=now))

    async def resume(self, connector: str) -> bool:
        return await self._write(partial(standing.resume, connector=connector))

    async def begin_act(self, key: str, what: str, *, now: float) -> Asked | None:
        return await self._write(partial(answers.begin_act, key=key, what=what, now=now))

    async def end_act(self, key: str, answer: str | None) -> None:
        await self._write(partial(answers.end_act, key=key, answer=answer))

    async def note_act(self, act: Act) -> int:
        return await self._write(partial(audit.note_act, act=act))

    async def tell_outcome(self, seq: int, outcome: str) -> None:
        await self._write(partial(audit.tell_outcome, seq=seq, outcome=outcome))

    async def acts(self, *, limit: int, before: int | None = None) -> list[Act]:
        return await self._read(partial(audit.acts, limit=limit, before=before))
