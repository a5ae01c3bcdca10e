"""Senders prove themselves, and nobody else does."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from relay.proof import ProofForm, verify
from tests.senders import (
    BODY,
    KEY,
    NOW,
    PUBLIC,
    PUBLISHED,
    SIGNED,
    STAMP,
    STAMPED,
    STANDARD,
    TEXT,
    WAYS,
    built,
    digest,
    headers_standard,
    requests,
    standard,
)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_examples_are_accepted(name):
    written, headers, body, now = PUBLISHED[name]
    assert built(written).check(headers, body, now).ok
    assert not built(written).check(headers, body + b" ", now).ok


@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_proving_accepts_what_it_should(way):
    written, headers = requests()[way]
    result = built(written).check(headers, BODY, NOW)
    assert result.ok, result.reason
    assert result.needs_body == (way in SIGNED)
    assert not result.used_previous


@pytest.mark.parametrize("way", WAYS)
def test_header_names_may_come_in_any_case(way):
    written, headers = requests()[way]
    assert built(written).check([(name.upper(), value) for name, value in headers], BODY, NOW).ok


@pytest.mark.parametrize("way", WAYS)
def test_a_header_that_is_missing_empty_or_doubled_is_refused(way):
    written, headers = requests()[way]
    proof = built(written)
    for place, (name, value) in enumerate(headers):
        rest = headers[:place] + headers[place + 1 :]
        for changed in (rest, [*rest, (name, "")], [*headers, (name, value)]):
            result = proof.check(changed, BODY, NOW)
            assert not result.ok
            assert result.reason


@pytest.mark.parametrize("way", STAMPED)
def test_the_timestamp_may_be_five_minutes_off_either_way_and_no_more(way):
    written, headers = requests()[way]
    proof = built(written)
    verdicts = [proof.check(headers, BODY, NOW + off).ok for off in (-301, -300.1, -300, 300, 300.1, 301)]
    assert verdicts == [False, False, True, True, False, False]


@pytest.mark.parametrize(
    "stamp", [" 1614265330", "1614265330.0", "+1614265330", "1_614_265_330", "-1", "\uff11\uff16", "x", "0" * 99]
)
def test_a_timestamp_that_is_no_plain_count_of_seconds_is_refused(stamp):
    signed = standard(stamp=stamp)
    headers = headers_standard(f"v1,{signed}", **{"webhook-timestamp": stamp})
    assert not built({"standard_webhooks": STANDARD}).check(headers, BODY, NOW).ok


@pytest.mark.parametrize("name", ["msg.1", "msg 1", "msg\r\n1", "é", "x" * 129])
def test_a_message_id_with_a_second_reading_is_refused(name):
    headers = headers_standard(f"v1,{standard(name=name)}", **{"webhook-id": name})
    assert not built({"standard_webhooks": STANDARD}).check(headers, BODY, NOW).ok


def test_one_good_entry_among_others_is_enough_and_unknown_versions_count_for_nothing():
    good = standard()
    proof = built({"standard_webhooks": STANDARD})
    assert proof.check(headers_standard(f"v1a,AAAA v1,AAAA v1,{good}"), BODY, NOW).ok
    for bad in (f"v2,{good}", f"v1a,{good}", good, f"v1,{good},x", f"v1, {good}", f"v1,{good[:-1]}", "v1,éé"):
        assert not proof.check(headers_standard(bad), BODY, NOW).ok, bad


def test_a_public_key_never_serves_as_a_shared_secret():
    public = base64.b64decode(PUBLIC.removeprefix("whpk_"))
    forged = base64.b64encode(hmac.new(public, f"msg_1.{STAMP}.".encode() + BODY, hashlib.sha256).digest()).decode()
    for entry in (f"v1,{forged}", f"v1a,{forged}"):
        assert not built({"standard_webhooks": PUBLIC}).check(headers_standard(entry), BODY, NOW).ok
    bare = {"public_keys": [PUBLIC.removeprefix("whpk_")]}
    assert not verify("standard-webhooks", bare, headers_standard(f"v1,{forged}"), BODY, NOW)
    config = {"secrets": [PUBLIC, STANDARD], "public_keys": [STANDARD, "whpk_short", "whsk_x"]}
    assert not verify("standard-webhooks", config, headers_standard(f"v1,{forged}"), BODY, NOW)
    assert verify("standard-webhooks", config, headers_standard(), BODY, NOW)


def test_a_signature_has_one_spelling_only():
    written, headers = requests()["v1a"]
    name, value = headers[-1]
    twin = value[:-3] + chr(ord(value[-3]) + 1) + "=="
    assert base64.b64decode(twin[4:]) == base64.b64decode(value[4:])
    assert not built(written).check([*headers[:-1], (name, twin)], BODY, NOW).ok


def test_svix_headers_are_the_same_scheme_and_the_two_families_do_not_mix():
    proof = built({"standard_webhooks": STANDARD})
    svix = [(name.replace("webhook", "svix"), value) for name, value in headers_standard()]
    assert proof.check(svix, BODY, NOW).ok
    assert not proof.check([svix[0], *headers_standard()[1:]], BODY, NOW).ok


def test_old_versions_of_stripe_and_github_signatures_do_not_count():
    proof = built({"preset": "stripe", "secret": TEXT})
    good = digest(TEXT.encode(), f"{STAMP}.".encode() + BODY)
    assert not proof.check([("Stripe-Signature", f"t={STAMP},v0={good}")], BODY, NOW).ok
    assert not proof.check([("Stripe-Signature", f"t={STAMP},t=1,v1={good}")], BODY, NOW).ok
    assert proof.check([("Stripe-Signature", f"t={STAMP},v1=00,v1={good},v0=x")], BODY, NOW).ok
    sha1 = digest(TEXT.encode(), BODY, "sha1")
    for name in ("X-Hub-Signature", "X-Hub-Signature-256"):
        assert not built({"preset": "github", "secret": TEXT}).check([(name, f"sha1={sha1}")], BODY, NOW).ok


def test_hex_in_capitals_counts_for_hmac_only():
    capitals = digest(TEXT.encode(), BODY).upper()
    assert built({"hmac": {"header": "X-S", "secret": TEXT}}).check([("X-S", capitals)], BODY, NOW).ok
    github = [("X-Hub-Signature-256", f"sha256={capitals}")]
    assert not built({"preset": "github", "secret": TEXT}).check(github, BODY, NOW).ok


def test_the_previous_secret_still_works_and_says_so():
    proof = built({"header": "X-Relay-Secret", "secret": "the-new-false-secret", "previous": TEXT})
    old = proof.check([("X-Relay-Secret", TEXT)], b"", NOW)
    new = proof.check([("X-Relay-Secret", "the-new-false-secret")], b"", NOW)
    same = built({"bearer": TEXT, "previous": TEXT})
    assert not same.check([("Authorization", f"Bearer {TEXT}")], b"", NOW).used_previous
    assert (old.ok, old.used_previous, new.ok, new.used_previous) == (True, True, True, False)


def test_an_empty_previous_secret_is_none_and_opens_no_door():
    proof = built({"header": "X-Relay-Secret", "secret": TEXT, "previous": ""})
    assert not proof.check([("X-Relay-Secret", "")], b"", NOW).ok
    assert not proof.check([("X-Relay-Secret", " ")], b"", NOW).ok


def test_no_proof_must_be_asked_for_by_name_and_is_warned_about():
    proof = built("none")
    assert proof.check([], b"", NOW).ok
    assert "anybody" in proof.warnings[0]
    assert "16 characters" in built({"header": "X-S", "secret": "short"}).warnings[0]
    assert built({"header": "X-S", "secret": TEXT}).warnings == ()


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"header": "aUTHORIZATION", "secret": TEXT}, "drops a custom Authorization"),
        ({"header": "X Y", "secret": TEXT}, "cannot be the name"),
        ({"header": "X-S", "secret": ""}, "is empty"),
        ({"header": "X-S", "secret": "  "}, "is empty"),
        ({"header": "X-S"}, "both need it"),
        ({"bearer": ""}, "is empty"),
        ({"basic": "nobody"}, "user:password"),
        ({"preset": "twitter", "secret": TEXT}, "stripe"),
        ({"preset": "stripe", "secret": ""}, "is empty"),
        ({"standard_webhooks": ""}, "is empty"),
        ({"standard_webhooks": "whsec_"}, "24 to 64 bytes"),
        ({"standard_webhooks": "whsec_!!"}, "no base64"),
        ({"standard_webhooks": "whsk_AAAA"}, "private key"),
        ({"standard_webhooks": "whpk_AAAA"}, "32 bytes"),
        ({"hmac": {"header": "X-S", "secret": ""}}, "is empty"),
        ({"hmac": {"header": "X-S", "secret": TEXT, "signed": "x"}}, "{body} once"),
        ({"hmac": {"header": "X-S", "secret": TEXT, "signed": "{body}{url}"}}, "{body} once"),
        ({"hmac": {"header": "X-S", "secret": TEXT, "signed": "{timestamp}{body}"}}, "belong together"),
        ({"hmac": {"header": "X-S", "secret": TEXT, "signed": "{body}", "timestamp_header": "X-T"}}, "belong together"),
        ({"hmac": {"header": "X-S", "secret": TEXT}, "previous": TEXT}, "inside hmac"),
        ({"bearer": TEXT, "basic": "a:b"}, "write one of"),
        ({}, "write one of"),
        ("nothing", "no proof"),
        ({"bearer": TEXT, "colour": "red"}, "Extra inputs"),
    ],
)
def test_a_proof_that_cannot_work_is_refused_with_its_reason_and_without_its_secret(written, said):
    with pytest.raises(ValidationError) as caught:
        ProofForm.model_validate(written)
    assert said in str(caught.value)
    assert TEXT not in str(caught.value)


@pytest.mark.parametrize("way", WAYS)
def test_no_secret_shows_in_print_or_in_a_reason(way):
    written, headers = requests()[way]
    form = ProofForm.model_validate(written)
    wrong = [(name, value[:-6] + "AAAAA=") for name, value in headers]
    shown = f"{form!r} {form.proof()!r} {form.proof().check(wrong, BODY, NOW)!r}"
    for secret in (TEXT, STANDARD, PUBLIC, KEY.decode("latin-1"), repr(KEY)):
        assert secret not in shown


def flipped(data, place):
    changed = bytearray(data)
    changed[place // 8 % len(changed)] ^= 1 << place % 8
    return bytes(changed)


@given(st.sampled_from(SIGNED), st.integers(0, 10**6))
def test_one_changed_bit_of_the_body_is_refused(way, place):
    written, headers = requests()[way]
    assert not built(written).check(headers, flipped(BODY, place), NOW).ok


@given(st.sampled_from(WAYS), st.integers(0, 10**6), st.integers(0, 2))
def test_one_changed_bit_of_any_header_is_refused(way, place, which):
    written, headers = requests()[way]
    name, value = headers[which % len(headers)]
    changed = flipped(value.encode(), place).decode("latin-1")
    # Schemes' names and generic hex are the same in capitals by definition.
    assume(changed.lower() != value.lower())
    rest = [header for header in headers if header[0] != name]
    assert not built(written).check([*rest, (name, changed)], BODY, NOW).ok


@given(st.integers(0, 10**6))
def test_one_changed_bit_of_a_secret_is_refused(place):
    changed = base64.b64encode(flipped(KEY, place)).decode()
    assert not built({"standard_webhooks": f"whsec_{changed}"}).check(headers_standard(), BODY, NOW).ok
    text = flipped(TEXT.encode(), place).decode("latin-1")
    proof = built({"header": "X-Relay-Secret", "secret": text})
    assert not proof.check([("X-Relay-Secret", TEXT)], b"", NOW).ok


NAMES = """webhook-id webhook-timestamp webhook-signature svix-id Stripe-Signature X-Relay-Secret X-Hub-Signature-256
X-Slack-Signature X-Slack-Request-Timestamp X-Signature Authorization""".split()  # noqa: SIM905 - reads better so
GARBAGE = st.text(st.characters(min_codepoint=0, max_codepoint=0x10FFFF), max_size=80) | st.sampled_from(
    [
        "v1,",
        "v1a,",
        "v1a,AAAA",
        "t=,v1=",
        "sha256=",
        "v0=",
        "Basic",
        "Bearer ",
        "\udce9",
        "\ud800",
        STAMP,
        f"t={STAMP},v1",
    ]
)


@given(st.sampled_from(WAYS), st.lists(st.tuples(st.sampled_from(NAMES), GARBAGE), max_size=6), st.binary(max_size=64))
def test_garbage_is_refused_and_never_raises(way, headers, body):
    written, _ = requests()[way]
    result = built(written).check(headers, body, NOW)
    assert not result.ok
    assert result.reason


@pytest.mark.parametrize("way", WAYS)
def test_headers_that_are_no_text_at_all_are_refused(way):
    written, headers = requests()[way]
    for junk in ("\ud800", "\udce9", "\0", "v1,\ud800", "v1a,\ud800", f"t={STAMP},v1=\ud800", "Basic \ud800"):
        assert not built(written).check([(name, junk) for name, _ in headers], BODY, NOW).ok
        assert not built(written).check([*headers[:-1], (headers[-1][0], junk)], BODY, NOW).ok


@given(st.permutations(range(4)), st.integers(0, 3))
def test_any_of_several_secrets_is_enough_in_any_order(order, used):
    secrets = [f"an-obviously-false-secret-{number}" for number in range(4)]
    config = {"secrets": [secrets[place] for place in order], "header": "X-Relay-Token"}
    assert verify("shared-token", config, [["X-Relay-Token", secrets[used]]], b"", 0)
    assert not verify("shared-token", config, [["X-Relay-Token", "an-obviously-false-secret-4"]], b"", 0)


def test_loose_settings_that_make_no_sense_verify_nothing():
    assert not verify("shared-token", {"secrets": ["abc"], "header": "X-T"}, [["X-T", "abc"]], b"", 0)
    assert not verify("shared-token", {"secrets": [""], "header": "X-T"}, [["X-T", ""]], b"", 0)
    assert not verify("standard-webhooks", {"secrets": ["whsec_!", ""]}, headers_standard(), BODY, NOW)
    assert not verify("unheard-of", {"secrets": [TEXT]}, [], b"", 0)
    assert not verify("none", {}, [], b"", 0)
    for scheme in ("stripe", "github", "slack", "generic-hmac"):
        assert not verify(scheme, {"secrets": [TEXT]}, [], b"", 0)


@pytest.mark.parametrize("junk", [None, [], "x", 5, {"secrets": None}, {"secrets": 5}, {"secrets": [None]}])
@pytest.mark.parametrize("headers", [[], None, 5, [["a"]], [["a", "b", "c"]], [[None, None]], [[b"x", b"y"]]])
def test_settings_and_headers_of_another_shape_verify_nothing_and_never_raise(junk, headers):
    for scheme in ("standard-webhooks", "stripe", "github", "slack", "shared-token", "generic-hmac", "twilio", "?"):
        assert verify(scheme, junk, headers, b"x", float("nan")) is False


@pytest.mark.parametrize(
    "config",
    [
        {"secrets": TEXT}, {"secrets": {TEXT[0]: 1}}, {"secrets": [None, 5, b"bytes", [TEXT[0]]]},
        {"secrets": [TEXT[0]], "hash": "md5"}, {"secrets": [TEXT[0]], "hash": "SHA256"},
        {"secrets": [TEXT[0]], "encoding": "rot13"}, {"secrets": [TEXT[0]], "encoding": None},
    ],
)  # fmt: skip
def test_settings_of_another_kind_are_never_guessed_at(config):
    """A text in place of a list would make a key of each of its letters."""
    for hashed in ("sha256", "md5"):
        made = hmac.new(TEXT[0].encode(), BODY, hashed)
        for sent in (made.hexdigest(), base64.b64encode(made.digest()).decode()):
            assert not verify("generic-hmac", {"header": "X-S", **config}, [["X-S", sent]], BODY, NOW)
    one = digest(TEXT[0].encode(), BODY)
    if "hash" not in config and "encoding" not in config:
        assert not verify("github", config, [["X-Hub-Signature-256", f"sha256={one}"]], BODY, NOW)


@pytest.mark.parametrize("now", [float("inf"), float("-inf"), float("nan"), 10**400, -(10**400), None, "1614265330"])
def test_no_clock_makes_it_raise(now):
    for scheme, config in (("standard-webhooks", {"secrets": [STANDARD]}), ("slack", {"secrets": [TEXT]})):
        for headers in (headers_standard(), [["X-Slack-Request-Timestamp", STAMP], ["X-Slack-Signature", "v0=00"]]):
            assert verify(scheme, config, headers, BODY, now) is False


def test_a_public_key_counts_with_and_without_its_prefix():
    _, headers = requests()["v1a"]
    for key in (PUBLIC, PUBLIC.removeprefix("whpk_")):
        assert verify("standard-webhooks", {"public_keys": [key]}, headers, BODY, NOW)
