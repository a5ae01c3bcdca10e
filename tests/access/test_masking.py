"""Numbers are hidden wherever they stand in an answer."""

import json

from relay.access.masking import masked_json


def test_numbers_are_hidden_in_texts_names_and_lists_and_the_rest_stays():
    whole = {"+13125550101": [{"note": "rang +1 (312) 555-0102 twice"}, 3, None, True, 1.5]}
    told = json.dumps(masked_json(whole))
    assert "312555" not in told
    assert "555-0102" not in told
    assert "0101" in told
    assert masked_json([3, None, True, 1.5, "evt_1"]) == [3, None, True, 1.5, "evt_1"]
