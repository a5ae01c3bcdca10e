"""Every place where a caller's words land, looked at after every string came by: (what, what is wrong with it)."""

from __future__ import annotations

import asyncio
import csv
import html.parser
import json
import os
import re
import subprocess
import sys
import unicodedata
from urllib.parse import quote

from playwright.async_api import async_playwright

from connectors.mail import SUBJECT_MOST
from tests import forked
from tests.dashboard.browser import CHROMIUM, DESK, FLAGS, Browser
from tests.dashboard.conftest import TOKEN
from tests.hostile import STRINGS
from tests.sized import sized

CALLS = {f"call-{nth:04d}": text for nth, text in enumerate(STRINGS)}
"""What was said, by the call in which it was."""
UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
FORMULA = re.compile("[\\s\u200b\ufeff]*[=+\\-@\t\r|%\uff1d\uff0b\uff0d\uff20]")
DROPPED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def kept(text):
    """What the ledger keeps of a string: what no screen and no file can hold is marked as gone."""
    return DROPPED.sub("\ufffd", text)


def folded(text):
    """What a reader sees of a string: composed, without what nobody sees, with one blank between words."""
    bare = (
        " " if unicodedata.category(letter) in {"Cc", "Zl", "Zp"} else letter
        for letter in unicodedata.normalize("NFC", kept(text))
    )
    return " ".join("".join(letter for letter in bare if unicodedata.category(letter) not in UNSEEN).split())


def unseen(text, but=""):
    """Controls, marks that nobody sees, and halves of characters."""
    return {f"U+{ord(letter):04X}" for letter in text if unicodedata.category(letter) in UNSEEN and letter not in but}


def in_slack(text, markup=True):
    """What is wrong with a stranger's words in Slack, within its markup or without."""
    if markup and ("<" in text or ">" in text or re.search(r"&(?!amp;|lt;|gt;)", text)):
        yield "markup"
    if unseen(text):
        yield f"unseen {unseen(text)}"
    if sum("\U0001f1e6" <= letter <= "\U0001f1ff" for letter in text) % 2:
        yield "half a flag"


async def slack(world):
    assert min(len(world.slack.messages), len(world.slack.posts)) >= len(CALLS)
    for sent in [*world.slack.messages, *world.slack.posts.values()]:
        shown = [(sent["text"], "blocks" not in sent)]
        for block in sent.get("blocks", []):
            texts = [block["text"]] if "text" in block else [one["text"] for one in block["elements"]]
            shown += [(one["text"], one["type"] == "mrkdwn") for one in texts]
            if block["type"] == "header" and len(block["text"]["text"]) > 150:
                yield sent, "a header that Slack refuses"
        for text, markup in shown:
            for wrong in in_slack(text, markup):
                yield text, wrong
        if sent["link_names"] or sent["unfurl_links"] or sent["unfurl_media"]:
            yield sent, "names or links come to life"


async def google_sheets(world):
    rows = {row["Call"]: row for row in world.google.rows("Calls")}
    for call, text in CALLS.items():
        if folded(str(rows[call].get("Name", ""))) != folded(text):
            yield text, f"became {rows[call].get('Name')!r}"
    for asked in world.google.requests:
        if "append" in asked.path and asked.query.get("valueInputOption") != "RAW":
            yield asked.path, "cells are read as if typed"


async def crm(world):
    names = {folded(contact.get("name", "")) for contact in world.crm.contacts}
    for text in CALLS.values():
        if folded(text) not in names:
            yield text, "is not the name of anybody"
    for asked in [*world.crm.requests, *world.sink.requests]:
        if not re.fullmatch(r"/[A-Za-z0-9/_.-]*", asked.path):
            yield asked.path, "a path that nobody wrote"


