"""Public holidays by country, where somebody asks for them: from the library `holidays`, an extra."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Container


def read_holidays(written: str) -> Container[dt.date]:
    """The public holidays of a country (US) or of one of its parts (US-TX), of any year.

    Raises:
        ValueError: there is no such country or part, or the library is not installed.
    """
    try:
        import holidays  # noqa: PLC0415 - an extra, and slow to import
    except ImportError:
        raise ValueError(
            "public holidays need the library `holidays`: in the clone, pip install '.[holidays]'"
        ) from None
    country, _, part = written.upper().partition("-")
    try:
        return holidays.country_holidays(country, subdiv=part or None)
    except NotImplementedError:
        told = f"`{written}` is no country that is known, or no part of one; write US, US-TX or CA-ON"
        raise ValueError(told) from None
