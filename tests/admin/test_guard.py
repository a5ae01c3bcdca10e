"""Who may ask: sessions, forms, foreign pages, roles, and the headers of every answer."""

import asyncio
import re

import pytest
from structlog.testing import capture_logs

from relay.access import Role
from relay.access.sessions import IDLE, MOST
from tests.admin.conftest import TOKEN, VIEW

PAGE = {"Accept": "text/html"}
RETRY = ("POST", "/api/do/retry")
BODY = {"ids": ["dlv-1"]}


async def test_a_browser_signs_in_with_the_token_and_out_again(desk):
    it = await desk()
    cookie = await it.sign_in()
    assert (await it.ask("GET", "/api/events", headers=cookie))[0].status == 200
    answer, text = await it.ask("GET", "/api/events", headers=PAGE)
    assert (answer.status, "WWW-Authenticate" in answer.headers) == (401, True)
    csrf = csrf_of(it, cookie)
    answer, _ = await it.ask("POST", "/signout", headers=cookie, data={"csrf": csrf})
    assert (answer.status, answer.headers["Location"]) == (303, "/")
    assert (await it.ask("GET", "/api/events", headers=cookie))[0].status == 401, "a stolen cookie is worth nothing"
    assert "sign in" in (await it.ask("GET", "/signout", headers=PAGE))[1]
    assert text


def csrf_of(it, cookie):
    sessions = it.seen["admin"]._guard._sessions
    return sessions.find(cookie["Cookie"].partition("=")[2]).csrf


async def test_a_wrong_token_opens_nothing(desk):
    it = await desk()
    for token in ("", "wrong", TOKEN + "x", "\udcff"):
        assert await it.sign_in(token.encode("utf-8", "surrogateescape").decode("latin-1")) == {}


async def test_every_sign_in_has_an_id_that_nobody_chose(desk):
    it = await desk()
    chosen = {"Cookie": "relay=chosen-by-somebody-else"}
    answer, _ = await it.ask("POST", "/signin", data={"token": TOKEN}, headers=chosen)
    first = answer.cookies["relay"].value
    assert len(first) >= 43
    assert first != "chosen-by-somebody-else"
    assert (await it.ask("GET", "/api/events", headers=chosen))[0].status == 401
    again = await it.sign_in(Cookie=f"relay={first}")
    assert (await it.ask("GET", "/api/events", headers={"Cookie": f"relay={first}"}))[0].status == 401
    assert (await it.ask("GET", "/api/events", headers=again))[0].status == 200


@pytest.mark.parametrize(("steps", "status"), [([IDLE - 1] * 3, 200), ([IDLE + 1], 401), ([IDLE - 1] * 25, 401)])
async def test_a_session_ends_when_nobody_is_there_and_after_half_a_day_anyhow(desk, clock, steps, status):
    it = await desk()
    cookie = await it.sign_in()
    for step in steps:
        clock.now += step
        answer, _ = await it.ask("GET", "/api/events", headers=cookie)
    assert answer.status == status
    assert MOST == 12 * 3600


@pytest.mark.parametrize(("secure", "name", "flags"), [(True, "__Host-relay", {"Secure"}), (False, "relay", set())])
async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(desk, secure, name, flags):
    it = await desk(hosts=["relay.example"], secure_hosts=["relay.example"] if secure else [])
    answer, _ = await it.ask("POST", "/signin", data={"token": TOKEN}, headers={"Host": "relay.example"})
    line = answer.headers["Set-Cookie"]
    said = {part.strip() for part in line.split(";")[1:]}
    assert line.startswith(f"{name}=")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} | flags <= said
    assert ("Secure" in said) is secure
    assert ("Strict-Transport-Security" in answer.headers) is secure


ELSEWHERE = [
    "//evil.example",
    "https://evil.example/",
    "/\\evil.example",
    "evil",
    "/\nx",
    "/\t/evil.example",
    "/\r/evil.example",
]


@pytest.mark.parametrize(
    "where", [*ELSEWHERE, "\t//evil.example", "/\\\t/evil.example", "/\u2028/evil.example", "/x\\..", ""]
)
async def test_signing_in_never_leads_elsewhere(desk, where):
    it = await desk()
    answer, _ = await it.ask("POST", "/signin", data={"token": TOKEN, "next": where})
    assert answer.headers["Location"] == "/"


async def test_signing_in_leads_where_one_wanted_to_go(desk):
    answer, _ = await (await desk()).ask("POST", "/signin", data={"token": TOKEN, "next": "/calls?type=call.missed"})
    assert answer.headers["Location"] == "/calls?type=call.missed"


FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize("token", [TOKEN, None])
async def test_another_site_s_page_changes_nothing_and_signs_nobody_in(desk, dead, headers, token):
    it = await desk() if token else await desk(token=None, view_token=None)
    assert (await it.ask(*RETRY, token, json=BODY, headers=headers))[0].status == 403
    if token:
        answer, _ = await it.ask("POST", "/signin", data={"token": TOKEN}, headers=headers)
        assert (answer.status, "Set-Cookie" in answer.headers) == (403, False)
        cookie = await it.sign_in()
        told = {"csrf": csrf_of(it, cookie)}
        assert (await it.ask("POST", "/signout", headers=cookie | headers, data=told))[0].status == 403


async def test_our_own_page_may(desk, dead):
    it = await desk(token=None, view_token=None)
    same = {"Origin": it.url, "Sec-Fetch-Site": "same-origin"}
    answer, text = await it.ask(*RETRY, json=BODY, headers=same)
    assert (answer.status, text) == (200, '{"retried": 1}')


