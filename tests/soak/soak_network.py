"""Ten minutes of bad network between all parts: delays, slices, silence and resets."""

import json

from tests.crash.trial import try_out

MINUTES = 10


async def test_ten_minutes_of_bad_network_lose_nothing_and_text_nobody_twice(tmp_path):
    found = await try_out(tmp_path, seed=21, kills=0, weather=60.0 * MINUTES, pause=1.0)
    print(json.dumps(found.public()))  # noqa: T201 - the figures are what a soak is for
    assert found.good
    assert found.files < 200
