"""The other side of a proof: the headers with which a sender would prove itself, for trying a source out."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from relay.proof.keys import Key
    from relay.proof.proof import Proof


def proving_headers(proof: Proof, body: bytes, now: float) -> dict[str, str]:
    """Headers that prove this body at this moment (Unix seconds), with the newest secret.

    Raises:
        ValueError: the source holds only a public key, so that nobody here can sign.
    """
    if proof.scheme == "none":
        return {}
    key = next((key for key in proof.keys if not key.previous and not key.public), None)
    if key is None:
        raise ValueError("this source holds only the sender's public key; only the sender can sign for it")
    timestamp, layout = str(int(now)), proof.layout
    match proof.scheme:
        case "header":
            return {layout.header: key.secret.decode()}
        case "bearer":
            return {"Authorization": f"Bearer {key.secret.decode()}"}
        case "basic":
            return {"Authorization": f"Basic {base64.b64encode(key.secret).decode()}"}
        case "stripe":
            return {"Stripe-Signature": f"t={timestamp},v1={_hex(key, timestamp.encode() + b'.' + body)}"}
        case "standard_webhooks":
            name = f"msg_{secrets.token_hex(12)}"
            signed = b".".join((name.encode(), timestamp.encode(), body))
            signature = base64.b64encode(hmac.digest(key.secret, signed, hashlib.sha256)).decode()
            return {"webhook-id": name, "webhook-timestamp": timestamp, "webhook-signature": f"v1,{signature}"}
    before, _, after = layout.signed.replace("{timestamp}", timestamp).partition("{body}")
    digest = hmac.digest(key.secret, before.encode() + body + after.encode(), layout.hash)
    text = digest.hex() if layout.encoding == "hex" else base64.b64encode(digest).decode()
    stamped = {layout.timestamp_header: timestamp} if layout.timestamp_header else {}
    return {layout.header: layout.prefix + text, **stamped}


def _hex(key: Key, signed: bytes) -> str:
    return hmac.digest(key.secret, signed, hashlib.sha256).hex()
