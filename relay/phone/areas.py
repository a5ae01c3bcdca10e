"""What area codes of the North American plan say about clocks and states, where libphonenumber says nothing or less.

Source: the assignments published by the North American Numbering Plan Administrator, and the zone boundaries of
49 CFR 71; last gone through in November 2026. A number that moved with its owner keeps its area code, so all of this
is the best guess there is, not knowledge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

EASTERN, CENTRAL, MOUNTAIN, PACIFIC = "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"

US_ZONES = (
    EASTERN,
    CENTRAL,
    MOUNTAIN,
    "America/Phoenix",
    PACIFIC,
    "America/Anchorage",
    "America/Adak",
    "Pacific/Honolulu",
)
"""The zones of the fifty states, one for each way of keeping time today."""

SPLIT: Mapping[str, tuple[str, ...]] = {
    "208": (MOUNTAIN, PACIFIC),
    "986": (MOUNTAIN, PACIFIC),
    "219": (CENTRAL, EASTERN),
    "574": (CENTRAL, EASTERN),
    "812": (CENTRAL, EASTERN),
    "930": (CENTRAL, EASTERN),
    "270": (CENTRAL, EASTERN),
    "364": (CENTRAL, EASTERN),
    "606": (CENTRAL, EASTERN),
    "423": (CENTRAL, EASTERN),
    "850": (CENTRAL, EASTERN),
    "448": (CENTRAL, EASTERN),
    "906": (CENTRAL, EASTERN),
    "701": (CENTRAL, MOUNTAIN),
    "605": (CENTRAL, MOUNTAIN),
    "308": (CENTRAL, MOUNTAIN),
    "785": (CENTRAL, MOUNTAIN),
    "620": (CENTRAL, MOUNTAIN),
    "432": (CENTRAL, MOUNTAIN),
    "541": (MOUNTAIN, PACIFIC),
    "458": (MOUNTAIN, PACIFIC),
    "775": (MOUNTAIN, PACIFIC),
    "928": ("America/Phoenix", MOUNTAIN),
    "907": ("America/Anchorage", "America/Adak"),
    "250": ("America/Vancouver", "America/Edmonton"),
    "778": ("America/Vancouver", "America/Edmonton"),
    "236": ("America/Vancouver", "America/Edmonton"),
    "672": ("America/Vancouver", "America/Edmonton"),
    "306": ("America/Regina", "America/Edmonton"),
    "639": ("America/Regina", "America/Edmonton"),
    "474": ("America/Regina", "America/Edmonton"),
    "807": ("America/Toronto", "America/Winnipeg"),
    "867": ("America/Whitehorse", "America/Edmonton", "America/Winnipeg", "America/Toronto"),
    "418": ("America/Toronto", "America/Halifax"),
    "581": ("America/Toronto", "America/Halifax"),
    "367": ("America/Toronto", "America/Halifax"),
    "709": ("America/St_Johns", "America/Halifax"),
    "879": ("America/St_Johns", "America/Halifax"),
}
"""Area codes that span two clocks or more, every candidate named."""

_STATES: Mapping[str, str] = {
    "AL": "205 251 256 334 659 938",
    "CT": "203 475 860 959",
    "FL": "239 305 321 324 352 386 407 448 561 645 656 689 727 728 754 772 786 813 850 863 904 941 954",
    "KY": "270 364 502 606 859",
    "LA": "225 318 337 504 985",
    "MA": "339 351 413 508 617 774 781 857 978",
    "MD": "227 240 301 410 443 667",
    "MI": "231 248 269 313 517 586 616 679 734 810 906 947 989",
    "MN": "218 320 507 612 651 763 924 952",
    "MS": "228 471 601 662 769",
    "NJ": "201 551 609 640 732 848 856 862 908 973",
    "NM": "505 575",
    "NV": "702 725 775",
    "OK": "405 539 572 580 918",
    "RI": "401",
    "TX": (
        "210 214 254 281 325 346 361 409 430 432 469 512 621 682 713 726 737 806 817 830 832 903 915 936 940 945 956"
        " 972 979"
    ),
    "WA": "206 253 360 425 509 564",
}

STATE_OF: Mapping[str, str] = {code: name for name, codes in _STATES.items() for code in codes.split()}
"""The state of an area code, for the states that `relay.hours` has stricter rules for."""
