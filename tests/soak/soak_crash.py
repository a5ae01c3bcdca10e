"""Five hundred kills over five seeds, and each way of being broken found out."""

import json

import pytest

from tests.crash.mutants import MUTANTS
from tests.crash.trial import try_out

KILLS = 100
SEEDS = (11, 12, 13, 14, 15)
FEW = 20


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_hundred_kills_lose_nothing_and_text_nobody_twice(tmp_path, seed):
    found = await try_out(tmp_path, seed=seed, kills=KILLS)
    print(json.dumps(found.public()))  # noqa: T201 - the figures are what a soak is for
    assert found.good


@pytest.mark.parametrize("name", [name for name, mutant in MUTANTS.items() if mutant.caught != "fsyncs"])
async def test_this_mutant_is_found_out(tmp_path, name):
    found = await try_out(tmp_path, seed=SEEDS[0], kills=FEW, mutant=name)
    assert getattr(found, MUTANTS[name].caught), json.dumps(found.public())