async def webhook(world):
    sent = [asked for asked in world.sink.requests if asked.path == "/any"]
    assert len(sent) >= len(CALLS)
    names = {frozenset(name.lower() for name in asked.headers) for asked in sent}
    if len(names) != 1:
        yield names, "a stranger added a header"
    for asked in sent:
        text = CALLS[asked.headers["X-Call"]]
        if set(asked.json) != {"id", "name", "loud", "cut", "link", "shown"} or folded(asked.json["name"]) != folded(
            text
        ):
            yield text, f"became {asked.json}"
        if not asked.headers["X-Name"].endswith("|") or re.search(
            "[\x00-\x08\x0a-\x1f\x7f\x85\u2028]", asked.headers["X-Name"]
        ):
            yield asked.headers["X-Name"], "a header with controls"


async def presets(world):
    """The bodies that a preset writes: the fields that it names and no other, the words where they belong."""
    sent = [asked for asked in world.sink.requests if asked.path.startswith("/hub/")]
    names = {folded(asked.json["properties"]["firstname"]) for asked in sent if "/contacts/" in asked.path
             and "firstname" in asked.json.get("properties", ())}  # fmt: skip
    for text in CALLS.values():
        if folded(text) and folded(text) not in names:
            yield text, "is the first name of nobody"
    notes = [asked.json["properties"] for asked in sent if asked.path == "/hub/crm/v3/objects/calls"]
    assert len(notes) >= len(CALLS)
    for kinds in {frozenset(note) for note in notes}:
        if not all(re.fullmatch("hs_[a-z_]+", name) for name in kinds):
            yield kinds, "a field that nobody wrote"
    for note in notes:
        part = Parts(note["hs_call_body"])
        if part.tags:
            yield note["hs_call_body"], f"became {part.tags}"


async def filters(world):
    """What the owner's own filters make of the words: louder, shorter, part of an address, part of a page."""
    for asked in world.sink.requests:
        if asked.path != "/any":
            continue
        text, made = CALLS[asked.json["id"]], asked.json
        if folded(made["loud"]) != folded(kept(text).upper()):
            yield text, f"is {made['loud']!r} in capitals"
        if len(made["cut"]) > 20:
            yield text, f"is cut to {made['cut']!r}"
        if not re.fullmatch(r"https://example\.com/\?q=[A-Za-z0-9%._~-]*", made["link"]):
            yield text, f"became part of {made['link']!r}"
        part = Parts(made["shown"])
        if part.tags != {"b"} or part.attributes or folded(part.text) != folded(text):
            yield text, f"is shown as {made['shown']!r}"


async def csv_file(world):
    with (world.folder / "calls.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert len(rows) == len(CALLS) + 1
    for call, *cells, _ in rows[1:]:
        for cell in cells:
            if FORMULA.match(cell):
                yield cell, "is a formula"
            if folded(CALLS[call]) not in {folded(cell), folded(cell.removeprefix("'"))}:
                yield CALLS[call], f"became {cell!r}"


async def json_lines(world):
    lines = (world.folder / "calls.jsonl").read_bytes().splitlines()
    assert len(lines) == len(CALLS)
    for row in map(json.loads, lines):
        if folded(row["name"]) != folded(CALLS[row["call"]]):
            yield CALLS[row["call"]], f"became {row['name']!r}"


async def files(world):
    known = {"calls.csv", "calls.jsonl", "relay.yaml"}
    for file in world.folder.rglob("*"):
        if file.name not in known and not file.name.startswith("relay.db"):
            yield file.name, "a file that a stranger named"


async def notify(world):
    sent = [asked.json for asked in world.sink.requests if asked.path.startswith("/bell")]
    assert len(sent) >= len(CALLS)
    for said in sent:
        for text in (said["title"], said["message"]):
            if re.search(r"@(everyone|here|channel)|<[@#!&]|<https?:|<mailto:", text):
                yield text, "calls somebody"
        if re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029]", said["title"]):
            yield said["title"], "a title of several lines"


