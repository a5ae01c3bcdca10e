"""Whose certificate is believed."""

import asyncio
import contextlib
import datetime as dt
import ipaddress
import ssl
import warnings
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from relay.errors import (
    Unavailable,
    Unclear,
)
from relay.http import Http


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A key and a certificate for 127.0.0.1 that nobody but itself vouches for."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tests")])
    now = dt.datetime.now(dt.UTC)
    own = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])

    def certificate(until, names=own):
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=9))
            .not_valid_after(now + until)
            .add_extension(names, critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
            .public_bytes(serialization.Encoding.PEM)
        )

    elsewhere = x509.SubjectAlternativeName([x509.DNSName("elsewhere.example")])
    written = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(written)
    for file, made in {
        "good": certificate(dt.timedelta(days=9)),
        "expired": certificate(dt.timedelta(days=-1)),
        "wrong_host": certificate(dt.timedelta(days=9), elsewhere),
    }.items():
        (folder / f"{file}.pem").write_bytes(made)
    return folder


@pytest.fixture
async def over_tls(authority):
    """Starts a server that shows one of the certificates."""
    servers = []

    async def start(certificate, newest=ssl.TLSVersion.TLSv1_3):
        async def answer(reader, writer):
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
            writer.close()

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority / f"{certificate}.pem", authority / "key.pem")
        if newest < ssl.TLSVersion.TLSv1_2:
            with warnings.catch_warnings(action="ignore"):
                context.minimum_version = context.maximum_version = newest
            context.set_ciphers("ALL:@SECLEVEL=0")
        server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
        servers.append(server)
        return f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"

    yield start
    for server in servers:
        server.close()


@pytest.fixture
async def trusting(loopback, authority):
    """A client that trusts the good certificate's authority."""
    it = Http(replace(loopback, ca_file=authority / "good.pem"))
    yield it
    await it.close()


async def test_a_certificate_that_nobody_vouches_for_is_a_failure_and_an_authority_can_be_named(
    http, trusting, over_tls
):
    with pytest.raises(
        Unavailable, match=r"certificate of 127\.0\.0\.1:\d+ is not trusted \(self-signed certificate\)"
    ):
        await http.request("GET", await over_tls("good"))
    assert (await trusting.request("GET", await over_tls("good"))).status == 200


@pytest.mark.parametrize(
    ("certificate", "said"), [("expired", "certificate has expired"), ("wrong_host", "not valid for '127.0.0.1'")]
)
async def test_a_certificate_of_yesterday_or_of_somebody_else_is_a_failure(
    loopback, authority, over_tls, certificate, said
):
    it = Http(replace(loopback, ca_file=authority / f"{certificate}.pem"))
    with pytest.raises(Unavailable, match=said):
        await it.request("GET", await over_tls(certificate))
    await it.close()


async def test_tls_of_the_last_century_is_a_failure(trusting, over_tls):
    with pytest.raises((Unavailable, Unclear)):
        await trusting.request("GET", await over_tls("good", ssl.TLSVersion.TLSv1))
