"""Senders who prove themselves, each in its own way, and what the projects published as worked examples."""

from __future__ import annotations

import base64
import hashlib
import hmac

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from relay.proof import ProofForm

NOW = 1_614_265_330
BODY = b'{"test": 2432232314}'
KEY = bytes(range(32))
STANDARD = "whsec_" + base64.b64encode(KEY).decode()
SEED = Ed25519PrivateKey.from_private_bytes(b"an obviously false seed 12345678")
PUBLIC = "whpk_" + base64.b64encode(SEED.public_key().public_bytes_raw()).decode()
TEXT = "an-obviously-false-secret"
STAMP = str(NOW)

# Published by the standard-webhooks, GitHub and Slack projects as worked examples.
PUBLISHED = {
    "standard webhooks v1": (
        {"standard_webhooks": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
        [
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("webhook-timestamp", "1614265330"),
            ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        ],
        BODY,
        1614265330,
    ),
    "standard webhooks v1a": (
        {"standard_webhooks": "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="},
        [
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("webhook-timestamp", "1614265330"),
            (
                "webhook-signature",
                "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
            ),
        ],
        BODY,
        1614265330,
    ),
    "github": (
        {"preset": "github", "secret": "It's a Secret to Everybody"},
        [("X-Hub-Signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17")],
        b"Hello, World!",
        0,
    ),
    "slack": (
        {"preset": "slack", "secret": "8f742231b10e8888abcd99yyyzzz85a5"},
        [
            ("X-Slack-Request-Timestamp", "1531420618"),
            ("X-Slack-Signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"),
        ],
        (
            b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
            b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url="
            b"https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
            b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
        ),
        1531420618,
    ),
}


def digest(key, signed, algorithm="sha256"):
    return hmac.new(key, signed, algorithm).hexdigest()


def standard(body=BODY, stamp=STAMP, name="msg_1"):
    signed = f"{name}.{stamp}.".encode() + body
    return base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()


def headers_standard(signature=None, **changes):
    given = {"webhook-id": "msg_1", "webhook-timestamp": STAMP, "webhook-signature": signature or f"v1,{standard()}"}
    return list({**given, **changes}.items())


def built(written):
    return ProofForm.model_validate(written).proof()


def requests():
    """One good request for every shape of the contract: what is configured, and the headers that prove it."""
    text = TEXT.encode()
    signed = f"msg_1.{STAMP}.".encode() + BODY
    base = base64.b64encode
    return {
        "header": ({"header": "X-Relay-Secret", "secret": TEXT}, [("x-relay-secret", TEXT)]),
        "bearer": ({"bearer": TEXT}, [("Authorization", f"Bearer {TEXT}")]),
        "basic": ({"basic": f"user:{TEXT}"}, [("Authorization", "Basic " + base(b"user:" + text).decode())]),
        "v1": ({"standard_webhooks": STANDARD}, headers_standard()),
        "v1a": ({"standard_webhooks": PUBLIC}, headers_standard("v1a," + base(SEED.sign(signed)).decode())),
        "stripe": (
            {"preset": "stripe", "secret": TEXT},
            [("Stripe-Signature", f"t={STAMP},v1={digest(text, f'{STAMP}.'.encode() + BODY)}")],
        ),
        "github": (
            {"preset": "github", "secret": TEXT},
            [("X-Hub-Signature-256", f"sha256={digest(text, BODY)}")],
        ),
        "slack": (
            {"preset": "slack", "secret": TEXT},
            [
                ("X-Slack-Request-Timestamp", STAMP),
                ("X-Slack-Signature", f"v0={digest(text, f'v0:{STAMP}:'.encode() + BODY)}"),
            ],
        ),
        "hmac": (
            {"hmac": {"header": "X-Signature", "secret": TEXT, "prefix": "sha256="}},
            [("X-Signature", f"sha256={digest(text, BODY)}")],
        ),
        "hmac with a timestamp, sha512 and base64": (
            {
                "hmac": {
                    "header": "X-Signature",
                    "secret": TEXT,
                    "hash": "sha512",
                    "encoding": "base64",
                    "timestamp_header": "X-Time",
                }
            },
            [
                ("X-Signature", base(hmac.new(text, f"{STAMP}.".encode() + BODY, "sha512").digest()).decode()),
                ("X-Time", STAMP),
            ],
        ),
    }


WAYS = sorted(requests())
SIGNED = [way for way in WAYS if way not in {"header", "bearer", "basic"}]
STAMPED = [way for way in SIGNED if way not in {"github", "hmac"}]
