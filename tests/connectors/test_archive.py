"""The archive: each line once, on the disk, and inert in a spreadsheet."""

import csv
import json
import os

import pytest
from pydantic import ValidationError

from connectors.archive import KEY, Archive, ArchiveAction, ArchiveOptions
from relay.connector import Job
from relay.errors import Invalid, Rejected, Unavailable
from relay.http import Http
from relay.testing import EVENT

NOW = 1_772_467_200.0  # 2026-03-02 16:00 UTC


@pytest.fixture
def make(tmp_path):
    def build(**options):
        written = {"path": tmp_path / ("calls.csv" if "columns" in options else "calls.jsonl"), **options}
        return Archive(ArchiveOptions.model_validate(written), Http())

    return build


def job(key="k1", row=None, **others):
    return Job(key, ArchiveAction(row=row or {}), EVENT, now=NOW, **others)


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


async def test_without_a_row_the_event_is_a_line_of_json(make, tmp_path):
    await make().send(job())
    assert json.loads((tmp_path / "calls.jsonl").read_text()) == {**EVENT, KEY: "k1"}


async def test_a_csv_file_begins_with_its_columns_once(make, tmp_path):
    archive = make(format="csv", columns=["Who", "What"])
    await archive.send(job("k1", {"What": "missed", "Who": 'Ann "A" Lee'}))
    await archive.send(job("k2", {"Who": "two\nlines"}))
    assert rows(tmp_path / "calls.csv") == [
        ["Who", "What", KEY],
        ['Ann "A" Lee', "missed", "k1"],
        ["two\nlines", "", "k2"],
    ]


@pytest.mark.parametrize(
    "value", ["=1+1", "+13125550101", "-2", "@SUM(A1)", "\tx", "\rx", "\nx", "\uff1d1", "\uff0b1", "\uff0d1", "\uff20x"]
)
async def test_what_a_spreadsheet_would_calculate_is_text(make, tmp_path, value):
    await make(format="csv", columns=["Who"]).send(job(row={"Who": value}))
    assert rows(tmp_path / "calls.csv")[1][0] == f"'{value}"
    assert all(part.startswith(b'"') for part in (tmp_path / "calls.csv").read_bytes().split(b"\r\n") if part)


async def test_a_line_whose_settlement_was_lost_is_not_written_twice(make, tmp_path):
    archive = make()
    await archive.send(job("k1"))
    await archive.send(job("k1", tries=1))
    await archive.send(job("k2", tries=1))
    assert [json.loads(line)[KEY] for line in (tmp_path / "calls.jsonl").read_text().splitlines()] == ["k1", "k2"]


async def test_not_even_when_the_file_was_set_aside_meanwhile(make, tmp_path):
    archive = make(rotate="daily")
    await archive.send(job("k1"))
    os.utime(tmp_path / "calls.jsonl", (NOW - 86400, NOW - 86400))
    await archive.send(job("k2"))
    await archive.send(job("k1", tries=1))
    lines = [line for path in tmp_path.iterdir() for line in path.read_text().splitlines()]
    assert sorted(json.loads(line)[KEY] for line in lines) == ["k1", "k2"]


@pytest.mark.parametrize(
    ("rotate", "days", "names"),
    [
        ("daily", 1, {"calls.jsonl", "calls-2026-03-01.jsonl"}),
        ("monthly", 1, {"calls.jsonl"}),
        ("monthly", 2, {"calls.jsonl", "calls-2026-02.jsonl"}),
        ("never", 400, {"calls.jsonl"}),
    ],
)
async def test_a_full_file_is_set_aside_under_its_time(make, tmp_path, rotate, days, names):
    archive = make(rotate=rotate)
    await archive.send(job("k1"))
    os.utime(tmp_path / "calls.jsonl", (NOW - days * 86400, NOW - days * 86400))
    await archive.send(job("k2"))
    assert {path.name for path in tmp_path.iterdir()} == names


async def test_a_file_set_aside_is_never_written_over(make, tmp_path):
    (tmp_path / "calls-2026-03-01.jsonl").write_text("kept\n")
    await test_a_full_file_is_set_aside_under_its_time(
        make, tmp_path, "daily", 1, {"calls.jsonl", "calls-2026-03-01.jsonl", "calls-2026-03-01-2.jsonl"}
    )
    assert (tmp_path / "calls-2026-03-01.jsonl").read_text() == "kept\n"


async def test_a_line_that_a_crash_cut_short_spoils_no_other(make, tmp_path):
    (tmp_path / "calls.jsonl").write_text('{"half')
    await make(rotate="never").send(job("k1"))
    first, second = (tmp_path / "calls.jsonl").read_text().splitlines()
    assert (first, json.loads(second)[KEY]) == ('{"half', "k1")


async def test_in_a_batch_a_row_that_does_not_fit_spoils_only_its_own(make, tmp_path):
    archive = make(format="csv", columns=["Who"])
    results = await archive.send_batch([job("k1", {"Who": "a"}), job("k2", {"Whom": "b"}), job("k3", {"Who": "c"})])
    assert [type(result).__name__ for result in results] == ["Receipt", "Invalid", "Receipt"]
    assert "'Whom' is no column of calls.csv; it has Who" in str(results[1])
    assert [row[1] for row in rows(tmp_path / "calls.csv")[1:]] == ["k1", "k3"]
    with pytest.raises(Invalid):
        await archive.send(job("k4", {"Whom": "b"}))


async def test_a_folder_that_is_gone_is_told_and_tried_again(make, tmp_path):
    archive = make(path=tmp_path / "gone" / "calls.jsonl")
    with pytest.raises(Unavailable, match="cannot be written"):
        await archive.send(job())
    with pytest.raises(Rejected, match="gone is not there"):
        await archive.check()
    (tmp_path / "gone").mkdir()
    await archive.check()
    await archive.send(job(tries=1))


@pytest.mark.parametrize(
    "wrong", [{"format": "csv"}, {"columns": ["a", "a"]}, {"columns": [KEY]}, {"rotate": "weekly"}]
)
def test_options_that_cannot_work_are_refused(wrong):
    with pytest.raises(ValidationError):
        ArchiveOptions.model_validate({"path": "x", **wrong})