class Parts(html.parser.HTMLParser):
    """The elements and attributes of a page, and its text."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.texts = set(), set(), []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes |= {
            (name, value) for name, value in attributes if name.startswith("on") or name in {"href", "src", "action"}
        }

    def handle_data(self, text):
        self.texts.append(text)

    @property
    def text(self):
        return "".join(self.texts)


async def e_mail(world):
    assert len(world.mail.post.messages) >= len(CALLS)
    for message in world.mail.post.messages:
        call = message.get_body(("plain",)).get_content().split()[0]
        # Ends of lines are left out of a header.
        whole = folded(f"{call} {CALLS[call]}").replace(" ", "")
        if not whole.startswith(folded(message["Subject"]).replace(" ", "")[: SUBJECT_MOST // 2]):
            yield CALLS[call], f"is the subject {message['Subject']!r}"
        if [name for name in set(message) if name.lower() in {"bcc", "x-evil", "cc"}] or len(
            message.get_all("To")
        ) != 1:
            yield CALLS[call], "a stranger added a header"
        if re.search("[\x00-\x1f\x7f\u2028]", message["Subject"]):
            yield message["Subject"], "a subject of several lines"
        part = Parts(message.get_body(("html",)).get_content())
        if part.tags != {"p"}:
            yield CALLS[call], f"became {part.tags}"
        if folded(CALLS[call]) != folded(part.text.partition(" ")[2]):
            yield CALLS[call], f"is read as {part.text!r}"
    if any(to != ["owner@example.com"] for to in world.mail.post.recipients):
        yield world.mail.post.recipients, "somebody else got it"


async def texts(world):
    sent = [text["body"] for text in world.sandbox.texts()]
    owed = [one for one in await world.house.app.store.deliveries(limit=5000) if one.kind == "text"]
    unsent = [one for one in owed if one.state != "delivered"]
    assert len(CALLS) - len(unsent) <= len(sent) <= len(CALLS)
    assert all("own number" in one.reason for one in unsent if one.state == "suppressed")
    for body in sent:
        name = re.fullmatch(r"call-\d{4} Hi ([A-Za-z0-9 .,'-]{1,40})! Reply STOP to opt out\.", body)
        if name is None:
            yield body, "is more than a name"
        elif re.search(r"\d{7}|\w\.(com|example)", name[1]):
            yield body, "a number or a link"


async def metrics(world):
    _, told = await world.house.get("/metrics", Accept="text/plain")
    for line in told.splitlines():
        if not re.fullmatch(
            r"(# (HELP|TYPE) [\x20-\x7e]*|[a-z_]+(\{[\x20-\x7e]*\})? [0-9.e+naif-]+)", line, re.IGNORECASE
        ):
            yield line, "is no line of figures"
    labels = set(re.findall(r'="([^"]*)"', told))
    for found in labels & set(STRINGS) - {"0", "", "null", "None", "true"}:
        yield found, "is a label"


async def searches(world):
    paths = ["/api/events?person={}", "/api/events?number={}", "/api/events?type={}",
    "/api/events?before={}", "/api/events/{}",
             "/api/deliveries?state={}", "/api/deliveries/{}", "/api/texts?person={}",
             "/api/texts?before={}", "/api/people/{}",
             "/api/events?limit={}", "/api/requests?kind={}", "/calls?q={}", "/calls?type={}",
             "/calls?number={}", "/calls/{}",
             "/people?q={}", "/people/{}", "/texts?before={}", "/requests?before={}", "/live?of={}"]  # fmt: skip
    everything = (await world.house.app.store.totals())["events"]
    apart = sized(7, 1)  # each string is put to every seventh search, each search takes every seventh string
    for nth, text in enumerate(STRINGS):
        written = quote(text[:2000], safe="", errors="surrogatepass")
        for path in paths[nth % apart :: apart]:
            if path.endswith("/{}") and text in {"", ".", ".."}:
                continue
            answer, told = await world.house.get(path.format(written))
            if answer.status >= 500:
                yield path, f"{text!r} is answered with {answer.status}"
            if answer.headers["Content-Type"].startswith("text/html") and {"img", "svg", "base", "iframe"} & Parts(
                told
            ).tags - {"svg"}:
                yield path, f"{text!r} became markup"
    if (await world.house.app.store.totals())["events"] != everything:
        yield "the ledger", "a search changed it"


PLAIN_TAGS = {"base", "iframe", "img", "object", "embed", "textarea", "math", "marquee"}


async def pages(world):
    store = world.house.app.store
    paths = [
        "/",
        "/calls",
        "/texts",
        "/people",
        "/rules",
        "/connectors",
        "/alerts",
        "/audit",
        "/refused",
        "/requests",
        "/numbers",
    ]
    for event in await store.events(limit=len(CALLS)):
        paths += [f"/calls/{event.id}"]
    seen = set()
    for path in paths:
        answer, told = await world.house.get(path)
        page = Parts(told)
        seen.add(page.text)
        if page.tags & PLAIN_TAGS or told.count("<script") > 1:
            yield path, f"holds {page.tags & PLAIN_TAGS or 'script'}"
        for name, value in page.attributes:
            if name.startswith("on") or re.match(r"(?i)\s*(javascript|data|//|https?:)", value or ""):
                yield path, f"{name}={value}"
        if "script-src 'self'" not in answer.headers["Content-Security-Policy"]:
            yield path, "no policy"
    shown = folded(" ".join(seen))
    for text in CALLS.values():
        if folded(text)[:80] not in shown:
            yield text, "is on no page as it is"


async def commands(world):
    """What a terminal is told, with colours and without."""
    last = next(call for call, text in CALLS.items() if "\x1b" in text)
    asked = [("events", "--limit", "500"), ("show", last), ("why", last), ("find", "+13125550000"),
    ("person", "+13125550001"),
             ("texts",), ("deliveries", "--limit", "500"), ("events", "--limit", "500", "--json"),
             ("refused",)]  # fmt: skip
    for command in asked:
        done = await asyncio.to_thread(
            subprocess.run,
            [*forked.relay(), "-c", str(world.folder / "relay.yaml"), *command],
            env={**os.environ, **world.environment, "COLUMNS": "400", "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            check=False,
        )
        told = done.stdout.decode() + done.stderr.decode()
        if done.returncode:
            yield command, f"exit {done.returncode}: {told[-300:]}"
        # JSON is for machines; what it escapes nobody obeys.
        wrong = (
            re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", told)
            if "--json" in command
            else unseen(told, but="\n\u200d")
        )
        if wrong:
            yield command, f"tells a terminal {wrong}"
        if "--json" in command:
            json.loads(done.stdout)


LOGS = """
import structlog
from relay.cli.common import start_logging
from tests.hostile import STRINGS
from tests.sized import sized
start_logging()
log = structlog.get_logger("relay")
for text in STRINGS:
    log.warning("something came", caller=text, inside={"a": [text]})
