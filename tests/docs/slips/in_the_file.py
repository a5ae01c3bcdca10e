"""What goes wrong for somebody new in relay.yaml."""

from __future__ import annotations

from tests.docs.newcomer import sheet
from tests.docs.slips.provoked import says


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
