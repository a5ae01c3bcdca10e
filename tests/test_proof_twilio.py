"""Twilio signs the address and the fields."""

from __future__ import annotations

import base64
import hashlib
import hmac

from relay.proof import verify

# Published by Twilio (www.twilio.com/docs/usage/security).
TWILIO = "https://mycompany.com/myapp.php?foo=1&bar=2"
FORM = {
    "CallSid": "CA1234567890ABCDE",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
    "Caller": "+14158675309",
}


def twilio(signature="RSOYDt4T1cUTdK1PDd93/VVr8B8=", url=TWILIO, params=FORM, body=b"", secrets=("12345",)):
    return verify("twilio", {"secrets": secrets}, [["X-Twilio-Signature", signature]], body, 0, url, params)


def by_twilio(url, told=""):
    return base64.b64encode(hmac.new(b"12345", (url + told).encode(), "sha1").digest()).decode()


def test_twilios_published_example_is_accepted_however_the_fields_are_given():
    assert twilio()
    assert twilio(params=list(FORM.items()))
    assert twilio(params={name: [value, value] for name, value in FORM.items()})
    assert twilio(secrets=("another", "12345"))


def test_whatever_differs_from_what_twilio_signed_is_refused():
    assert not twilio(params=FORM | {"Digits": "1235"})
    assert not twilio(params={})
    assert not twilio(url=TWILIO + "0")
    assert not twilio(secrets=("1234",))
    for signature in ("", "x", "\udce9", "RSOYDt4T1cUTdK1PDd93/VVr8B8", "rsoydt4t1cutdk1pdd93/vvr8b8="):
        assert not twilio(signature)
    for url in (None, "", "no address", "https://[::1"):
        assert not twilio(by_twilio(str(url or "")), url=url, params=None)


def test_a_port_that_a_proxy_added_or_took_changes_nothing():
    bare, ported = "https://relay.example/x", "https://relay.example:443/x"
    assert twilio(by_twilio(ported), url=bare, params=None)
    assert twilio(by_twilio(bare), url=ported, params=None)
    assert not twilio(by_twilio(bare), url="https://relay.example/y", params=None)


def test_a_body_that_twilio_did_not_sign_proves_nothing():
    body = b'{"a": 1}'
    digest = hashlib.sha256(body).hexdigest()
    url = f"https://relay.example/x?bodySHA256={digest}"
    assert twilio(by_twilio(url), url=url, params=None, body=body)
    assert not twilio(by_twilio(url), url=url, params=None, body=body + b" ")
    bare = "https://relay.example/x"
    assert not twilio(by_twilio(bare), url=bare, params=None, body=body)
