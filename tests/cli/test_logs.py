"""One record is one line that no terminal obeys, with no telephone number in full."""

import json

import pytest

LOGS = """
import logging, sys
import structlog
from relay.cli.common import start_logging

start_logging()
log = structlog.get_logger("relay")
hostile = sys.argv[1].encode("utf-8", "surrogateescape").decode("unicode_escape")
log.warning("something came", caller=hostile, number="+13125550101")
logging.getLogger("other").warning("from elsewhere: %s", hostile)
try:
    raise ValueError(hostile + " +13125550101")
except ValueError:
    log.exception("it failed")
"""
HOSTILE = [
    r"a\r\nINFO fake line",
    r"a\x1b[2Jb",
    r"a\u2028b",
    r"a\u202eb",
    r"\x9b31m",
    "(312) 555-0101",
    r"\x07\x08\x0c",
]


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("form", ["text", "json"])
def test_whatever_is_logged_stays_on_its_line_and_moves_no_terminal(python, hostile, form):
    told = python(LOGS, hostile, RELAY_LOG=form).err
    assert "5550101" not in told.replace("-", "").replace(" ", "")
    assert "***0101" in told
    assert not any(character < " " and character != "\n" for character in told)
    assert not set("\x7f\x9b\u2028\u202e") & set(told)
    lines = told.splitlines()
    assert not any(line.startswith("INFO fake") for line in lines if form == "json" or "Error" not in told)
    if form == "json":
        records = [json.loads(line) for line in lines]
        assert [record["level"] for record in records] == ["warning", "warning", "error"]
    else:
        assert sum("something came" in line for line in lines) == 1
        assert sum("from elsewhere" in line for line in lines) == 1
