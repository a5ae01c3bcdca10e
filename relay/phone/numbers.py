"""Numbers in E.164 (+13125550101), and what can be told from one without asking anybody.

`phonenumbers` is imported on first use and every answer is kept: one reading takes about 0.1 ms, and the first look
at a country's clocks up to 13 ms.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from relay.phone.areas import SPLIT, STATE_OF, US_ZONES

if TYPE_CHECKING:
    from collections.abc import Collection

_E164 = re.compile(r"\+[1-9][0-9]{7,14}", re.ASCII)
_AMERICAN_SHAPED = re.compile(r"\+1[2-9][0-9]{9}", re.ASCII)
_AMERICAN = re.compile(r"\+1[2-9][0-9]{2}[2-9][0-9]{6}", re.ASCII)
_WRITTEN = re.compile(r"\+?[0-9 ().\-/]{7,32}", re.ASCII)
_FILLING = re.compile(r"[ ().\-/]")
# What phone systems send when the caller hid: ANONYMOUS, BLOCKED, UNKNOWN, RESTRICTED, UNAVAILABLE as keys of a phone.
_WITHHELD = {"266696687", "2562533", "8566696", "8656696", "7378742833", "86282452253"}
_KEPT = 65536
_MASKED_LAST = 4

_LINES = {
    "MOBILE": "mobile",
    "FIXED_LINE": "fixed",
    "FIXED_LINE_OR_MOBILE": "either",
    "TOLL_FREE": "toll_free",
    "PREMIUM_RATE": "premium",
    "SHARED_COST": "shared_cost",
    "VOIP": "voip",
    "PERSONAL_NUMBER": "personal",
    "PAGER": "pager",
    "UAN": "company",
    "VOICEMAIL": "voicemail",
}
_TEXTABLE = {"mobile", "either"}
_PLACELESS = {"toll_free", "premium", "personal", "shared_cost", "company"}
_UNTEXTABLE = {
    "toll_free": "a toll-free number is a business line; it is not texted",
    "premium": "a premium number costs money to reach; it is not texted",
    "shared_cost": "a shared-cost number is not texted",
    "personal": "a personal (follow-me) number is not texted",
    "fixed": "a fixed line cannot read texts",
    "voip": "an internet line often cannot read texts, and has no place or clock",
    "pager": "a pager is not texted",
    "company": "a company's access number is not texted",
    "voicemail": "a voicemail access number is not texted",
}


def normalise(text: object, region: str = "US") -> str | None:
    """The number in E.164, or None when it is withheld, unreadable or impossible.

    Read are E.164 and, for `region` (two letters), the usual spellings: (312) 555-0101, 312-555-0101, 13125550101.
    Only ASCII digits count, and no extension: libphonenumber alone would take Devanagari digits and `;ext=`.
    """
    if isinstance(text, int) and not isinstance(text, bool):
        text = str(text)
    return _normalise(text, region) if isinstance(text, str) and len(text) <= 40 else None  # noqa: PLR2004 - longer than any spelling


@lru_cache(_KEPT)
def _normalise(text: str, region: str) -> str | None:
    written = text.strip(" \t")
    if not _WRITTEN.fullmatch(written):
        return None
    if _AMERICAN_SHAPED.fullmatch(written) and written[1:] not in _WITHHELD:
        return written  # as libphonenumber would answer, which takes a hundred times as long
    bare = _FILLING.sub("", written)
    if bare.removeprefix("+") in _WITHHELD or (bare.startswith("+") and not _E164.fullmatch(bare)):
        return None
    import phonenumbers  # noqa: PLC0415 - slow to import, and many commands never read a number

    try:
        parsed = phonenumbers.parse(bare, region)
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(parsed) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    # Possible is enough: a spoofed number still tells one caller from another. Whether it is texted is `untextable`'s.
    found = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    shape = _AMERICAN_SHAPED if found.startswith("+1") else _E164
    return found if shape.fullmatch(found) else None


@lru_cache(_KEPT)
def _parsed(e164: str) -> Any:
    """The number as libphonenumber holds it; None when it is no E.164."""
    if not _E164.fullmatch(e164):
        return None
    import phonenumbers  # noqa: PLC0415 - as above

    try:
        return phonenumbers.parse(e164, None)
    except phonenumbers.NumberParseException:
        return None


@lru_cache(_KEPT)
def line(e164: str) -> str:
    """mobile, fixed, either (American numbers do not tell the two apart), toll_free, premium, voip … or unknown."""
    parsed = _parsed(e164)
    if parsed is None:
        return "unknown"
    from phonenumbers import PhoneNumberType, number_type  # noqa: PLC0415 - as above

    return _LINES.get(PhoneNumberType.to_string(number_type(parsed)), "unknown")


def is_region(name: str) -> bool:
    """Whether these are the two letters of a country with telephone numbers."""
    if name in {"US", "CA"}:
        return True
    from phonenumbers import SUPPORTED_REGIONS  # noqa: PLC0415 - as above

    return name in SUPPORTED_REGIONS


@lru_cache(_KEPT)
def region(e164: str) -> str | None:
    """The country's two letters (US, CA, JM), None when the number is in use nowhere or everywhere."""
    parsed = _parsed(e164)
    if parsed is None:
        return None
    from phonenumbers import region_code_for_number  # noqa: PLC0415 - as above

    found = region_code_for_number(parsed)
    return found if found and found.isalpha() else None