@pytest.mark.parametrize("given", [{}, {"csrf": ""}, {"csrf": "guess"}, {"csrf": "gueß"}])
async def test_a_session_alone_changes_nothing_without_the_page_s_own_token(desk, dead, given):
    it = await desk()
    cookie = await it.sign_in()
    assert (await it.ask(*RETRY, headers=cookie, json=BODY))[0].status == 403
    answer, _ = await it.ask("POST", "/signout", headers=cookie, data=given)
    assert answer.status == 403
    header = {"X-Relay-Csrf": csrf_of(it, cookie)}
    assert (await it.ask(*RETRY, headers=cookie | header, json=BODY))[0].status == 200


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=x", "application/octet-stream"])
async def test_json_in_the_clothes_of_something_else_changes_nothing(desk, dead, kind):
    it = await desk(token=None, view_token=None)
    headers = {"Content-Type": kind}
    assert (await it.ask(*RETRY, data=b'{"ids": ["dlv-1"]}', headers=headers))[0].status == 403


async def test_the_view_token_reads_everything_and_changes_nothing(desk, dead):
    it = await desk()
    cookie = await it.sign_in(VIEW)
    checked = 0
    for route in it.seen["admin"].routes:
        path = re.sub(r"\{\w+\}", "x", route.path)
        options = {"json": {}} if route.method == "POST" else {}
        for how in ({"token": VIEW}, {"headers": cookie}):
            answer, _ = await it.ask(route.method, path, **how, **options)
            if route.role is Role.ADMIN and not route.open:
                assert answer.status == 403, route.path
                checked += 1
            elif route.method == "GET":
                assert answer.status in {200, 400, 404}, route.path
    assert checked > 10
    assert (await it.ask(*RETRY, TOKEN, json=BODY))[0].status == 200


async def test_numbers_are_masked_for_those_who_only_look(desk, dead):
    it = await desk()
    _, whole = await it.ask("GET", "/api/events/last", TOKEN)
    _, hidden = await it.ask("GET", "/api/events/last", VIEW)
    assert "+13125550101" in whole
    assert "3125550101" not in hidden
    assert "***0101" in hidden


PAGES_MAY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
CAREFUL = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}


@pytest.mark.parametrize(
    ("path", "token", "asked", "status"),
    [
        ("/healthz", None, {}, 200),
        ("/api/events", TOKEN, {}, 200),
        ("/api/events", None, {}, 401),
        ("/api/events", "wrong", {}, 401),
        ("/api/events", TOKEN, {"Host": "evil.example"}, 421),
        ("/api/events?limit=0", TOKEN, {}, 400),
        ("/nowhere", TOKEN, PAGE, 404),
        ("/", None, PAGE, 401),
        ("/readyz", None, {}, 500),
    ],
)
async def test_every_answer_has_the_careful_headers(desk, path, token, asked, status):
    def broken():
        raise ZeroDivisionError("oops")

    answer, _ = await (await desk(ready=broken)).ask("GET", path, token, headers=asked)
    assert answer.status == status
    assert {name: answer.headers.get(name) for name in CAREFUL} == CAREFUL
    page = answer.content_type == "text/html"
    assert answer.headers["Content-Security-Policy"] == (
        PAGES_MAY if page else "default-src 'none'; frame-ancestors 'none'"
    )
    assert "Server" not in answer.headers


@pytest.mark.parametrize("debug", [False, True])
async def test_a_mistake_of_ours_is_told_by_a_number_that_the_log_knows(desk, debug):
    """Debugging the event loop, which has aiohttp show traces, changes nothing."""

    def broken():
        raise ZeroDivisionError("oops")

    asyncio.get_running_loop().set_debug(debug)
    with capture_logs() as told:
        answer, text = await (await desk(ready=broken)).ask("GET", "/readyz")
    asyncio.get_running_loop().set_debug(False)
    assert answer.status == 500
    [name] = re.findall(r"error ([0-9a-f]{8})\.", text)
    [line] = [line for line in told if line["log_level"] == "error"]
    assert (line["error"], line["exc_info"]) == (name, True)
    assert not any(word in text for word in ("oops", "Traceback", "ZeroDivision", ".py"))


async def test_methods_that_there_are_not_are_refused_with_those_that_are(desk):
    answer, text = await (await desk()).ask("DELETE", "/api/events", TOKEN)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET,HEAD")
    assert "requests of another method" in text


async def test_what_there_is_not_is_told_in_words(desk):
    _, text = await (await desk()).ask("GET", "/nowhere", TOKEN)
    assert "There is nothing at this address." in text
    assert "404: Not Found" not in text


async def sent_by_hand(it, head, body):
    reader, writer = await asyncio.open_connection("127.0.0.1", int(it.url.rpartition(":")[2]))
    writer.write(
        f"{head}\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 99\r\n\r\n{body}".encode()
    )
    return reader, writer


@pytest.mark.parametrize(
    "head",
    [
        "POST /api/do/retry HTTP/1.1\r\nContent-Type: application/json",
        "POST /signin HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded",
    ],
)
async def test_a_body_that_does_not_come_is_408_and_the_connection_ends(desk, head):
    reader, writer = await sent_by_hand(await desk(body_seconds=0.2), head, "{")
    assert b" 408 " in await reader.readline()
    assert b'"No whole body came within 0.2 s."' in await reader.read()
    writer.close()


async def test_whoever_leaves_amid_a_body_is_no_mistake_of_ours(desk, until):
    it = await desk()
    with capture_logs() as told:
        _, writer = await sent_by_hand(it, "POST /api/do/retry HTTP/1.1\r\nContent-Type: application/json", "{")
        await writer.drain()
        writer.transport.abort()
        assert (await it.ask("GET", "/version", TOKEN))[0].status == 200
    assert [line for line in told if line["log_level"] == "error"] == []
