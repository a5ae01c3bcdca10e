"""Addresses of connectors to which nothing will ever be sent: told when the file is read, not by the first dead letter.

Only what the address itself says is judged. Where a name leads is known, and judged, when a connection is opened.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from relay.errors import Rejected
from relay.http import Http

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from relay.forms import Path as Place
    from relay.models import Form
    from relay.network import Network
    from relay.settings.yaml_file import Document

_THIS_MACHINE = "127.0.0.1"


def warn_of_unreachable(document: Document, forms: Iterable[tuple[Place, Form | None]], network: Network) -> None:
    """A warning for every address in these options that no request may go to."""
    http = Http(network)
    for place, form in forms:
        for name, address in [] if form is None else _addresses(form):
            why = _why_not(http, address)
            if why is not None:
                document.warn((*place, name), f"nothing will be sent here: {why}")


def _addresses(form: Form) -> Iterator[tuple[str, str]]:
    for name, field in type(form).model_fields.items():
        value: Any = getattr(form, name)
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if isinstance(text, str) and text.startswith(("http://", "https://")):
            yield field.alias or name, text


def _why_not(http: Http, address: str) -> str | None:
    try:
        host = http.admit(address).host or ""
    except Rejected as refusal:
        return str(refusal)
    try:
        named = ipaddress.ip_address(_THIS_MACHINE if host == "localhost" else host)
    except ValueError:
        return None
    if http.network.permits(named):
        return None
    return f"{host} is neither public nor named under network: allow: (which lets no cloud's metadata be reached)"
