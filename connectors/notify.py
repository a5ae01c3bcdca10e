"""Rings whatever apprise can ring: Teams, Discord, Telegram, Pushover, ntfy and a hundred more, by one address each.

What to know of it, each with its source:

- An address tells service and secret at once, as in tgram://token/chat
  (https://github.com/caronc/apprise/wiki#notification-services). It is a secret as a whole.
- The library sends with blocking requests of its own: they run in threads of their own, with a deadline. They do not
  pass the relay's guard on addresses, so the address's host is looked up and judged here before every try; services
  whose host is their own (Telegram, Discord …) need no judging.
- It tells a refusal by status only in its log, which is read for it; Retry-After is not told at all.
- No service behind it knows our key: a message whose answer was lost may appear once more.
"""

from __future__ import annotations

import asyncio
import logging
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator

from relay.connector import HEADER, Connector, Escaping, Form, Job, Receipt, Secret
from relay.errors import Invalid, Rejected, Unavailable, Unclear
from relay.http import GRACE

if TYPE_CHECKING:
    from apprise import Apprise, NotifyBase

    from relay.http import Http

DEADLINE = 12.0
"""Seconds for one try, below the core's own 15, so that a late answer is told as one."""
MESSAGE_MOST = 4000
_AT_ONCE = 4
_CALLS = re.compile(r"@(?=everyone|here|channel|all|room|team|online)|<(?=[@#!&/:]|https?:|mailto:)", re.IGNORECASE)
"""How Discord, Slack, Matrix and others write that somebody is called, or an address under another name."""
_STATUS = re.compile(r"error=(\d{3})")
_FINAL = {400, 401, 403, 404, 405, 410, 413, 422} | set(range(300, 400))
_LOCAL = {"dbus", "glib", "gnome", "kde", "macosx", "qt", "syslog", "windows"}
"""Services that ring the relay's own screen or log: nobody looks there."""


def _calling_nobody(value: str) -> str:
    """A stranger's words in which no service finds anybody to call or an address to hide behind a word."""
    return _CALLS.sub(lambda found: found[0] + "\u200b", value)


def _calling_nobody_in_a_line(value: str) -> str:
    return HEADER.escape(_calling_nobody(value))


QUIET = Escaping("a message that calls nobody", _calling_nobody)
QUIET_LINE = Escaping("a title that calls nobody", _calling_nobody_in_a_line)


class NotifyOptions(Form):
    """Whom to ring."""

    url: Secret
    """As apprise writes it: tgram://token/chat, discord://id/token, workflows://host/workflow/signature …"""

    @field_validator("url")
    @classmethod
    def _one_that_works(cls, url: Secret) -> Secret:
        try:
            service = _service(url.get_secret_value())
        except ImportError:
            raise ValueError("notify needs the library apprise: in the clone, pip install '.[notify]'") from None
        schema = url.get_secret_value().partition(":")[0].lower()
        if service is None or schema in _LOCAL:
            raise ValueError(
                f"apprise knows no service by an address that begins with {schema[:20]}://, or a part is missing; "
                "see its list of notification services"
            )
        return url


class NotifyAction(Form):
    """A short message; services without titles show it as the first line."""

    message: Annotated[str, QUIET] = Field(min_length=1)
    title: Annotated[str, QUIET_LINE] = ""
    kind: Literal["info", "success", "warning", "failure"] = "info"


class Notify(Connector[NotifyOptions, NotifyAction]):
    """One address."""

    Options: ClassVar = NotifyOptions
    Action: ClassVar = NotifyAction
    alerts_people = True

    @classmethod
    def notice(cls, subject: str, text: str) -> dict[str, Any]:
        """An alert."""
        return {"title": subject[:200], "message": text[:MESSAGE_MOST], "kind": "warning"}

    def __init__(self, options: NotifyOptions, http: Http) -> None:
        super().__init__(options, http)
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="notify")

    async def send(self, job: Job[NotifyAction]) -> Receipt:
        """Ring once.

        Raises:
            Unavailable: the service says no for now, or cannot be reached.
            Rejected: it says no, by a status that means so.
            Unclear: nothing was heard within the deadline; the thread may yet have rung.
        """
        url = self.options.url.get_secret_value()
        await self._admit(url)
        ringing = asyncio.get_running_loop().run_in_executor(self._threads, _ring, url, job.action)
        try:
            async with asyncio.timeout(DEADLINE):
                told = await asyncio.shield(ringing)
        except TimeoutError:
            raise Unclear(f"nothing was heard within {DEADLINE:g} s") from None
        if told is None:
            return Receipt(created=True)
        raise _meant(told)

    async def check(self) -> None:
        """See that the address can be read and its host reached; nothing is rung, as no service lets one ask first."""
        await self._admit(self.options.url.get_secret_value())

    async def _admit(self, url: str) -> None:
        service = _service(url)
        host = getattr(service, "host", None)
        if service is None or not host or not _goes_to_its_host(service):
            return
        port = service.port or (443 if service.secure else 80)
        if not service.secure and not self.http.network.allow_http:
            raise Rejected("only encrypted addresses are used; network: allow_http: true permits others")
        opened = await self.http.connect(str(host), int(port))
        opened.close()


def _goes_to_its_host(service: NotifyBase) -> bool:
    """Whether what stands as host in the address is one, and not a token of a service with a host of its own."""
    return "{host}" in "".join(service.templates)


def _service(url: str) -> NotifyBase | None:
    """The service behind an address; None where there is none."""
    from apprise import NotifyBase  # noqa: PLC0415 - a second's import, for those who use it

    found = list(_bell(url))
    return found[0] if len(found) == 1 and isinstance(found[0], NotifyBase) else None


def _bell(url: str) -> Apprise:
    from apprise import Apprise, AppriseAsset  # noqa: PLC0415 - as above

    # A refusal is told in this log alone, however little else is logged.
    logging.getLogger("apprise").setLevel(logging.WARNING)
    bell = Apprise(asset=AppriseAsset(http_redirects=False, secure_logging=True, async_mode=False, app_id="Relay"))
    bell.add(url)
    return bell


def _ring(url: str, action: NotifyAction) -> str | None:
    """Ring, in a thread; None when it was heard, else what the library logged."""
    from apprise import NotifyType  # noqa: PLC0415 - as above

    with _bell(url).notify(
        body=action.message[:MESSAGE_MOST], title=action.title[:200], notify_type=NotifyType(action.kind)
    ) as result:
        if result:
            return None
        said = [str(entry.message) for entry in result.logs() if entry.level in {"WARNING", "ERROR", "CRITICAL"}]
    return " ".join(said)[:500] or "the service did not take it"


def _meant(told: str) -> Rejected | Unavailable:
    found = _STATUS.search(told)
    status = int(found[1]) if found else 0
    words = re.sub(r"\w+://\S+", "…", told)
    if status == 410:  # noqa: PLR2004 - HTTP's own word for gone for good
        return Rejected(words)
    return Invalid(words, grace=GRACE) if status in _FINAL else Unavailable(words)
