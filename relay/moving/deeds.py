"""What people do with numbers, as the command line, the admin listener and the dashboard ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field as Key

from relay import phone
from relay.errors import DeliveryFailed
from relay.models import Form
from relay.moving.refused import Refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from relay.moving.numbers import Numbers


class _Nothing(Form):
    """A deed that needs no telling."""


class _MaybeRun(Form):
    run: str | None = Key(default=None, min_length=1, max_length=64)


class _Run(Form):
    run: str = Key(min_length=1, max_length=64)


class _Some(Form):
    numbers: list[str] = Key(default=[], max_length=1000)


def deeds_of(
    numbers: Numbers, who: Callable[[], str]
) -> Mapping[str, tuple[type[Form], Callable[[Any], Awaitable[dict[str, Any]]]]]:
    """The deeds by name, each with the form of what it is given; `who` names whoever asks.

    Each answers a run or a plan as JSON; `refused` says why it was not done, `failed` that the phone system did not
    answer.
    """

    async def plan(_: _Nothing) -> dict[str, Any]:
        return await numbers.plan()

    async def apply(asked: _MaybeRun) -> dict[str, Any]:
        return await numbers.apply(asked.run)

    async def undo(asked: _Run) -> dict[str, Any]:
        return await numbers.undo(asked.run)

    async def approve(asked: _Run) -> dict[str, Any]:
        return await numbers.answer(asked.run, who(), yes=True)

    async def reject(asked: _Run) -> dict[str, Any]:
        return await numbers.answer(asked.run, who(), yes=False)

    async def accept(asked: _Some) -> dict[str, Any]:
        named = [(written, phone.normalise(written)) for written in asked.numbers]
        odd = next((written for written, number in named if number is None), None)
        if odd is not None:
            raise Refused(f"`{odd}` is no telephone number; write it as +13125550142")
        return await numbers.accept([number for _, number in named if number is not None], who())

    async def drifted(_: _Nothing) -> dict[str, Any]:
        found = await numbers.drift()
        said = "; ".join(one.what for one in found) or "No number is to be moved"
        told = [{"what": one.what, "remedy": one.remedy} for one in found]
        return {"ok": not found, "said": said, "drift": told}

    return {
        "numbers-plan": (_Nothing, _told(plan)),
        "numbers-apply": (_MaybeRun, _told(apply)),
        "numbers-undo": (_Run, _told(undo)),
        "numbers-approve": (_Run, _told(approve)),
        "numbers-reject": (_Run, _told(reject)),
        "numbers-accept": (_Some, _told(accept)),
        "numbers-drift": (_Nothing, _told(drifted)),
    }


def _told(act: Callable[[Any], Awaitable[dict[str, Any]]]) -> Callable[[Any], Awaitable[dict[str, Any]]]:
    async def told(asked: Any) -> dict[str, Any]:
        try:
            return await act(asked)
        except Refused as error:
            return {"refused": str(error)}
        except DeliveryFailed as error:
            return {"failed": str(error)}

    return told
