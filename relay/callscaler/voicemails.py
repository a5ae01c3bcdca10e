"""Voicemails and their audio."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.callscaler.incoming import AUDIO_CAP, download
from relay.callscaler.resource import Resource
from relay.callscaler.thing import Thing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from relay.callscaler.incoming import Sink


class Voicemail(Thing):
    """A message left on the line; the documents do not list its fields, so most are in `model_extra`."""

    id: str
    call_id: str | None = None
    created_at: str | None = None


class Voicemails(Resource):
    """`client.voicemails`."""

    def list(self, *, limit: int | None = None, offset: int | None = None) -> AsyncIterator[Voicemail]:
        """All voicemails; `limit` is rows a page, and only sent when given."""
        return self._rows("voicemails list", Voicemail, ("voicemails",), limit=limit, offset=offset)

    async def get(self, id: str) -> Voicemail:  # noqa: A002 - the API's own name
        """One voicemail."""
        return await self._one("voicemails get", Voicemail, ("voicemail",), id=id)

    async def recording(
        self,
        id: str,  # noqa: A002 - the API's own name
        to: Path | Sink,
        *,
        progress: Callable[[int, int | None], None] | None = None,
    ) -> int:
        """The audio (audio/mpeg, 25 MiB at most) into a file or anything that is written to; returns its bytes."""
        return await download(self._transport, "voicemails recording", {"id": id}, to, cap=AUDIO_CAP, progress=progress)
