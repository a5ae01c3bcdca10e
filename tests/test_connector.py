"""The seam: what a connector that says nothing of its own is given."""

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from relay.connector import Batch, Connector, Form, Job, Receipt, hidden, quoted, unsaid
from relay.errors import NotFound, Rejected, Unavailable
from relay.http import Answer


class Action(Form):
    say: str


class Plain(Connector[Form, Action]):
    Options = Form
    Action = Action

    async def send(self, job):
        if job.action.say == "later":
            raise Unavailable("it is busy")
        if job.action.say == "never":
            raise Rejected("it cannot be")
        if job.action.say == "broken":
            raise ZeroDivisionError
        return Receipt(id=job.key)


@pytest.fixture
def plain():
    return Plain(Form(), http=None)


def job(key, say="x"):
    return Job(key, Action(say=say), event={})


async def test_a_batch_is_sent_one_by_one_and_one_failure_keeps_nothing_from_the_others(plain):
    first, second, third, last = await plain.send_batch([job("a"), job("b", "later"), job("c", "never"), job("d")])
    assert (first.id, last.id) == ("a", "d")
    assert (type(second), type(third)) == (Unavailable, Rejected)


async def test_what_is_no_failure_of_a_delivery_is_a_fault_and_not_hidden(plain):
    with pytest.raises(ZeroDivisionError):
        await plain.send_batch([job("a", "broken")])


async def test_nothing_is_gathered_kept_in_order_or_told_to_people_unless_it_says_so(plain):
    assert plain.batch() == Batch(rows=1, or_after=0.0)
    assert plain.lane(Action(say="x")) is None
    assert plain.key(Action(say="x")) is None
    assert Plain.notice("subject", "text") is None
    assert not Plain.alerts_people
    assert await plain.check() is None


async def test_there_is_no_recording_where_there_is_no_phone_system():
    with pytest.raises(NotFound, match="CALLSCALER_API_KEY"):
        await job("a").recording()


def test_a_connector_without_send_is_none():
    with pytest.raises(TypeError, match="send"):
        type("Half", (Connector,), {"Options": Form, "Action": Form})(Form(), None)


def test_words_of_an_answer_are_quoted_short_and_never_with_even_a_part_of_a_secret():
    def said(body):
        return quoted(
            Answer(422, CIMultiDictProxy(CIMultiDict()), body.encode()), ["false-secret-0001", 'a"b\\c', "no"]
        )

    assert said("the phone  is\nmissing, no?") == "; it said: the phone is missing, no?"
    assert len(said("x" * 9000)) == len("; it said: ") + 200
    for body in ("", "<html>", "a false-secret-0001", "x" * 190 + "false-secret-0001", '{"echo": "a\\"b\\\\c"}'):
        assert said(body) == "", body


def test_what_a_service_repeats_is_kept_without_our_secrets_wherever_they_stand():
    ours = hidden({"X-Token": "false-secret-0001", "Content-Type": "application/json"})
    told = {"false-secret-0001": [1, None, {"a": "Bearer false-secret-0001!"}], "type": "application/json"}
    assert unsaid(told, ours) == {"…": [1, None, {"a": "Bearer …!"}], "type": "application/json"}
    assert unsaid("yes", ["yes"]) == "yes", "what is so short is no secret"


@pytest.mark.parametrize(
    ("header", "repeated"),
    [
        ("Bearer false-secret-0001", "false-secret-0001"),
        ("Basic dXNlcjpmYWxzZS1zZWNyZXQ=", "dXNlcjpmYWxzZS1zZWNyZXQ="),
        ("Basic dXNlcjpmYWxzZS1zZWNyZXQ=", "false-secret"),
        ("false/secret/0001", "false\\/secret\\/0001"),
    ],
)
def test_a_secret_is_known_without_its_scheme_and_however_json_writes_it(header, repeated):
    ours = hidden({"Authorization": header})
    answer = Answer(401, CIMultiDictProxy(CIMultiDict()), f'{{"error": "{repeated}"}}'.encode())
    assert quoted(answer, ours) == ""
    assert unsaid(f"no {repeated}!", ours) == "no …!"
