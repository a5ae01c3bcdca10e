"""Phone numbers are read strictly, and callers' names are made harmless."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay import phone

AMERICAN = ["US", "CA"]


@pytest.mark.parametrize(
    "written",
    ["+13125550101", "(312) 555-0101", "312-555-0101", "312.555.0101", "13125550101", "1-312-555-0101",
     " +1 (312) 555-0101 ", "3125550101", 13125550101],
)  # fmt: skip
def test_usual_spellings_are_one_number(written):
    assert phone.normalise(written) == "+13125550101"


@pytest.mark.parametrize(
    "written",
    ["anonymous", "Unknown", "restricted", "", " ", None, True, 3.5, [], "+266696687", "266696687", "+7378742833",
     "+\u0967\u0969\u0967\u0968\u096b\u096b\u096b\u0966\u0967\u0966\u0967", "\uff0b13125550101", "+13125550101;ext=9",
     "+13125550101 x9", "tel:+13125550101", "5550101;phone-context=+1312", "911", "+1911", "72345", "555-0101",
     "+10000000000", "+11115550101", "+131255501011", "+1312555010", "sip:a@b", "+0123456789", "++13125550101",
     "+13125550101\n", "9" * 500, "+86282452253", "+4420794609581"],
)  # fmt: skip
def test_what_is_withheld_unreadable_or_impossible_is_no_number(written):
    assert phone.normalise(written) is None


def test_other_countries_are_read_in_their_own_spelling():
    assert phone.normalise("020 7946 0958", "GB") == "+442079460958"
    assert phone.normalise("+44 20 7946 0958") == "+442079460958"


@given(st.text(max_size=40) | st.from_regex(r"[+0-9 ().-]{6,20}", fullmatch=True))
def test_reading_never_raises_and_is_settled_after_once(written):
    found = phone.normalise(written)
    assert found is None or (phone.normalise(found) == found and found.isascii() and found[1:].isdigit())


@given(st.text(max_size=20))
def test_questions_about_what_is_no_number_are_answered_too(text):
    assert phone.line(text) in {"unknown", "either", "mobile", "fixed"}
    assert isinstance(phone.zones(text), tuple)
    assert phone.national(text)[:0] == phone.mask(text)[:0] == phone.prefix(text)[:0] == ""
    assert phone.state(text) is None or len(text) == 12


@pytest.mark.parametrize(
    ("number", "kind", "where"),
    [
        ("+13125550101", "either", "US"),
        ("+14165550101", "either", "CA"),
        ("+18765550101", "mobile", "JM"),
        ("+18005550101", "toll_free", "US"),
        ("+19005550101", "premium", "US"),
        ("+15005550006", "personal", "US"),
        ("+442079460958", "fixed", "GB"),
        ("+882161234567", "voip", None),
        ("+15555550101", "unknown", None),
        ("911", "unknown", None),
    ],
)
def test_kinds_and_countries_are_told_apart(number, kind, where):
    assert (phone.line(number), phone.region(number)) == (kind, where)


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("+19005550101", "premium"),
        ("+18005550101", "toll-free"),
        ("+18885550101", "toll-free"),
        ("+18765550101", "number of JM"),
        ("+18095550101", "number of DO"),
        ("+12425550101", "number of BS"),
        ("+442079460958", "number of GB"),
        ("+252612345678", "number of SO"),
        ("+882161234567", "no one country"),
        ("+15005550006", "personal"),
        ("+19765550101", "no such number"),
        ("+15555550101", "no such number"),
        ("+1911", "emergency"),
        ("911", "emergency"),
        ("72345", "short codes"),
        ("anonymous", "no whole phone number"),
    ],
)
def test_numbers_that_are_not_texted_say_why(number, reason):
    assert reason in phone.untextable(number, AMERICAN)


def test_numbers_of_the_allowed_countries_are_texted():
    assert phone.untextable("+13125550101", AMERICAN) is None
    assert phone.untextable("+14165550101", AMERICAN) is None
    assert "number of CA" in phone.untextable("+14165550101", ["US"])
    assert phone.untextable("+447400123456", ["GB"]) is None
    assert "fixed line" in phone.untextable("+442079460958", ["GB"])


def test_example_numbers_555_01xx_can_be_texted_in_every_american_area_code():
    areas = [area for area in range(200, 1000) if phone.untextable(f"+1{area}4440101", ["US"]) is None]
    assert len(areas) > 300
    assert [area for area in areas if phone.untextable(f"+1{area}5550123", ["US"])] == []


@pytest.mark.parametrize(
    ("number", "zones"),
    [
        ("+13125550101", {"America/Chicago"}),
        ("+12125550101", {"America/New_York"}),
        ("+14805550101", {"America/Phoenix"}),
        ("+18085550101", {"Pacific/Honolulu"}),
        ("+16715550101", {"Pacific/Guam"}),
        ("+18505550101", {"America/Chicago", "America/New_York"}),
        ("+12705550101", {"America/Chicago", "America/New_York"}),
        ("+12195550101", {"America/Chicago", "America/New_York"}),
        ("+16055550101", {"America/Chicago", "America/Denver"}),
        ("+12085550101", {"America/Denver", "America/Los_Angeles"}),
        ("+19075550101", {"America/Anchorage", "America/Adak"}),
        ("+15555550101", set()),
        ("+882161234567", set()),
        ("nonsense", set()),
    ],
)
def test_every_clock_that_an_owner_may_live_by_is_named(number, zones):
    assert set(phone.zones(number)) == zones


def test_a_toll_free_number_may_live_anywhere_in_the_country():
    zones = phone.zones("+18005550101")
    assert {"America/New_York", "America/Los_Angeles", "America/Adak", "Pacific/Honolulu"} <= set(zones)
    assert len(zones) == 8


def test_every_zone_of_every_area_code_exists():
    for area in range(200, 1000):
        for zone in phone.zones(f"+1{area}5550123"):
            assert ZoneInfo(zone)


@pytest.mark.parametrize(
    ("number", "state"),
    [("+13055550101", "FL"), ("+14055550101", "OK"), ("+14105550101", "MD"), ("+15125550101", "TX"),
     ("+12035550101", "CT"), ("+12065550101", "WA"), ("+13125550101", None), ("+18005550101", None),
     ("+442035550101", None)],
)  # fmt: skip
def test_states_with_hours_of_their_own_are_known_by_area_code(number, state):
    assert phone.state(number) == state


def test_numbers_are_shortened_masked_and_written_as_at_home():
    assert phone.prefix("+13125550101") == "312555"
    assert phone.prefix("+442079460958") == "442079"
    assert phone.mask("+13125550101") == "***0101"
    assert phone.mask("101") == "***"
    assert phone.national("+13125550101") == "(312) 555-0101"
    assert phone.national("anonymous") == "anonymous"


@pytest.mark.parametrize(
    ("cnam", "first"),
    [
        ("JOHN DOE", "John"),
        ("John Doe", "John"),
        ("jane roe", "Jane"),
        ("MARY-ANN O'NEIL", "Mary-Ann"),
        ("DOE, JOHN Q", "John"),
        ("JOS\u00c9 P\u00c9REZ", "Jos\u00e9"),
        ("McAdam Smith", "McAdam"),
        ("WIRELESS CALLER", None),
        ("UNKNOWN NAME", None),
        ("TOLL FREE CALL", None),
        ("CHICAGO IL", None),
        ("ACME PLUMBING LLC", None),
        ("Spam Likely", None),
        ("V12345 CALLER", None),
        ("J SMITH", None),
        ("JOHN", None),
        ("a b c d e", None),
        ("", None),
        (None, None),
        ("http://evil.example x", None),
    ],
)
def test_only_persons_are_greeted_by_their_first_name(cnam, first):
    assert phone.first_name(cnam) == first


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("John Doe", "John Doe"),
        ("Jos\u00e9 P\u00e9rez", "Jose Perez"),
        ("O'Neil, Mary-Ann Jr.", "O'Neil, Mary-Ann Jr"),
        ("line1\r\nINFO fake", "line1 INFO fake"),
        ("a\0b", "a b"),
        ("\u202egnp.exe", "gnp.exe"),
        ("{{ 7*7 }}", "77"),
        ("<!here>", "here"),
        ("=cmd|' /C calc'!A0", "cmd' C calc'A0"),
        ("../../etc/passwd", "etcpasswd"),
        ("${jndi:ldap://x}", "jndildapx"),
        ("evil.com", "there"),
        ("evil\uff0ecom", "there"),
        ("evil\u3002com", "evilcom"),
        ("evil.(com", "there"),
        ("<https://evil.example|Your bank>", "there"),
        ("www.evil.example", "there"),
        ("call +1 900 555 1234 now", "there"),
        ("555 (12) 34", "there"),
        ("1<2>3456|7", "there"),
        ("+1+1", "11"),
        ("\U0001f600", "there"),
        ("", "there"),
        (None, "there"),
        ("A" * 999, "A" * 40),
    ],
)
def test_a_name_in_a_text_is_letters_and_little_else(name, said):
    assert phone.sms_name(name) == said


def test_the_word_for_no_name_is_the_owners_to_choose():
    assert phone.sms_name("", fallback="friend") == "friend"


@given(st.text(max_size=400))
def test_no_name_carries_a_number_a_line_or_a_character_that_costs_a_segment(name):
    said = phone.sms_name(name)
    assert 0 < len(said) <= 40
    assert said.isascii()
    assert said.isprintable()
    assert sum(map(str.isdigit, said)) < 7 or any(map(str.isalpha, said))


def test_a_number_outside_the_numbering_plan_still_tells_its_caller_apart_and_is_never_texted():
    assert phone.normalise("+15551234567") == "+15551234567"
    assert phone.untextable("+15551234567", AMERICAN) is not None


@given(st.from_regex(r"\A\+1[2-9][0-9]{9}\Z"))
def test_a_number_that_is_e164_already_is_read_as_libphonenumber_reads_it(written):
    parsed = phonenumbers.parse(written, "US")
    assert phonenumbers.is_possible_number(parsed)
    assert phone.normalise(written) == phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("from +13125550101 to +442079460000", "from ***0101 to ***0000"),
        ("call (312) 555-0101 or 312-555-0102.", "call ***0101 or ***0102."),
        ('{"caller_number": "13125550101", "at": 1772467200}', '{"caller_number": "***0101", "at": 1772467200}'),
        ("/people/%2B13125550101?x=1", "/people/***0101?x=1"),
        ("run of +13125550101-0", "run of ***0101-0"),
        ("evt_19ca3f123456785550101 at 2026-03-02T16:00:00.000Z, 127.0.0.1:8080", None),
        ("dlv_1a209197a04f8e1f8ff13d8-3227a420-0 claimed 3125550", None),
    ],
)
def test_numbers_in_running_text_are_cut_to_their_last_digits_and_ids_stay_whole(written, shown):
    assert phone.masked(written) == (written if shown is None else shown)
