"""Every single write that fails, one after the other."""

import pytest

from tests.faults.strace import EVERY, no_write_that_fails_loses_what_was_acknowledged


@pytest.mark.parametrize("first", range(1, EVERY + 1))
async def test_no_write_that_fails_loses_what_was_acknowledged(tmp_path, first):
    await no_write_that_fails_loses_what_was_acknowledged(tmp_path / "relay.db", first)