@lru_cache(_KEPT)
def zones(e164: str) -> tuple[str, ...]:
    """Every time zone (IANA) that the number's owner may live in, best guess first; empty when nothing is known.

    A number without a place, like a toll-free one, has all zones of the United States.
    """
    where = region(e164)
    if where is None:
        return ()
    if e164.startswith("+1"):
        if line(e164) in _PLACELESS:
            return US_ZONES
        if e164[2:5] in SPLIT:
            return SPLIT[e164[2:5]]
    from phonenumbers.timezone import time_zones_for_number  # noqa: PLC0415 - its tables take a while to read

    return tuple(zone for zone in time_zones_for_number(_parsed(e164)) if zone != "Etc/Unknown")


def state(e164: str) -> str | None:
    """The state by area code, for states with texting hours of their own (FL, TX …); None for all others."""
    return STATE_OF.get(e164[2:5]) if _AMERICAN.fullmatch(e164) and line(e164) not in _PLACELESS else None


def prefix(e164: str) -> str:
    """Six digits that neighbours share: area code and exchange for American numbers, else the first six."""
    return e164[2:8] if e164.startswith("+1") else e164.lstrip("+")[:6]


def mask(e164: str) -> str:
    """The last four digits, for logs and pages: ***0101."""
    return f"***{e164[-_MASKED_LAST:]}" if len(e164) > _MASKED_LAST else "***"


@lru_cache(_KEPT)
def national(e164: str) -> str:
    """As people of its country write it: (312) 555-0101; what cannot be read stays as it is."""
    parsed = _parsed(e164)
    if parsed is None:
        return e164
    from phonenumbers import PhoneNumberFormat, format_number  # noqa: PLC0415 - as above

    return str(format_number(parsed, PhoneNumberFormat.NATIONAL))


def untextable(e164: str, regions: Collection[str]) -> str | None:
    """Why this number is not texted, in plain words; None when it may be. `regions` are country letters."""
    if not _E164.fullmatch(e164):
        return "it is no whole phone number: emergency numbers and short codes are not texted"
    where, kind = region(e164), line(e164)
    if where is None and kind == "unknown":
        return "no such number is in use"
    if where not in regions:
        return f"it is a number of {where or 'no one country'}, and texting.regions names {', '.join(sorted(regions))}"
    if kind not in _TEXTABLE:
        return _UNTEXTABLE.get(kind, "nothing is known of this kind of number")
    return None
