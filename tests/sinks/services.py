"""What services outside were handed of a caller's words."""

from __future__ import annotations

import re

from connectors.mail import SUBJECT_MOST
from tests.sinks.words import CALLS, Parts, folded, kept, unseen


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


async def notify(world):
    sent = [asked.json for asked in world.sink.requests if asked.path.startswith("/bell")]
    assert len(sent) >= len(CALLS)
    for said in sent:
        for text in (said["title"], said["message"]):
            if re.search(r"@(everyone|here|channel)|<[@#!&]|<https?:|<mailto:", text):
                yield text, "calls somebody"
        if re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029]", said["title"]):
            yield said["title"], "a title of several lines"


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
