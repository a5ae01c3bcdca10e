"""Why a service could not be reached, for its owner: what happened, what that means, what to do."""

from __future__ import annotations

import errno
import socket
import ssl

_NO_WAY = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EHOSTDOWN, errno.ENETDOWN}


def why_no_connection(error: Exception, host: str, port: int | None) -> str:
    """The words for an error while a connection was made; nothing was sent."""
    where = _place(host, port)
    match error:
        case ssl.SSLCertVerificationError():
            said = error.verify_message or "it cannot be verified"
            return (
                f"the certificate of {where} is not trusted ({said}): the service must show one for this name that is "
                "in date; an authority of your own is named as ca_file"
            )
        case ssl.SSLError():
            return f"no encrypted connection to {where} comes about: does it speak TLS 1.2 or newer, is the port right?"
        case socket.gaierror():
            return f"the name {host} cannot be looked up: is it spelt right, does this machine reach its name server?"
        case ConnectionRefusedError():
            return f"nobody listens at {where}: is the service started, is the port right?"
        case TimeoutError():
            return no_answer(host, port)
        case OSError() if error.errno in _NO_WAY:
            return f"no way leads from here to {where}: is this machine's network up, is the address right?"
    said = getattr(error, "strerror", None) or type(error).__name__
    return f"no connection to {where} ({said}): is the service well, is the port right?"


def no_answer(host: str, port: int | None, seconds: float | None = None) -> str:
    """The words where nothing came back while a connection was made."""
    within = "" if seconds is None else f" within {seconds:g} s"
    return f"{_place(host, port)} did not answer{within}: is the address right, does a firewall stand in between?"


def no_whole_answer(host: str, seconds: float) -> str:
    """The words where the request went out, and its time was over before the answer was whole."""
    return (
        f"{host} took the request and gave no whole answer within {seconds:g} s: it may have done it; is it overloaded?"
    )


def broke_off(host: str, error: Exception) -> str:
    """The words where the request went out, and the connection broke before the answer was whole."""
    return f"{host} broke the connection before its answer was whole ({type(error).__name__}): it may have done it"


def _place(host: str, port: int | None) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
