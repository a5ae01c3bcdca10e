"""What people do, asked over HTTP; with an Idempotency-Key, what is asked twice is done once."""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from aiohttp import web

from relay.access import Parameter, Route
from relay.admin.answers import json_answer
from relay.deeds import BadDeed, NoSuch
from relay.errors import BadBody, DeliveryFailed, StoreBusy
from relay.intake.body import read_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from relay.deeds import Deeds
    from relay.models import Form
    from relay.store import Store

_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_AGAIN = Parameter(
    "Idempotency-Key",
    "A name of your own for this act; asked again within a day, it is answered and not done again.",
    {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
    "header",
)


@cache
def _described(form: type[Form]) -> Mapping[str, Any]:
    """What a deed may be asked with, as JSON Schema; drawing all of them anew would take each start 10 ms."""
    return form.model_json_schema()


class Acting:
    """The deeds of relay/deeds.py."""

    def __init__(self, store: Store, deeds: Deeds | None, clock: Callable[[], float]) -> None:
        """Without `deeds` nothing can be changed from here."""
        self._store = store
        self._deeds = deeds
        self._clock = clock

    def routes(self) -> tuple[Route, ...]:
        """One for each deed, and one that says which there are."""
        forms = {} if self._deeds is None else self._deeds.forms
        return (
            *(
                Route(
                    "POST",
                    f"/api/do/{name}",
                    partial(self._do, name),
                    f"Do it: {name}, as the command line does.",
                    asks=(_AGAIN,),
                    body=_described(form),
                    fails=(404, 409, 422, 502, 503),
                )
                for name, form in forms.items()
            ),
            Route("POST", "/api/do/{deed}", self.unknown, "Any deed by its name.", fails=(404, 422), hidden=True),
        )

    async def unknown(self, request: web.Request) -> web.Response:
        """A deed that there is not."""
        if self._deeds is None:
            raise web.HTTPNotFound(text="Nothing can be changed from here.")
        return await self._do(request.match_info["deed"], request)

    async def _do(self, name: str, request: web.Request) -> web.Response:
        given = await _read(request)
        key = request.headers.get("Idempotency-Key")
        try:
            if key is None:
                return json_answer(await self._act(name, given))
            return json_answer(await self._once(key, name, given))
        except NoSuch as error:
            raise web.HTTPNotFound(text=str(error)) from None
        except BadDeed as error:
            raise web.HTTPUnprocessableEntity(text=str(error)) from None
        except StoreBusy as error:
            raise web.HTTPServiceUnavailable(text=str(error)) from None
        except DeliveryFailed as error:
            raise web.HTTPBadGateway(text=str(error)) from None

    async def _once(self, key: str, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Do it unless it was done under this key; a fall in between leaves it undone or done, and says so."""
        if not _KEY.fullmatch(key):
            raise BadDeed("an Idempotency-Key is 1 to 200 printable characters without blanks")
        what = hashlib.sha256(json.dumps([name, given], sort_keys=True).encode()).hexdigest()
        known = await self._store.begin_act(key, what, now=self._clock())
        if known is not None:
            if known.what != what:
                raise BadDeed("this Idempotency-Key was used for something else")
            if known.answer is None:
                raise web.HTTPConflict(text="This is being done, or was cut off; look before you ask under a new key.")
            done: dict[str, Any] = json.loads(known.answer)
            return done
        try:
            came = await self._act(name, given)
        except (BadDeed, StoreBusy, DeliveryFailed):
            await self._store.end_act(key, None)
            raise
        await self._store.end_act(key, json.dumps(came, default=str))
        return came

    async def _act(self, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
        if self._deeds is None:
            raise web.HTTPNotFound(text="Nothing can be changed from here.")
        return await self._deeds.do(name, given)


async def _read(request: web.Request) -> Mapping[str, Any]:
    """What is asked, read as strictly as a webhook: what the ledger could not hold is refused here."""
    try:
        given = read_json(await request.read())
        json.dumps(given, ensure_ascii=False).encode()
    except BadBody as error:
        raise web.HTTPUnprocessableEntity(text=f"The body is no JSON that can be read: {error}.") from None
    except UnicodeEncodeError:
        raise web.HTTPUnprocessableEntity(text="The body holds half a character.") from None
    if not isinstance(given, dict):
        raise web.HTTPUnprocessableEntity(text="The body is no JSON object.")
    return given
