"""Errors over HTTP: what is told, and what is kept from strangers."""

import json

import pytest

from relay.problems import CAUSES, problem


def said(answer):
    return json.loads(answer.body)


@pytest.mark.parametrize("status", sorted(CAUSES))
def test_every_status_with_a_cause_has_a_title_of_its_own(status):
    answer = problem(status, "why")
    body = said(answer)
    assert (answer.status, body["status"], answer.content_type) == (status, status, "application/problem+json")
    assert body["title"] != "Error"
    assert answer.headers["Server"] == "relay"


def test_a_stranger_learns_nothing_from_the_words():
    for status in (401, 404):
        details = {said(problem(status, why))["detail"] for why in ("the secret is wrong", "there is no source x")}
        assert len(details) == 1
        assert not {"secret", "source"} & set(details.pop().split())


def test_whoever_is_let_in_is_told_why():
    answer = problem(503, "the disk is full", {"Retry-After": "5"})
    assert said(answer)["detail"] == "the disk is full"
    assert answer.headers["Retry-After"] == "5"
