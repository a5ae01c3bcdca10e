"""An office whose numbers can be moved."""

from __future__ import annotations

import pytest

from tests.moving.office import Office, number

A, B, C, D = (number(n) for n in (142, 143, 144, 145))


@pytest.fixture
async def office(tmp_path):
    """Three numbers in Sales and one in Main; only the first of Sales was called."""
    it = await Office(tmp_path).start()
    for one, group in ((A, "Sales"), (B, "Sales"), (C, "Sales"), (D, "Main")):
        it.sandbox.add_number(one, one, group=group)
    await it.called(A, D)
    yield it
    await it.stop()
