"""Sends e-mail through any SMTP server: the owner's provider, or one of their own.

Limits and rules, each with its source:

- Submission goes to port 587 with STARTTLS, or to 465 with TLS from the first byte
  (https://www.rfc-editor.org/rfc/rfc8314, section 3). Certificates are always checked.
- 4yz means try again, 5yz means no (https://www.rfc-editor.org/rfc/rfc5321, section 4.2.1).
- A message whose answer was lost is sent again with the same `Message-ID`; many mailboxes show it once, but none
  promises it. Providers limit messages a day (Google: 500, https://support.google.com/mail/answer/22839): set `rate:`.
- `Auto-Submitted: auto-generated` keeps machines from answering (https://www.rfc-editor.org/rfc/rfc3834, section 5).
"""

from __future__ import annotations

import asyncio
import email.utils
import ssl
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import TYPE_CHECKING, Annotated, Any, Literal

import aiosmtplib
from pydantic import Field, field_validator, model_validator

from relay.connector import HEADER, HTML, PLAIN, Connector, Form, Job, LocalPath, Receipt, Secret
from relay.errors import DeliveryFailed, Forbidden, Invalid, RateLimited, Rejected, Unauthorized, Unavailable, Unclear
from relay.http import GRACE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SUBJECT_MOST = 200
BODY_MOST = 100_000
RECIPIENTS_MOST = 20
SAID_MOST = 200
RECORDING_TRIES = 4
"""Tries, over the first six minutes of the usual schedule, that wait for a recording."""
_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_AGAIN = range(400, 500)
_MEANINGS: dict[int, tuple[type[Rejected], str]] = {
    530: (Unauthorized, "the server wants a user name and password"),
    534: (Unauthorized, "the server wants a stronger way to sign in; an app password often helps"),
    535: (Unauthorized, "the user name or password is wrong; many providers want an app password here"),
    538: (Unauthorized, "the server wants encryption before signing in: security: starttls or tls"),
    550: (Forbidden, "the recipient or the sender is not accepted"),
    552: (Invalid, "the message is too large"),
    553: (Invalid, "an address is not accepted"),
    554: (Forbidden, "the server refuses the message"),
}
"""What people can do about a refusal; codes: https://www.rfc-editor.org/rfc/rfc5321, section 4.2.2, and RFC 4954."""


def _addresses(written: str | list[str]) -> list[str]:
    found = [part.strip() for text in ([written] if isinstance(written, str) else written) for part in text.split(",")]
    found = [address for address in found if address]
    for address in found:
        name, at, host = email.utils.parseaddr(address)[1].partition("@")
        if not (name and at and "." in host) or any(mark in address for mark in "\r\n\0"):
            raise ValueError(f"{address!r} is no e-mail address")
    if len(found) > RECIPIENTS_MOST:
        raise ValueError(f"a message goes to {RECIPIENTS_MOST} people at most")
    return found


class MailOptions(Form):
    """The server, how to sign in, and from whom to whom."""

    host: str = Field(min_length=1)
    port: int | None = Field(default=None, ge=1, le=65535)
    """By default 587; 465 with `security: tls`, 25 with `none`."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """none is for a server on this machine only: no password is sent over it."""
    username: str = ""
    password: Secret | None = None
    ca_file: LocalPath | None = None
    """Certificates to trust instead of the system's, for a server with one of its own."""
    sender: str = Field(alias="from", min_length=3)
    to: list[str] = Field(default_factory=list)
    """To whom, unless the step says otherwise."""

    @field_validator("to", mode="before")
    @classmethod
    def _one_or_many(cls, written: Any) -> Any:
        return _addresses(written) if isinstance(written, (str, list)) else written

    @field_validator("sender")
    @classmethod
    def _an_address(cls, written: str) -> str:
        if len(_addresses(written)) != 1:
            raise ValueError("from is one address")
        return written

    @model_validator(mode="after")
    def _no_password_in_the_clear(self) -> MailOptions:
        if self.security == "none" and self.password is not None:
            raise ValueError("a password is never sent without encryption: security: starttls or tls")
        if bool(self.username) != (self.password is not None and bool(self.password.get_secret_value())):
            raise ValueError("username and password belong together")
        return self


class MailAction(Form):
    """One message; with both `body` and `html`, a mailbox shows the one that it can."""

    to: list[str] = Field(default_factory=list)
    subject: Annotated[str, HEADER] = Field(min_length=1)
    body: Annotated[str, PLAIN] = ""
    html: Annotated[str, HTML] = ""
    attach: Literal["recording"] | None = None
    """The call's recording as MP3. One that is not there yet is waited for over the first tries, then done without."""

    @field_validator("to", mode="before")
    @classmethod
    def _one_or_many(cls, written: Any) -> Any:
        return _addresses(written) if isinstance(written, (str, list)) else written

    @model_validator(mode="after")
    def _says_something(self) -> MailAction:
        if not self.body and not self.html:
            raise ValueError("a body or html is needed")
        return self


