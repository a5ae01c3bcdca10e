"""Why a service was not reached, in words for its owner."""

import errno
import os
import socket
import ssl

import pytest

from relay.unreached import broke_off, no_answer, no_whole_answer, why_no_connection


def distrusted(words):
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = words
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "x"), "nobody listens at crm.example:443: is the service started"),
        (OSError(errno.ECONNREFUSED, "Multiple exceptions"), "nobody listens at crm.example:443"),
        (socket.gaierror(socket.EAI_NONAME, "x"), "the name crm.example cannot be looked up: is it spelt right"),
        (socket.gaierror(socket.EAI_AGAIN, "x"), "does this machine reach its name server?"),
        (TimeoutError(errno.ETIMEDOUT, "x"), "crm.example:443 did not answer: is the address right"),
        (OSError(errno.EHOSTUNREACH, "x"), "no way leads from here to crm.example:443"),
        (OSError(errno.ENETUNREACH, "x"), "is this machine's network up"),
        (distrusted("certificate has expired"), "of crm.example:443 is not trusted (certificate has expired)"),
        (distrusted(""), "is not trusted (it cannot be verified)"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER]"), "no encrypted connection to crm.example:443 comes about"),
        (ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET)), "(Connection reset by peer)"),
        (OSError(), "no connection to crm.example:443 (OSError)"),
    ],
)
def test_every_way_of_not_being_there_says_what_to_look_at(error, words):
    said = why_no_connection(error, "crm.example", 443)
    assert words in said
    assert "errno" not in said.lower()


def test_an_address_of_ipv6_is_told_apart_from_its_port():
    assert "nobody listens at [::1]:443" in why_no_connection(ConnectionRefusedError(), "::1", 443)


def test_how_long_it_was_waited_for_is_said():
    assert no_answer("crm.example", 443, 5.0).startswith("crm.example:443 did not answer within 5 s:")
    assert no_whole_answer("crm.example", 15.0).startswith("crm.example took the request and gave no whole answer")
    assert "within 15 s" in no_whole_answer("crm.example", 15.0)
    assert "(ServerDisconnectedError)" in broke_off("crm.example", type("ServerDisconnectedError", (Exception,), {})())
