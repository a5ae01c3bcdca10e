"""Keys: made once, shown once, revoked at once. Only their digests are kept."""

from __future__ import annotations

import hashlib
import secrets
import string
from typing import TYPE_CHECKING, Literal

from relay.models import Form
from relay.sandbox import shapes
from relay.sandbox.numbers import Name
from relay.sandbox.refused import Refused, absent, wrong
from relay.sandbox.route import Bare, Many, Page, Paging, Role, Route
from relay.sandbox.stamps import stamp

if TYPE_CHECKING:
    from relay.sandbox.route import Ask
    from relay.sandbox.state import Row, State

MOST_ACTIVE = 10
_LETTERS = string.ascii_lowercase + string.digits
_MARK = "cs_key_"
_SECRET_LENGTH = 32
_PREFIX_LENGTH = len(_MARK) + 8


class NewKey(Form):
    """POST /api-keys. `role` is the sandbox's own addition: the vendor's keys have no documented scopes."""

    name: Name
    role: Literal["viewer", "manager", "admin", "owner"] = "owner"


def fresh() -> str:
    """A new key: cs_key_ and 32 lower-case letters and digits."""
    return _MARK + "".join(secrets.choice(_LETTERS) for _ in range(_SECRET_LENGTH))


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def keep(state: State, name: str, key: str, role: Role, now: float) -> Row:
    """Write a key down by its digest."""
    return state.add(
        "api_keys",
        name=name,
        prefix=key[:_PREFIX_LENGTH],
        digest=_digest(key),
        role=role.name.lower(),
        created_at=now,
    )


def recognise(state: State, key: str) -> Row | None:
    """The active key behind these letters."""
    return state.row("SELECT * FROM api_keys WHERE digest = ? AND revoked_at IS NULL", (_digest(key),))


def listing(ask: Ask, query: Paging) -> Page:
    """The active keys, prefixes only."""
    rows = ask.state.rows("SELECT * FROM api_keys WHERE revoked_at IS NULL ORDER BY seq")
    keys = [
        shapes.ApiKey(
            id=row["id"],
            name=row["name"],
            prefix=row["prefix"],
            role=row["role"],
            created_at=stamp(row["created_at"]) or "",
        )
        for row in query.cut(rows)
    ]
    return Page(keys, len(rows))


def create(ask: Ask, body: NewKey) -> shapes.NewApiKey:
    """The only answer that ever holds the whole key."""
    role = Role[body.role.upper()] if "role" in body.model_fields_set else ask.role
    if role > ask.role:
        raise Refused(403, f"a key of role {ask.role.name.lower()} cannot make one of role {body.role}")
    if ask.state.value("SELECT count(*) FROM api_keys WHERE revoked_at IS NULL") >= MOST_ACTIVE:
        raise wrong(f"at most {MOST_ACTIVE} keys may be active; revoke one first")
    key = fresh()
    row = keep(ask.state, body.name, key, role, ask.now)
    return shapes.NewApiKey(
        id=row["id"], name=row["name"], key=key, prefix=row["prefix"], created_at=stamp(row["created_at"]) or ""
    )


def revoke(ask: Ask, key_id: str) -> shapes.Gone:
    """From now on it is refused, wherever it is used."""
    row = ask.state.get("api_keys", key_id)
    if row is None or row["revoked_at"] is not None:
        raise absent("API key")
    if Role[row["role"].upper()] > ask.role:
        raise Refused(403, "this key has a higher role than yours")
    ask.state.change("api_keys", key_id, revoked_at=ask.now)
    return shapes.Gone(id=key_id, deleted=True)


ROUTES = (
    Route(
        "GET",
        "/api-keys",
        Role.ADMIN,
        listing,
        Many("api_keys", shapes.ApiKey),
        "List keys (prefix only)",
        query=Paging,
    ),
    Route("POST", "/api-keys", Role.ADMIN, create, Bare(shapes.NewApiKey), "Create a new key", body=NewKey),
    Route("DELETE", "/api-keys/{key_id}", Role.ADMIN, revoke, Bare(shapes.Gone), "Revoke a key"),
)
