"""What goes wrong for somebody new, each provoked for real: in the file, at the start, at the door, outside."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import sqlite3
import ssl
import time
from pathlib import Path

import pytest

from relay.errors import Rejected, Unclear
from relay.http import Http, Network
from relay.intake import Intake
from relay.metrics import Metrics
from relay.standins import GoogleStandIn, SlackStandIn
from relay.store.sealing import read_keys
from tests.certificate import certificate_for
from tests.docs.newcomer import LOOPBACK, PROVED, ledger_of, phone_system, posted, running, sheet, source, texted
from tests.texted import worlds

ROOT = Path(__file__).parents[2]
KEY, OTHER_KEY = ("A" * 43 + "=", "B" * 42 + "A=")
OURS, MUTE = "+13125550142", "+13125550147"
THIS_MACHINE = (ipaddress.ip_network("127.0.0.1/32"),)
PROVOKED = {}
"""The words of the page → what makes the relay say them."""


def says(words):
    """The function provokes these words; it answers what the screen said."""

    def keep(provoke):
        PROVOKED[words] = provoke
        return provoke

    return keep


# In relay.yaml


@says("the file cannot be read: No such file or directory")
async def no_file(new):
    new.file.unlink()
    return await new.type("check")


@says("the environment variable RELAY_HOOK_SECRET is not set, or blank")
async def no_secret(new):
    return await new.type("check", RELAY_HOOK_SECRET="")


@says("the file google.json cannot be read: No such file or directory")
async def no_key_file(new):
    new.write(sheet("http://127.0.0.1:1", "1Example"))
    return await new.type("check")


@says("… is no known key; did you mean `cooldown`?")
async def a_misspelt_key(new):
    new.change("cooldown:", "cooldwn:")
    return await new.type("check")


@says("…: this is no YAML: … indent with spaces")
async def a_tab(new):
    new.change("    mode: shadow", "\tmode: shadow")
    return await new.type("check")


@says("…: this is no YAML: … quote a value that holds a colon")
async def a_colon(new):
    new.change("name: Text back missed callers", "name: Text: back")
    return await new.type("check")


@says("is no time zone; did you mean America/Chicago?")
async def a_wrong_zone(new):
    new.change("America/Chicago", "Chicago")
    return await new.type("check")


@says("has no summer time: from March to November all hours would be one off; write America/New_York")
async def a_zone_without_summer_time(new):
    new.change("America/Chicago", "EST")
    return await new.type("check")


@says("… is sent as it stands; write {{ business.name }} to fill it in")
async def single_braces(new):
    new.change("{{ business.name }}", "{business.name}")
    return await new.type("check")


@says("the curled quotes … are a part of this text; write straight ones")
async def curled_quotes(new):
    new.change('name: "Bright Plumbing"', "name: \u201cBright Plumbing\u201d")
    return await new.type("check")


@says("no rule stands here: what comes in is written down, and nothing is done about it")
async def no_rule(new):
    new.file.write_text("rules: []\n")
    return await new.type("check")


@says("… is no known connector type; did you mean `slack`?")
async def an_unknown_type(new):
    new.change("type: archive", "type: slak")
    return await new.type("check")


@says("… is no known connector; known here: …")
async def an_unknown_connector(new):
    new.change("- send: calls", "- send: team")
    return await new.type("check")


@says("template: `{{ business.name }`: this is opened and never closed; write }} behind it")
async def a_brace_too_few(new):
    new.change("{{ business.name }}", "{{ business.name }")
    return await new.type("check")


@says("template: … is not known; did you mean `business.name`?")
async def a_misspelt_name(new):
    new.change("{{ business.name }}", "{{ busines.name }}")
    return await new.type("check")


@says("text needs the CallScaler API: set CALLSCALER_API_KEY, or mode: shadow until then")
async def live_without_a_key(new):
    new.change("mode: shadow", "mode: live")
    return await new.type("check")


@says("a secret stands in the file; put it into the environment and write ${NAME} here")
async def a_written_secret(new):
    new.change('"${RELAY_HOOK_SECRET}"', "plain-false-secret-0001")
    return await new.type("check")


@says("holds secrets and can be read by others: chmod 600 …")
async def an_open_environment(new):
    (new.folder / ".env").write_text("SLACK_WEBHOOK_URL=\n")
    (new.folder / ".env").chmod(0o644)
    return await new.type("check")


@says("is not UTF-8: save it as UTF-8, or as plain text without accents")
async def an_environment_of_another_encoding(new):
    (new.folder / ".env").write_bytes("SLACK_WEBHOOK_URL=\n".encode("utf-16"))
    return await new.type("check")


@says("the secret has under 16 characters")
async def a_short_secret(new):
    return await new.type("check", RELAY_HOOK_SECRET="short")


@says("exists; it is never written over")
async def a_second_init(new):
    return await new.type("init", "--dir", str(new.folder), "--yes")


# At the start


@says("Python 3.11 or newer is needed")
async def an_old_python(new):
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        (new.folder / name).write_bytes((ROOT / name).read_bytes())
    return new.run("make", "demo", "PYTHON=false")


@says("cannot listen on 127.0.0.1:…: address already in use")
async def a_taken_port(new):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        return new.start("--listen", f"127.0.0.1:{other.getsockname()[1]}")


@says("another relay (process …) already serves the ledger …; stop it first")
async def a_second_relay(new):
    async with ledger_of(new):
        return new.start()


@says("cannot be locked: … Check that its folder exists and can be written")
async def no_folder(new):
    new.add("store: sqlite:///nowhere/relay.db\n")
    return new.start()


@says("was written by a newer version of the relay; use that version, or a backup")
async def a_newer_ledger(new):
    async with ledger_of(new):
        pass
    with contextlib.closing(sqlite3.connect(new.folder / "relay.db")) as file, file:
        file.execute("update _sqlite_migrations set name = 'of_tomorrow' where name = 'first'")
    return new.start()


@says("is no ledger, or it is damaged …; name another file, or restore a backup")
async def a_damaged_ledger(new):
    (new.folder / "relay.db").write_bytes(b"these are no pages of a database " * 999)
    return new.start()


@says("is a database of something else (it has a table …); name another file")
async def somebody_elses_database(new):
    with contextlib.closing(sqlite3.connect(new.folder / "relay.db")) as file:
        file.execute("create table recipes (name)")
    return new.start()


@says("is sealed: set RELAY_ENCRYPTION_KEY to the key that it was sealed with")
async def a_sealed_ledger(new):
    async with ledger_of(new, keys=read_keys({"RELAY_ENCRYPTION_KEY": KEY})):
        pass
    return new.start()


@says("is sealed with another key than RELAY_ENCRYPTION_KEY")
async def another_key(new):
    async with ledger_of(new, keys=read_keys({"RELAY_ENCRYPTION_KEY": KEY})):
        pass
    return new.start(RELAY_ENCRYPTION_KEY=OTHER_KEY)


@says("the admin listener would be open to anybody on 0.0.0.0: set RELAY_ADMIN_TOKEN, or listen on 127.0.0.1")
async def an_open_dashboard(new):
    return new.start("--admin", "0.0.0.0:0")


# When a webhook is refused


@says("401 … the header X-Relay-Secret is missing or empty")
async def no_header(new):
    return await posted(new, "callscaler", {})


@says("401 … the secret or signature does not match; check that both sides hold the same secret")
async def a_wrong_header(new):
    return await posted(new, "callscaler", {"X-Relay-Secret": "false-secret-0002-0002-0002"})


@says("404 … unknown source")
async def another_address(new):
    return await posted(new, "callscalr", PROVED)


@says("415 … content type text/plain")
async def no_json_is_said(new):
    return await posted(new, "callscaler", {**PROVED, "Content-Type": "text/plain"})


@says("400 … the body is not JSON")
async def broken_json(new):
    return await posted(new, "callscaler", PROVED, b'{"event": ')


@says("nobody answers at … is `relay serve` running?")
async def nobody_there(new):
    return await new.type("send", "missed-call", "--to", "http://127.0.0.1:1/hooks/callscaler")


# From the doctor


@says("its certificate is self-made, and senders that see the same send nothing")
async def a_self_made_certificate_before_the_relay(new):
    files = [new.folder / "key.pem", new.folder / "certificate.pem"]
    for file, written in zip(files, certificate_for("127.0.0.1"), strict=True):
        file.write_bytes(written)
    async with server(say_nothing, reversed(files)) as port:
        return await new.type("doctor", "--through", f"https://127.0.0.1:{port}")


@says("no key: nothing is texted, fetched or regrouped")
async def no_api_key(new):
    return await new.type("doctor")


@says("the key does not work: … answered 401 (unauthorized)")
async def a_wrong_api_key(new):
    async with phone_system(new):
        return await new.type("doctor", CALLSCALER_API_KEY="cs_key_of_somebody_else")


@says("it cannot be asked: … nobody listens at …")
async def an_unreachable_phone_system(new):
    new.add(LOOPBACK)
    return await new.type("doctor", CALLSCALER_API_KEY="cs_key_false", CALLSCALER_BASE_URL="http://127.0.0.1:1/api/v1")


@says("… numbers can text; … cannot")
async def numbers_that_cannot_text(new):
    async with phone_system(new):
        return await new.type("doctor")


@says("top up: a text that the balance does not cover is not sent")
async def a_low_balance(new):
    async with phone_system(new) as sandbox:
        sandbox.set_balance(3)
        return await new.type("doctor")


@says("it has posted no webhook yet")
async def no_call_flow_posts(new):
    async with phone_system(new):
        return await new.type("doctor")


@says("Slack answered 410 channel_is_archived: the channel is archived; make a webhook for another one")
async def an_archived_channel(new):
    async with running(SlackStandIn()) as slack:
        slack.archived = True
        new.write(f"connectors:\n  team: {{type: slack, webhook_url: '{slack.webhook_url}'}}\n")
        return await new.type("doctor")


@says("Slack answered 403 invalid_token: the webhook was revoked; make a new one")
async def a_revoked_webhook(new):
    async with running(SlackStandIn()) as slack:
        new.write(f"connectors:\n  team: {{type: slack, webhook_url: '{slack.webhook_url}-cut'}}\n")
        return await new.type("doctor")


@says("the spreadsheet is not shared: open it, press Share, and add …@… as Editor")
async def a_sheet_that_is_not_shared(new):
    async with running(GoogleStandIn()) as google:
        google.shared = False
        (new.folder / "google.json").write_text(google.credentials())
        new.write(sheet(google.base_url, google.spreadsheet))
        return await new.type("doctor")


@says("Google Sheets finds no such spreadsheet; its id stands in its address between /d/ and /edit")
async def another_sheet(new):
    async with running(GoogleStandIn()) as google:
        (new.folder / "google.json").write_text(google.credentials())
        new.write(sheet(google.base_url, "1AnotherSpreadsheetAltogether"))
        return await new.type("doctor")


@says("cannot be reached (…) … open the port, start the proxy or tunnel")
async def a_closed_port(new):
    return await new.type("doctor", "--through", "http://127.0.0.1:1")


@says("behind the newest event in the ledger … set the clock (timedatectl, NTP)")
async def a_clock_that_went_back(new):
    async with ledger_of(new) as ledger:
        intake = Intake(ledger, lambda: time.time() + 3600, Metrics())
        await intake.webhook(source(), [*PROVED.items()], b'{"event": "call.missed", "call_id": "c-1"}', "127.0.0.1")
        return await new.type("doctor")


@says("GB free (… free some space, or lower retention: size; a full disk answers webhooks with 503")
async def no_room(new):
    new.add("store: sqlite:////proc/relay.db\n")  # a file system without any room
    return await new.type("doctor")


# When a service cannot be reached


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


# When something is not sent


@says("cannot be live: its `text` needs the CallScaler API; set CALLSCALER_API_KEY")
async def promoted_without_a_key(new):
    return await new.type("live", "Text back missed callers")


@says("cannot be written: a part of that path is a file; name a folder")
async def a_backup_to_nowhere(new):
    async with ledger_of(new):
        pass
    return await new.type("backup", str(new.file / "below"))


@says("nothing came in yet: `relay serve` makes …relay.db on its first start")
async def no_ledger(new):
    return await new.type("why", "last")


@says("cannot send texts: enable and register it for texting in CallScaler")
async def a_number_that_is_not_registered(new):
    async with phone_system(new) as sandbox:
        return await texted(sandbox, MUTE)


@says("the balance is too low; top it up in CallScaler")
async def an_empty_balance(new):
    async with phone_system(new) as sandbox:
        sandbox.set_balance(0)
        return await texted(sandbox, OURS)


@says("the phone system refuses the key: nothing is texted, fetched or regrouped")
async def a_key_that_was_revoked(_):
    async with worlds() as make:
        world, told = await make(), []
        world.replies._alarm = told.append
        world.sandbox._world.state.run("UPDATE api_keys SET revoked_at = 1")
        await world.replies.step()
        return told[0].what


@says("the event could not be written down; send it again")
async def a_ledger_that_stops(new):
    async with ledger_of(new) as ledger:
        intake = Intake(ledger, time.time, Metrics())
        await ledger.close()
        reply = await intake.webhook(source(), [*PROVED.items()], b'{"event": "call.missed", "call_id": "c-1"}', "")
        return f"{reply.status} {reply.detail}"
