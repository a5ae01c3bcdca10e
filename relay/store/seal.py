"""Sealing and opening what a ledger holds, with the keys of RELAY_ENCRYPTION_KEY; `sealing` says what is sealed.

A module of its own, as cryptography takes 8 MB that a ledger without a key can spare.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from relay.errors import StoreError, StoreUnusable
from relay.store.sealing import SETTING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from relay.store.sealing import Way

_KEY_BYTES = 32
_INDEX_BYTES = 64
_SEALED, _KEYED = "\x02w", "\x02k"
"""What sealed text begins with; no text from outside holds such a character, and none of ours does."""
_SEALED_BYTES = _SEALED.encode()
_NUMBER = re.compile(r"\+[0-9]{3,15}", re.ASCII)
"""A telephone number, or the beginning of one by which limits count."""
_HOW = (
    f"{SETTING} is 32 bytes in base64 (make one with `openssl rand -base64 32`), or several with commas, newest first"
)


@dataclass(frozen=True)
class Keys:
    """The keys of RELAY_ENCRYPTION_KEY, newest first; never printed."""

    fernet: MultiFernet = field(repr=False)

    def begin(self) -> tuple[Seal, bytes]:
        """A seal for a ledger that has none yet, and what it keeps of it."""
        index = secrets.token_bytes(_INDEX_BYTES)
        return Seal(self.fernet, AESSIV(index)), self.fernet.encrypt(index)

    def again(self, kept: bytes) -> bytes:
        """The same seal, kept under the newest key."""
        return self.fernet.rotate(kept)

    def unwrap(self, kept: bytes) -> Seal:
        """The seal of a ledger.

        Raises:
            StoreUnusable: none of the keys opens it.
        """
        try:
            return Seal(self.fernet, AESSIV(self.fernet.decrypt(kept)))
        except InvalidToken:
            raise StoreUnusable(
                f"the ledger is sealed with another key than {SETTING}; set that one, behind a newer one with a comma"
            ) from None


@dataclass(frozen=True)
class Seal:
    """Seals and opens the values of one ledger."""

    _fernet: MultiFernet = field(repr=False)
    _index: AESSIV = field(repr=False)

    def words(self, value: Any) -> Any:
        """The same, sealed; None stays None."""
        if isinstance(value, str):
            return _SEALED + self._fernet.encrypt(value.encode("utf-8", "surrogatepass")).decode()
        return None if value is None else _SEALED_BYTES + self._fernet.encrypt(value)

    def keyed(self, value: Any) -> Any:
        """Text sealed so that the same text always looks the same; what is sealed already stays as it is."""
        if not isinstance(value, str) or value.startswith(_KEYED):
            return value
        sealed = self._index.encrypt(value.encode("utf-8", "surrogatepass"), None) if value else b""
        return _KEYED + base64.urlsafe_b64encode(sealed).decode()

    def number(self, value: Any) -> Any:
        """A telephone number as `keyed`; everything else as it is."""
        return self.keyed(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else value

    def sealed(self, way: Way, value: Any) -> Any:
        """A value as a column of this way keeps it."""
        return {"words": self.words, "keyed": self.keyed, "number": self.number}[way](value)

    def bound(self, values: Any) -> Any:
        """The values of a statement: what is a telephone number is sealed, whoever wrote the statement."""
        if isinstance(values, dict):
            return {name: self.number(value) for name, value in values.items()}
        return tuple(self.number(value) for value in values)

    def opened(self, values: Iterable[Any]) -> tuple[Any, ...]:
        """The values of a row, with everything sealed in it opened.

        Raises:
            StoreError: something is damaged.
        """
        return tuple(self.open(value) for value in values)

    def open(self, value: Any) -> Any:
        """One value, opened if it is sealed."""
        try:
            if isinstance(value, str) and value.startswith("\x02"):
                if value.startswith(_SEALED):
                    return self._fernet.decrypt(value[len(_SEALED) :]).decode("utf-8", "surrogatepass")
                if value.startswith(_KEYED):
                    sealed = base64.urlsafe_b64decode(value[len(_KEYED) :])
                    return self._index.decrypt(sealed, None).decode("utf-8", "surrogatepass") if sealed else ""
            if isinstance(value, bytes) and value.startswith(_SEALED_BYTES):
                return self._fernet.decrypt(value[len(_SEALED_BYTES) :])
        except (InvalidToken, InvalidTag, ValueError):
            raise StoreError("a sealed value in the ledger cannot be opened: it is damaged") from None
        return value


def keys_of(written: str) -> Keys:
    """The keys of what RELAY_ENCRYPTION_KEY is set to.

    Raises:
        StoreUnusable: it is something else.
    """
    return Keys(MultiFernet(_fernets(written.split(","))))


def _fernets(keys: Sequence[str]) -> list[Fernet]:
    try:
        read = [base64.b64decode(key.strip().translate(str.maketrans("-_", "+/")), validate=True) for key in keys]
    except (binascii.Error, ValueError):
        raise StoreUnusable(_HOW) from None
    if any(len(key) != _KEY_BYTES for key in read):
        raise StoreUnusable(_HOW)
    return [Fernet(base64.urlsafe_b64encode(key)) for key in read]
