"""E-mail through a real SMTP server: encrypted, signed in, and told apart when it fails."""

import asyncio
import email
import email.policy
import ssl
import warnings

import pytest
from pydantic import ValidationError

from connectors.mail import Mail, MailAction, MailOptions
from relay.connector import Job
from relay.errors import Forbidden, NotFound, RateLimited, Rejected, Unauthorized, Unavailable, Unclear
from relay.http import Http, Network
from relay.testing import EVENT
from tests.certificate import certificate_for
from tests.patience import PATIENCE

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

PASSWORD = "not-a-real-mail-password"
AT = {**EVENT, "received_at": "2026-03-02T16:00:00Z"}


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 made for this run; the files of the certificate and of its key."""
    key, made = certificate_for("127.0.0.1")
    folder = tmp_path_factory.mktemp("mail")
    (folder / "cert.pem").write_bytes(made)
    (folder / "key.pem").write_bytes(key)
    return folder / "cert.pem", folder / "key.pem"


class Post:
    """What the server does with what it is handed, and what it kept."""

    def __init__(self):
        self.messages = []
        self.recipients = []
        self.answer = "250 OK"
        self.rcpt = "250 OK"
        self.cut = False

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802 - called so
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, server, _session, envelope):  # noqa: N802 - called so
        if self.answer.startswith("250"):
            self.messages.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
            self.recipients.append(list(envelope.rcpt_tos))
        if self.cut:
            server.transport.abort()
        return self.answer


class Server:
    def __init__(self, certificate, security):
        self.post = Post()
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.load_cert_chain(*certificate)
        self.security = security
        self.port = 0
        self.protocols = []

    def _protocol(self):
        tls = {"tls_context": self.context, "require_starttls": True} if self.security == "starttls" else {}
        with warnings.catch_warnings():
            # it cannot know that its connections come encrypted already
            warnings.filterwarnings("ignore", message="Requiring AUTH while not requiring TLS")
            made = SMTP(
                self.post,
                hostname="mail.test",
                authenticator=self._admit,
                auth_required=self.security != "none",
                auth_require_tls=self.security == "starttls",
                **tls,
            )
        self.protocols.append(made)
        return made

    def _admit(self, *told):
        given = told[-1]
        right = isinstance(given, LoginPassword) and given.password == PASSWORD.encode()
        return AuthResult(success=right, handled=right)

    async def start(self):
        tls = self.context if self.security == "tls" else None
        self._server = await asyncio.get_running_loop().create_server(self._protocol, "127.0.0.1", 0, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self):
        self._server.close()
        for protocol in self.protocols:
            for transport in (protocol.transport, protocol._original_transport):
                if transport is not None:
                    transport.abort()
        async with asyncio.timeout(PATIENCE):
            while any(protocol.transport is not None for protocol in self.protocols):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0)
        await self._server.wait_closed()


@pytest.fixture
async def serve(certificate):
    running = []

    async def start(security="starttls"):
        server = Server(certificate, security)
        await server.start()
        running.append(server)
        return server

    yield start
    for server in running:
        await server.stop()


@pytest.fixture
def mail(certificate, http):
    def build(server, **options):
        written = {
            "host": "127.0.0.1",
            "port": server.port,
            "security": server.security,
            "from": "Bright Plumbing <office@example.com>",
            "to": "owner@example.com",
            "ca_file": certificate[0],
        }
        if server.security != "none":
            written |= {"username": "office", "password": PASSWORD}
        return Mail(MailOptions.model_validate({**written, **options}), http)

    return build


def job(key="k1", **action):
    return Job(key, MailAction.model_validate({"subject": "Missed call", "body": "From Ann", **action}), AT)


@pytest.mark.parametrize("security", ["starttls", "tls", "none"])
async def test_a_message_arrives(serve, mail, security):
    server = await serve(security)
    receipt = await mail(server).send(job())
    (message,) = server.post.messages
    assert server.post.recipients == [["owner@example.com"]]
    assert (message["Subject"], message["From"]) == ("Missed call", "Bright Plumbing <office@example.com>")
    assert message.get_content().strip() == "From Ann"
    assert message["Message-ID"] == receipt.id == "<k1@example.com>"
    assert message["Auto-Submitted"] == "auto-generated"


async def test_every_try_is_the_same_message(serve, mail):
    server = await serve()
    for tries in range(2):
        await mail(server).send(Job("k1", job().action, AT, tries=tries, now=1_800_000_000.0 + tries))
    first, second = server.post.messages
    assert first.as_bytes() == second.as_bytes()


async def test_both_kinds_of_body_go_as_alternatives_to_all_recipients(serve, mail):
    server = await serve()
    await mail(server).send(job(html="<b>Ann</b>", to="a@example.com, b@example.com"))
    (message,) = server.post.messages
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert server.post.recipients == [["a@example.com", "b@example.com"]]


async def test_a_recording_is_attached_and_waited_for_only_so_long(serve, mail):
    server, sound = await serve(), b"\xff\xfb" * 2000
    there, said = [NotFound("no recording")] * 2 + [sound], job(attach="recording", html="<b>Ann</b>").action

    async def recording():
        answer = there.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(Unavailable, match="not there yet"):
        await mail(server).send(Job("k1", said, AT, recording=recording))
    for tries in (4, 2):
        await mail(server).send(Job("k1", said, AT, tries=tries, recording=recording))
    without, whole = server.post.messages
    [attached] = whole.iter_attachments()
    assert [*without.iter_attachments()] == []
    assert (attached.get_content_type(), attached.get_filename()) == ("audio/mpeg", "recording.mp3")
    assert attached.get_content() == sound
    assert whole.get_body(("plain",)).get_content().strip() == "From Ann"


async def test_a_caller_named_like_a_header_adds_none(serve, mail):
    server = await serve()
    await mail(server).send(job(subject="Missed\r\nBcc: everybody@example.com"))
    (message,) = server.post.messages
    assert (message["Subject"], message["Bcc"]) == ("Missed Bcc: everybody@example.com", None)


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        ("451 greylisted", RateLimited, "451: greylisted"),
        ("452 try later", RateLimited, "452"),
        ("554 no spam", Forbidden, "refuses the message; it said: no spam"),
        ("552 too big", Rejected, "too large"),
    ],
)
async def test_an_answer_to_the_message_is_told_by_its_code(serve, mail, answer, kind, told):
    server = await serve()
    server.post.answer = answer
    with pytest.raises(kind, match=told):
        await mail(server).send(job())


@pytest.mark.parametrize(("answer", "kind"), [("550 no such user", Forbidden), ("450 mailbox busy", RateLimited)])
async def test_an_answer_to_the_recipient_is_told_by_its_code(serve, mail, answer, kind):
    server = await serve()
    server.post.rcpt = answer
    with pytest.raises(kind):
        await mail(server).send(job())


async def test_a_wrong_password_is_told_without_it(serve, mail):
    server = await serve()
    with pytest.raises(Unauthorized, match="app password") as told:
        await mail(server, password="not-a-real-wrong-one").check()
    assert "not-a-real" not in str(told.value)


async def test_a_certificate_that_nobody_vouches_for_is_refused(serve, mail):
    server = await serve()
    with pytest.raises(Unavailable, match=r"certificate|SSL"):
        await mail(server, ca_file=None).check()


async def test_a_connection_cut_after_the_message_is_unclear(serve, mail):
    server = await serve()
    server.post.cut = True
    with pytest.raises(Unclear):
        await mail(server).send(job())
    assert len(server.post.messages) == 1


async def test_authorities_are_read_only_for_a_server_that_must_prove_itself(serve, mail):
    assert mail(await serve("none"), ca_file="/nowhere/authorities.pem")._trust() is None
    assert mail(await serve("tls"))._trust() is not None


async def test_a_server_that_is_not_there_is_tried_again(serve, mail):
    server = await serve()
    await server.stop()
    with pytest.raises(Unavailable, match="nobody listens at"):
        await mail(server).send(job())


async def test_an_address_that_may_not_be_reached_is_refused(serve, mail, certificate):
    server = await serve()
    guarded = Http(Network())
    with pytest.raises(Rejected, match="not a public address"):
        await Mail(mail(server).options, guarded).send(job())


async def test_a_server_that_talks_nonsense_is_tried_again(mail, certificate):
    async def babble(reader, writer):
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(babble, "127.0.0.1", 0)
    where = type("Where", (), {"port": listening.sockets[0].getsockname()[1], "security": "none"})()
    try:
        with pytest.raises(Unavailable):
            await mail(where).send(job())
    finally:
        listening.close()
        await listening.wait_closed()


async def test_the_check_signs_in_and_sends_nothing(serve, mail):
    server = await serve()
    await mail(server).check()
    assert server.post.messages == []


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"from": "nobody"}, "no e-mail address"),
        ({"to": "a@example.com, b"}, "no e-mail address"),
        ({"security": "none", "password": "x", "username": "u"}, "without encryption"),
        ({"username": "u"}, "belong together"),
        ({"to": [f"p{n}@example.com" for n in range(30)]}, "20 people"),
    ],
)
def test_options_that_cannot_work_are_refused(wrong, told):
    with pytest.raises(ValidationError, match=told):
        MailOptions.model_validate({"host": "mail.example.com", "from": "a@example.com", **wrong})


async def test_somebody_must_be_there_to_get_it(serve, mail):
    server = await serve()
    with pytest.raises(Rejected, match="nobody to send it to"):
        await mail(server, to=[]).send(job())