"""


async def logs(world):
    for form in ("text", "json"):
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", LOGS],
            env={**os.environ, "RELAY_LOG": form, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            check=True,
        )
        lines = done.stderr.decode().splitlines()
        if len(lines) != len(STRINGS):
            yield form, f"{len(lines)} lines for {len(STRINGS)} events"
        for line in lines:
            if unseen(line):
                yield line, f"{form}: {unseen(line)}"
            if form == "json" and json.loads(line)["event"] != "something came":
                yield line, "another event"


async def browser(world):
    """The same pages in a real one, where there is one: no script of a stranger's runs, nobody else is asked."""
    if CHROMIUM is None:
        return
    events = await world.house.app.store.events(limit=len(CALLS))
    told = {event.id for event in events if set(event.call.get("caller_name") or "") & set("<&\"'")}
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        it = Browser(await chromium.new_context(viewport=DESK), world.house.url)
        page = await it.signed_in(TOKEN, "/calls")
        page.on("dialog", lambda dialog: it.complaints.append(f"a dialog: {dialog.message}"))
        for path in ["/calls", "/texts", "/", *(f"/calls/{name}" for name in sorted(told))]:
            await page.goto(world.house.url + path)
            if "owned" in await page.title():
                yield path, "a stranger's script ran"
        for complaint in it.complaints:
            if "net::ERR" not in complaint:  # a stream that ended as the next page was loaded
                yield "the console", complaint
        for asked in it.asked:
            if not asked.startswith((world.house.url, "data:")):
                yield asked, "was asked"
        await chromium.close()