class Mail(Connector[MailOptions, MailAction]):
    """One mail account."""

    Options = MailOptions
    Action = MailAction
    alerts_people = True

    @classmethod
    def notice(cls, subject: str, text: str) -> dict[str, Any]:
        """An alert, to the addresses under connectors."""
        return {"subject": subject[:200], "body": text}

    async def send(self, job: Job[MailAction]) -> Receipt:
        """Hand the message to the server.

        Raises:
            Unavailable: nothing was taken.
            Rejected: by the server's code.
            Unclear: the connection broke after the message was on its way.
        """
        message = self._message(job)
        if job.action.attach:
            await _attach(message, job)
        if not message["To"]:
            raise Rejected("nobody to send it to: write `to:` in the step or under connectors")
        async with self._session() as server:
            try:
                await server.send_message(message)
            except aiosmtplib.SMTPRecipientsRefused as refused:
                raise _meant(refused.recipients[0]) from None
            except aiosmtplib.SMTPResponseException as refused:
                raise _meant(refused) from None
            except (aiosmtplib.SMTPException, OSError, asyncio.IncompleteReadError) as broken:
                raise Unclear(f"the connection broke while the message was sent ({type(broken).__name__})") from None
        return Receipt(id=message["Message-ID"], created=True)

    async def check(self) -> None:
        """Connect, encrypt and sign in; nothing is sent."""
        async with self._session() as server:
            await server.noop()

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[aiosmtplib.SMTP]:
        """A signed-in connection to the server.

        Raises:
            Unavailable: nobody answers, or the certificate is not valid.
            Rejected: the server does not let us in.
        """
        options = self.options
        opened = await self.http.connect(options.host, options.port or _PORTS[options.security])
        server = aiosmtplib.SMTP(
            hostname=options.host,
            sock=opened,
            use_tls=options.security == "tls",
            start_tls=options.security == "starttls",
            tls_context=await asyncio.to_thread(self._trust),
            timeout=None,  # the core bounds the whole try
        )
        try:
            await server.connect()
            if options.password is not None and options.username:
                await server.login(options.username, options.password.get_secret_value())
        except aiosmtplib.SMTPResponseException as refused:
            server.close()
            raise _meant(refused) from None
        except ssl.SSLCertVerificationError as wrong:
            server.close()
            raise Unavailable(f"the certificate of {options.host} is not valid: {wrong.verify_message}") from None
        except (aiosmtplib.SMTPException, OSError) as broken:
            server.close()
            why = broken.__cause__ or broken
            raise Unavailable(f"{options.host} does not speak with us ({type(why).__name__}: {_short(why)})") from None
        try:
            yield server
        finally:
            server.close()

    def _trust(self) -> ssl.SSLContext | None:
        if self.options.security == "none":
            return None
        where = self.options.ca_file
        return ssl.create_default_context(cafile=None if where is None else str(where))

    def _message(self, job: Job[MailAction]) -> EmailMessage:
        """The same bytes on every try: time and name are the delivery's own."""
        action, host = job.action, self.options.sender.rpartition("@")[2].strip("> ")
        message = EmailMessage()
        message["From"] = self.options.sender
        message["To"] = ", ".join(action.to or self.options.to)
        message["Subject"] = " ".join(action.subject.split())[:SUBJECT_MOST]
        message["Date"] = email.utils.format_datetime(_moment(job))
        message["Message-ID"] = f"<{job.key}@{host}>"
        message["Auto-Submitted"] = "auto-generated"
        body, html = (text.encode("utf-8", "replace").decode()[:BODY_MOST] for text in (action.body, action.html))
        if body or not html:
            message.set_content(body)
        if html and body:
            message.add_alternative(html, subtype="html")
        elif html:
            message.set_content(html, subtype="html")
        return message


async def _attach(message: EmailMessage, job: Job[MailAction]) -> None:
    """Put the recording behind the message; after some tries a message without it is better than none.

    Raises:
        Unavailable: it is not there yet.
    """
    try:
        audio = await job.recording()
    except DeliveryFailed as failure:
        if job.tries < RECORDING_TRIES:
            raise Unavailable(f"the recording is not there yet ({failure})") from None
        return
    message.add_attachment(audio, maintype="audio", subtype="mpeg", filename="recording.mp3")


def _moment(job: Job[Any]) -> datetime:
    try:
        return datetime.fromisoformat(str(job.event.get("received_at")))
    except ValueError:
        return datetime.fromtimestamp(job.now, UTC)


def _meant(refused: aiosmtplib.SMTPResponseException) -> Rejected | Unavailable:
    said = _short(refused.message)
    kind, meaning = _MEANINGS.get(refused.code, (Rejected, "the server refuses it"))
    if refused.code in _AGAIN or refused.code < min(_AGAIN):
        busy = RateLimited if refused.code in {421, 450, 451, 452} else Unavailable
        return busy(f"the mail server answered {refused.code}: {said}")
    return kind(f"the mail server answered {refused.code}: {meaning}; it said: {said}", grace=GRACE)


def _short(said: object) -> str:
    return " ".join(str(said).split())[:SAID_MOST]
