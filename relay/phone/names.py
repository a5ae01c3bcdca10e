"""Caller names: text that a stranger chose, told apart from people and made harmless for a text message."""

from __future__ import annotations

import re
import unicodedata

_SMS_MOST = 40
_READ_MOST = 300
_PHONE_DIGITS = 7
_NOT_NAME = re.compile(r"[^A-Za-z0-9 .,'-]")
_LINK = re.compile(
    r"https?:|www\.|[a-z0-9-]\.(?:com|net|org|info|biz|io|co|us|me|ly|app|xyz|top|shop|site|online|club|link|click"
    r"|live|dev|ai|gl|gg|to|tv|cc|uk|ca|de|eu|ru|cn|in|fr|edu|gov|mil|mobi|name|pro|page|store|tech|vip|win|work|icu"
    r"|zip|mov|bet|bar|fun|lol|space|website|buzz|email|support|help|host|cloud|world|today|news|life|group|network|tel"
    r"|finance|money|cash|credit|loan|loans|rocks|ws|su|sh|id|in|it|nl|es|pl|br|mx|jp|au|nz|ch|xxx|cam|chat|social|one"
    r"|media|digital|agency|center|services|solutions|systems|care|health|fit|bio|best|cyou|sbs|monster|quest|example)"
    r"(?![a-z0-9])",
    re.IGNORECASE,
)
_DIGITS = re.compile(rf"(?:\d[ .,'()+/-]*){{{_PHONE_DIGITS},}}", re.ASCII)
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019.-][^\W\d_]+)*\.?")
_WORDS_LEAST, _WORDS_MOST = 2, 4

# What networks send in place of a name, and what businesses are called.
_NO_PERSON = frozenset(
    """
    wireless caller toll free call calls unknown unavailable anonymous private blocked restricted withheld out of area
    name number cell cellular phone mobile landline telephone voip customer operator assistance test
    spam scam risk likely suspected fraud robocall telemarketer telemarketing survey political
    llc inc corp co ltd company companies group services service solutions systems association assoc enterprises
    bank credit insurance clinic hospital medical dental pharmacy school university college church dept department
    office center centre city county state united store shop restaurant hotel realty properties construction plumbing
    electric heating roofing auto motors sales support the and for
    """.split()  # noqa: SIM905 - a page of words reads better than a page of quotes
)
# A name that ends so is a place (CHICAGO IL), as networks put it when they know no name.
_STATES = frozenset(
    """
    AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR
    PA RI SC SD TN TX UT VT VA WA WV WI WY AB BC MB NB NL NS NT NU ON PE QC SK YT
    """.split()  # noqa: SIM905 - as above
)


def _clean(text: str) -> str:
    """One line without control, direction or zero-width characters."""
    kept = []
    for character in unicodedata.normalize("NFC", text[:_READ_MOST]):
        category = unicodedata.category(character)
        if category in {"Cf", "Cs", "Co", "Cn"}:
            continue
        kept.append(" " if category in {"Cc", "Zl", "Zp", "Zs"} else character)
    return " ".join("".join(kept).split())


def sms_name(name: str | None, fallback: str = "there") -> str:
    """A caller's name fit for a text: letters, digits and .,'- with accents folded, at most 40 characters.

    `fallback` when nothing is left, or when it holds an address of the web or seven digits and more: a stranger must
    not be able to put a link or a number to call into a text of ours.
    """
    folded = unicodedata.normalize("NFKD", _clean(name or ""))
    plain = " ".join(_NOT_NAME.sub("", folded).split()).strip(" .,'-")
    if any(_LINK.search(text) or _DIGITS.search(text) for text in (folded, plain)):
        return fallback
    return plain[:_SMS_MOST].rstrip(" .,'-") or fallback


def looks_like_person(cnam: str | None) -> bool:
    """Whether a caller name (CNAM) can be a person's: two to four words of letters, none that networks or firms use."""
    words = _words(cnam)
    if not _WORDS_LEAST <= len(words) <= _WORDS_MOST:
        return False
    if not all(_WORD.fullmatch(word) for word in words):
        return False
    return words[-1] not in _STATES and not any(word.lower().strip(".") in _NO_PERSON for word in words)


def _words(cnam: str | None) -> list[str]:
    """The words of a name, LAST, FIRST turned round; LAST FIRST without a comma cannot be told from FIRST LAST."""
    last, comma, first = _clean(cnam or "").partition(",")
    return f"{first} {last}".split() if comma else last.split()


def first_name(cnam: str | None) -> str | None:
    """The first word of a person's name, as people write it (JOHN DOE gives John); None when it is no person's."""
    if not looks_like_person(cnam):
        return None
    word = _words(cnam)[0].rstrip(".")
    if len(word) < 2:  # noqa: PLR2004 - an initial is no name to greet with
        return None
    return (
        "-".join(part[:1].upper() + part[1:].lower() for part in word.split("-"))
        if word.isupper() or word.islower()
        else word
    )
