"""Why a service of somebody new cannot be reached."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl

import pytest

from relay.errors import Rejected, Unclear
from relay.http import Http, Network
from tests.certificate import certificate_for
from tests.docs.slips.provoked import says

THIS_MACHINE = (ipaddress.ip_network("127.0.0.1/32"),)


def leads_to(url, more=""):
    return f"connectors:\n  any: {{type: webhook, url: '{url}'{more}}}\n"


@contextlib.asynccontextmanager
async def server(answer, certificate=None):
    """A server that does this with whoever comes; its port."""

    async def meet(reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await answer(reader, writer)
        writer.close()

    trust = None
    if certificate is not None:
        trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trust.load_cert_chain(*certificate)
    async with await asyncio.start_server(meet, "127.0.0.1", 0, ssl=trust) as it:
        yield it.sockets[0].getsockname()[1]


async def hang_up(reader, writer):
    await reader.read(1)


async def say_nothing(reader, writer):
    await reader.read()


async def say_something_else(reader, writer):
    await reader.read(1)
    writer.write(b"220 this is a mail server\r\n")
    await writer.drain()


@says("nobody listens at 127.0.0.1:…: is the service started, is the port right?")
async def nobody_listens(new):
    new.write(leads_to("http://127.0.0.1:1/"))
    return await new.type("check", "--live")


@says("the name … cannot be looked up: is it spelt right, does this machine reach its name server?")
async def a_name_that_leads_nowhere(new):
    new.write(leads_to("http://nobody.invalid/"))
    return await new.type("check", "--live")


@says("… did not answer within …: is the address right, does a firewall stand in between?")
async def a_firewall(new):
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, contextlib.ExitStack() as others:
        where = full.getsockname()
        for _ in range(8):  # whoever comes when its queue is full hears nothing at all
            waiting = others.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(where)
        new.write(leads_to(f"http://127.0.0.1:{where[1]}/"))
        return await new.type("check", "--live")


@says("no way leads from here to …: is this machine's network up, is the address right?")
async def no_way(new):
    # No connection is ever made to the address that means everybody: the kernel says so at once.
    new.write(leads_to("http://255.255.255.255/"))
    new.change("127.0.0.1/32", "255.255.255.255/32")
    return await new.type("check", "--live")


@says("the certificate of … is not trusted (…): the service must show one for this name that is in date")
async def a_certificate_of_its_own(new):
    files = [new.folder / "key.pem", new.folder / "certificate.pem"]
    for file, written in zip(files, certificate_for("127.0.0.1"), strict=True):
        file.write_bytes(written)
    async with server(say_nothing, reversed(files)) as port:
        new.write(leads_to(f"https://127.0.0.1:{port}/"))
        return await new.type("check", "--live")


@says("no encrypted connection to … comes about: does it speak TLS 1.2 or newer, is the port right?")
async def a_port_without_tls(new):
    async with server(say_something_else) as port:
        new.write(leads_to(f"https://127.0.0.1:{port}/"))
        return await new.type("check", "--live")


@says("no connection to … (…): is the service well, is the port right?")
async def a_port_that_hangs_up(new):
    async with server(hang_up) as port:
        new.write(leads_to(f"https://127.0.0.1:{port}/"))
        return await new.type("check", "--live")


@says("ip_denied: … is not a public address, and none other is reached unless it is named under network: allow:")
async def a_private_address(new):
    new.write(leads_to("https://localhost:1/"))
    new.change("127.0.0.1/32", "127.0.0.9/32")
    return await new.type("check", "--live")


@says("ip_denied: … is the relay itself: name the service's own address")
async def the_relay_itself(new):
    http = Http(Network(THIS_MACHINE, allow_http=True), {("127.0.0.1", 8080)})
    with pytest.raises(Rejected) as refused:
        await http.request("POST", "http://127.0.0.1:8080/hooks/callscaler")
    await http.close()
    return str(refused.value)


@says("… took the request and gave no whole answer within …: it may have done it; is it overloaded?")
async def a_service_that_hangs(new):
    async with server(say_nothing) as port:
        http = Http(Network(THIS_MACHINE, allow_http=True))
        with pytest.raises(Unclear) as failed:
            await http.request("POST", f"http://127.0.0.1:{port}/", timeout=0.5)
        await http.close()
        return str(failed.value)


@says("… broke the connection before its answer was whole (…): it may have done it")
async def a_service_that_hangs_up(new):
    async with server(hang_up) as port:
        new.write(leads_to(f"http://127.0.0.1:{port}/"))
        return await new.type("check", "--live")


@says("the folder … is not there or may not be written to")
async def an_archive_without_a_folder(new):
    new.write("connectors:\n  calls: {type: archive, path: nowhere/calls.jsonl}\n")
    return await new.type("check", "--live")
