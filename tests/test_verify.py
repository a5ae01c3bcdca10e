"""`relay.proof.verify` against a second reading of the schemes, written here from their documents and nothing else."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import event, given, settings
from hypothesis import strategies as st

from relay.proof import verify
from tests.sized import sized

NOW = 1_700_000_000
SEED = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = base64.b64encode(SEED.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
SECRETS = [
    "an-obviously-false-secret-1",
    "ein-gehe\u00efmnis-mit-umlaut-\u00fc",
    "short",
    "",
    " ",
    "whsec_" + "QUJD" * 8,
    "QUJD" * 8,
    "whsec_" + "QUJD" * 8 + "QUI",
]
SCHEMES = ["standard-webhooks", "stripe", "github", "slack", "shared-token", "generic-hmac"]


def mac(key, content, hashed="sha256"):
    return hmac.new(key, content, getattr(hashlib, hashed))


def key_of(secret):
    """The bytes of a Standard Webhooks secret; None where it is none."""
    bare = secret.strip().removeprefix("whsec_").rstrip("=")
    if not re.fullmatch("[A-Za-z0-9+/]+", bare) or len(bare) % 4 == 1:
        return None
    key = base64.b64decode(bare + "=" * (-len(bare) % 4))
    return key if 16 <= len(key) <= 64 else None


def sign(scheme, config, secret, body, stamp, name):
    """The headers that an honest sender sends."""
    key = secret.encode()
    match scheme:
        case "standard-webhooks":
            content = f"{name}.{stamp}.".encode() + body
            v1 = base64.b64encode(mac(key_of(secret) or b"x", content).digest()).decode()
            v1a = base64.b64encode(SEED.sign(content)).decode()
            told = f"v1a,{v1a}" if config.get("public_keys") else f"v1,{v1}"
            return [("webhook-id", name), ("webhook-timestamp", stamp), ("webhook-signature", told)]
        case "stripe":
            return [("Stripe-Signature", f"t={stamp},v1={mac(key, stamp.encode() + b'.' + body).hexdigest()}")]
        case "github":
            return [("X-Hub-Signature-256", f"sha256={mac(key, body).hexdigest()}")]
        case "slack":
            signed = mac(key, f"v0:{stamp}:".encode() + body).hexdigest()
            return [("X-Slack-Request-Timestamp", stamp), ("X-Slack-Signature", f"v0={signed}")]
        case "shared-token":
            return [("X-Token", secret)]
    content = f"{stamp}.".encode() + body if config.get("timestamp_header") else body
    made = mac(key, content, config["hash"])
    text = made.hexdigest() if config["encoding"] == "hex" else base64.b64encode(made.digest()).decode()
    stamped = [("X-Time", stamp)] if config.get("timestamp_header") else []
    return [("X-Sign", config["prefix"] + text), *stamped]


def counts(scheme, secret):
    """Whether a secret can be one at all."""
    if scheme == "standard-webhooks":
        return key_of(secret) is not None
    return bool(secret.strip()) and (scheme != "shared-token" or len(secret.encode()) >= 16)


def in_time(scheme, config, stamp, now):
    timed = scheme in {"standard-webhooks", "stripe", "slack"} or bool(config.get("timestamp_header"))
    return not timed or (bool(re.fullmatch("0|[1-9][0-9]{0,11}", stamp)) and abs(now - int(stamp)) <= 300)


def twice(headers):
    return [*headers, headers[-1]]


def without_last(headers):
    return headers[:-1]


def another_name(headers):
    return [*headers[:-1], ("X-Other", headers[-1][1])]


def in_capitals(headers):
    return [(name.upper(), value) for name, value in headers]


def turned_round(headers):
    return headers[::-1]


def among_strangers(headers):
    return [("Accept", "*/*"), *headers, ("X-Sign-Other", "x"), ("Via", "\udce9")]


def cut(headers):
    return [*headers[:-1], (headers[-1][0], headers[-1][1][:-1])]


def longer(headers):
    return [*headers[:-1], (headers[-1][0], headers[-1][1] + "0")]


def blank_before(headers):
    return [(name, f" {value}") for name, value in headers]


def foreign_digits(headers):
    digits = {ord(str(digit)): 0xFF10 + digit for digit in range(10)}
    return [(name, value.translate(digits) + "\uff10") for name, value in headers]


HARMLESS = [in_capitals, turned_round, among_strangers]
FATAL = [twice, without_last, another_name, cut, longer, blank_before, foreign_digits]
configs = st.fixed_dictionaries(
    {"hash": st.sampled_from(["sha256", "sha512"]), "encoding": st.sampled_from(["hex", "base64"]),
     "prefix": st.sampled_from(["", "sha256=", "v1,"]), "timestamp_header": st.sampled_from(["", "X-Time"])}
)  # fmt: skip


@settings(max_examples=sized(250, 3000))
@given(
    scheme=st.sampled_from(SCHEMES),
    options=configs,
    held=st.lists(st.sampled_from(SECRETS), max_size=3),
    used=st.sampled_from(SECRETS),
    pick=st.integers(0, 3),
    public=st.booleans(),
    body=st.binary(max_size=60),
    off=st.sampled_from([-(10**6), -301, -300, -299, 0, 0, 0, 0, 299, 300, 301, 10**6]),
    part=st.sampled_from([0, 0.4]),
    name=st.sampled_from(["msg_1", "a" * 128, "a" * 129, "a.b", "a b", ""]),
    bend=st.sampled_from([None, None, None, *HARMLESS, *FATAL]),
)
def test_it_agrees_with_a_second_reading(scheme, options, held, used, pick, public, body, off, part, name, bend):
    used = held[pick % len(held)] if held and pick else used
    config = {"secrets": held}
    if scheme == "generic-hmac":
        config |= options | {"header": "X-Sign"}
    if scheme == "shared-token":
        config["header"] = "X-Token"
    if scheme == "standard-webhooks" and public:
        config["public_keys"] = [PUBLIC]
    stamp = str(NOW + off)
    headers = sign(scheme, config, used, body, stamp, name)
    fits = counts(scheme, used) and any(counts(scheme, one) and same_key(scheme, one, used) for one in held)
    if config.get("public_keys"):
        fits = True
    if scheme == "standard-webhooks":
        fits = fits and bool(re.fullmatch("[A-Za-z0-9_-]{1,128}", name))
    expected = fits and in_time(scheme, config, stamp, NOW + part) and bend not in FATAL
    event(f"{scheme} {expected}")
    sent = headers if bend is None else bend(headers)
    assert verify(scheme, config, sent, body, NOW + part) is expected
    if expected and scheme != "shared-token":
        assert not verify(scheme, config, sent, body + b" ", NOW + part)


def same_key(scheme, held, used):
    return key_of(held) == key_of(used) if scheme == "standard-webhooks" else held == used


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(
    ["secrets", "public_keys", "header", "hash", "encoding", "prefix", "timestamp_header", "tolerance"]
)


@settings(max_examples=sized(200, 2000))
@given(
    scheme=st.sampled_from([*SCHEMES, "twilio", "none", ""]) | ANYTHING,
    config=st.dictionaries(NAMES, ANYTHING | st.just(SECRETS[:1]), max_size=6) | ANYTHING,
    headers=st.lists(st.tuples(ANYTHING, ANYTHING), max_size=3) | ANYTHING,
    body=st.binary(max_size=8) | ANYTHING,
    now=st.floats() | ANYTHING,
    url=ANYTHING,
    params=ANYTHING,
)
def test_nothing_that_makes_no_sense_raises_or_verifies(scheme, config, headers, body, now, url, params):
    assert verify(scheme, config, headers, body, now, url, params) is False
