"""What people write for a worksheet: once under `connectors:`, and in each step."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Annotated, Any

from pydantic import Field, field_validator

from relay.connector import Escaping, Form, Secret
from relay.models import Seconds

FOUND_BY_GOOGLE = "application-default"
"""Instead of a key file's text: whatever Google's libraries find on this machine."""
TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
_PASTED = re.compile(r"https://docs\.google\.com/spreadsheets/d/([\w-]+)")
_INVISIBLE = {"Cc", "Cf", "Cs"}
"""Unicode categories: controls, bidirectional and zero-width marks, halves of characters."""


def cleaned(value: str) -> str:
    """One line without invisible characters; nothing else is changed, as RAW text is inert in a cell."""
    composed = unicodedata.normalize("NFC", value)
    spaced = "".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in composed)
    return " ".join("".join(letter for letter in spaced if unicodedata.category(letter) not in _INVISIBLE).split())


CELL = Escaping("cell", cleaned)


class BatchOptions(Form):
    """How many rows go in one request, and how long the first of them may wait for company."""

    rows: int = Field(default=50, ge=1, le=500)
    or_after: Seconds = 10.0


class SheetsOptions(Form):
    """Which worksheet, and the key of the service account that it is shared with."""

    base_url: str = "https://sheets.googleapis.com"
    spreadsheet: str = Field(min_length=1)
    """The id that stands in the spreadsheet's address between /d/ and /edit; the whole address will do."""
    worksheet: str = Field(min_length=1, max_length=100)
    credentials: Secret
    """The text of the key file, as `${file:google.json}` puts it here; or `application-default`: the file that
    GOOGLE_APPLICATION_CREDENTIALS names, else gcloud's own sign-in, else the account of the Google machine this runs on
    (https://cloud.google.com/docs/authentication/application-default-credentials)."""
    batch: BatchOptions = BatchOptions()

    @field_validator("spreadsheet")
    @classmethod
    def _only_the_id(cls, text: str) -> str:
        pasted = _PASTED.match(text)
        return pasted[1] if pasted else text

    @field_validator("base_url")
    @classmethod
    def _no_slash(cls, url: str) -> str:
        return url.rstrip("/")

    @field_validator("credentials")
    @classmethod
    def _a_key_file(cls, secret: Secret) -> Secret:
        if secret.get_secret_value() != FOUND_BY_GOOGLE:
            read_key(secret)
        return secret


class Row(Form):
    """One row by its columns; the same key again updates the same row."""

    row: Annotated[dict[str, Any], CELL] = Field(min_length=1)
    key: Annotated[str | None, CELL] = Field(default=None, max_length=1000)
    """What tells this row from every other; without one, each delivery is a row of its own."""
    key_column: str | None = None
    """The column that holds the key: the one whose template is the key's, else `Relay key`."""

    @classmethod
    def as_written(cls, fields: dict[str, Any]) -> dict[str, Any]:
        """Notes which column has the key's own template: once both are filled in, that no longer shows."""
        row, key = fields.get("row"), fields.get("key")
        if "key_column" in fields or key is None or not isinstance(row, dict):
            return fields
        column = next((name for name, template in row.items() if template == key), None)
        return fields if column is None else {**fields, "key_column": column}

    @field_validator("row")
    @classmethod
    def _named(cls, row: dict[str, Any]) -> dict[str, Any]:
        if any(not name.strip() for name in row):
            raise ValueError("every column needs a name")
        return row

    @field_validator("key")
    @classmethod
    def _not_blank(cls, key: str | None) -> str | None:
        if key is not None and not key.strip():
            raise ValueError("the key is blank: every such row would overwrite the last one")
        return key


def read_key(secret: Secret) -> dict[str, str]:
    """The fields of a service account's key file.

    Raises:
        ValueError: it is no such file; the text itself is never part of the message.
    """
    try:
        key = json.loads(secret.get_secret_value())
    except ValueError:
        raise ValueError("credentials must be the text of the key file, as in ${file:google.json}") from None
    if not isinstance(key, dict) or key.get("type") != "service_account":
        raise ValueError("credentials must be the key file of a service account (its type is service_account)")
    missing = [name for name in ("client_email", "private_key") if not key.get(name)]
    if missing:
        raise ValueError(f"the key file lacks {' and '.join(missing)}; download it again")
    return {"token_uri": TOKEN_URI, **key}
