from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import ValidationError

from connectors.google_sheets import GoogleSheets, Row, SheetsOptions
from connectors.google_sheets.forms import CELL
from connectors.google_sheets.plan import Found, cell, letters, plan, read_header
from connectors.google_sheets.token import OfThisMachine
from relay.connector import Batch, Job, Receipt
from relay.errors import Forbidden, Invalid, NotFound, RateLimited, Unauthorized, Unavailable, Unclear
from relay.standins import GoogleStandIn, SinkStandIn
from relay.standins.google_tokens import EMAIL
from relay.standins.server import Received
from relay.testing import EVENT, ConnectorContract
from tests.connectors.discovery import complaint


class TestGoogleSheets(ConnectorContract):
    connector_class = GoogleSheets

    @property
    def secrets(self):
        return ("PRIVATE KEY", "ya29.")

    def stand_in(self):
        return GoogleStandIn(reads_a_minute=None, writes_a_minute=None)

    @pytest.fixture(autouse=True)
    def as_google_describes_it(self, service):
        """Whatever a test makes the connector ask for is a request of Google's own description."""
        yield
        asked = [request for request in service.requests if request.path.startswith("/v4/")]
        assert [wrong for request in asked if (wrong := complaint(request))] == []

    def options(self, service):
        return {
            "base_url": service.base_url,
            "spreadsheet": service.spreadsheet,
            "worksheet": "Calls",
            "credentials": service.credentials(),
        }

    def action(self, number):
        return {"row": {"Call": f"c{number}", "Caller": "+13125550101"}, "key": f"c{number}", "key_column": "Call"}

    def effects(self, service):
        return [row["Call"] for row in service.rows("Calls")]

    def rows(self, *keys, **cells):
        return [Job(f"job-{key}", Row(row={"Call": key, **cells}, key=key, key_column="Call"), EVENT) for key in keys]

    async def test_worksheet_and_header_are_made_and_a_row_written(self, connector, service):
        receipt = await connector.send(self.job(1))
        assert service.table("Calls") == [["Call", "Caller"], ["c1", "+13125550101"]]
        assert (receipt.id, receipt.created) == ("c1", True)
        assert receipt.url == f"https://docs.google.com/spreadsheets/d/{service.spreadsheet}"

    async def test_the_same_key_again_updates_its_row_even_after_people_sorted(self, connector, service):
        await connector.send_batch(self.rows("c1", "c2", "c3", Score=""))
        cells = service.sheets[1].cells
        cells[1:] = cells[:0:-1]
        receipt = await connector.send(self.rows("c1", Score="87")[0])
        assert service.table("Calls") == [["Call", "Score"], ["c3"], ["c2"], ["c1", "87"]]
        assert receipt.created is False

    async def test_an_update_leaves_cells_alone_that_it_does_not_name(self, connector, service):
        await connector.send(self.job(1))
        service.sheets[1].cells[0].append("Note")
        service.sheets[1].cells[1].append("call her back")
        await connector.send(self.rows("c1", Score="87")[0])
        assert service.rows("Calls") == [
            {"Call": "c1", "Caller": "+13125550101", "Note": "call her back", "Score": "87"}
        ]

    async def test_columns_are_added_at_the_right_and_followed_when_people_move_them(self, connector, service):
        await connector.send(self.job(1))
        for row in service.sheets[1].cells:
            row.reverse()
        await connector.send(self.rows("c2", City="Chicago")[0])
        assert service.table("Calls") == [
            ["Caller", "Call", "City"],
            ["+13125550101", "c1"],
            ["", "c2", "Chicago"],
        ]
        await connector.send(self.rows("c1", City="Austin")[0])
        assert len(service.rows("Calls")) == 2

    async def test_a_key_is_found_in_its_column_wherever_people_moved_that(self, connector, service):
        await connector.send(self.job(1))
        for row in service.sheets[1].cells:
            row.reverse()
        await connector.send(self.job(1))
        assert service.table("Calls") == [["Caller", "Call"], ["+13125550101", "c1"]]

    async def test_without_a_key_column_the_key_stands_in_a_last_column(self, connector, service):
        job = Job("j", Row(row={"A": "1", "B": "2"}, key="k1"), EVENT)
        await connector.send(job)
        await connector.send(job)
        assert service.table("Calls") == [["A", "B", "Relay key"], ["1", "2", "k1"]]

    async def test_without_any_key_each_delivery_is_one_row_however_often_it_is_tried(self, connector, service):
        for key in ("j1", "j1", "j2"):
            await connector.send(Job(key, Row(row={"A": "1"}), EVENT))
        assert service.table("Calls") == [["A", "Relay key"], ["1", "j1"], ["1", "j2"]]

    async def test_fifty_rows_cost_one_read_and_one_write(self, connector, service):
        await connector.send(self.job(0))
        service.requests.clear()
        await connector.send_batch([self.job(n) for n in range(1, 51)])
        assert [request.method for request in service.requests] == ["GET", "POST"]
        assert len(service.rows("Calls")) == 51

    async def test_old_and_new_rows_of_a_batch_cost_two_writes(self, connector, service):
        await connector.send_batch([self.job(1), self.job(2)])
        service.requests.clear()
        results = await connector.send_batch([self.job(2), self.job(3), self.job(1)])
        assert [result.created for result in results] == [False, True, False]
        assert [request.method for request in service.requests] == ["GET", "POST", "POST"]
        assert self.effects(service) == ["c1", "c2", "c3"]

    async def test_one_key_twice_in_a_batch_is_one_row_and_the_later_cell_wins(self, connector, service):
        await connector.send_batch([*self.rows("c1", Score="", City="X"), *self.rows("c1", Score="87")])
        assert service.rows("Calls") == [{"Call": "c1", "Score": "87", "City": "X"}]

    async def test_a_lost_answer_is_seen_to_have_arrived_within_the_same_try(self, connector, service):
        await connector.send(self.job(0))
        service.reset_next(where=":append", acted=True)
        results = await connector.send_batch([self.job(1), self.job(2)])
        assert [type(result) for result in results] == [Receipt, Receipt]
        assert self.effects(service) == ["c0", "c1", "c2"]

    async def test_an_append_that_did_not_arrive_is_unclear_and_comes_with_the_next_try(self, connector, service):
        await connector.send(self.job(0))
        service.reset_next(where=":append")
        (result,) = await connector.send_batch([self.job(1)])
        assert isinstance(result, Unclear)
        await connector.send(self.job(1, tries=1))
        assert self.effects(service) == ["c0", "c1"]

    async def test_an_answer_lost_together_with_the_look_after_it_is_unclear_and_doubles_nothing(
        self, connector, service
    ):
        await connector.send(self.job(0))
        service.let_next(1)
        service.reset_next(where=":append", acted=True)
        service.fail_next(1, 503)
        (result,) = await connector.send_batch([self.job(1)])
        assert isinstance(result, Unclear)
        await connector.send(self.job(1, tries=1))
        assert self.effects(service) == ["c0", "c1"]

    async def test_text_stays_text(self, connector, service):
        hostile = ["=HYPERLINK(1)", "+13125550101", "-1", "@SUM(1)", "007", "TRUE", "'x"]
        await connector.send(Job("j", Row(row={str(n): text for n, text in enumerate(hostile)}, key="k"), EVENT))
        assert service.table("Calls")[1] == [*hostile, "k"]
        assert all(b'"USER_ENTERED"' not in request.body for request in service.requests)

    async def test_a_worksheet_may_be_called_anything(self, service, http):
        for name in ("It's 2026!", "CO2", "Ä/ö", "A1:B2"):
            options = SheetsOptions.model_validate({**self.options(service), "worksheet": name})
            await GoogleSheets(options, http).send(self.job(1))
            assert service.rows(name) == [{"Call": "c1", "Caller": "+13125550101"}]

    async def test_more_columns_than_the_worksheet_is_wide_widen_it(self, connector, service):
        await connector.send(self.job(1))
        service.sheets[1].columns = 2
        await connector.send(self.rows("c2", **{f"Column {n}": str(n) for n in range(30)})[0])
        assert service.table("Calls")[0][-1] == "Column 29"

    async def test_columns_that_people_took_away_are_noticed(self, connector, service):
        wide = Job("j", Row(row={"A": "1", "B": "2", "Call": "c9"}, key="c9", key_column="Call"), EVENT)
        await connector.send(wide)
        sheet = service.sheets[1]
        sheet.cells, sheet.columns = [["Call"], ["c9"]], 1
        await connector.send(self.rows("c9")[0])
        assert service.table("Calls") == [["Call"], ["c9"]]

    async def test_a_hole_in_the_header_is_refused_rather_than_written_askew(self, connector, service):
        await connector.send(self.job(1))
        service.sheets[1].cells[0][0] = ""
        with pytest.raises(Invalid, match="A1 of the worksheet is blank"):
            await connector.send(self.job(2))

    async def test_a_blank_row_amid_the_table_shifts_and_loses_nothing(self, connector, service):
        await connector.send_batch([self.job(1), self.job(2)])
        service.sheets[1].cells.insert(2, [])
        await connector.send_batch([self.job(3), self.job(4), self.job(1)])
        assert sorted(row["Call"] for row in service.rows("Calls") if row) == ["c1", "c2", "c3", "c4"]

    async def test_a_token_is_asked_for_once_and_anew_when_it_is_revoked(self, connector, service):
        await connector.send(self.job(1))
        await connector.send(self.job(2))
        assert [request.path for request in service.requests].count("/token") == 1
        service.account.revoke()
        await connector.send(self.job(3))
        assert [request.path for request in service.requests].count("/token") == 2
        assert self.effects(service) == ["c1", "c2", "c3"]

    async def test_the_key_is_read_once_for_all_tokens(self, connector, service, monkeypatch):
        await connector.send(self.job(1))
        monkeypatch.delattr("connectors.google_sheets.token.load_pem_private_key")
        service.account.revoke()
        await connector.send(self.job(2))
        assert self.effects(service) == ["c1", "c2"]

    async def test_a_sheet_that_is_not_shared_says_whom_to_share_it_with(self, connector, service):
        service.shared = False
        for act in (lambda: connector.send(self.job(1)), connector.check):
            with pytest.raises(Forbidden, match=EMAIL):
                await act()

    async def test_a_wrong_spreadsheet_says_where_its_id_stands(self, service, http):
        options = SheetsOptions.model_validate({**self.options(service), "spreadsheet": "1nothing"})
        with pytest.raises(NotFound, match="between /d/ and /edit"):
            await GoogleSheets(options, http).check()

    async def test_a_key_that_google_does_not_know_is_told(self, service, http):
        other = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        for private, said in ((other.decode(), "Invalid JWT Signature"), ("not a key", "cannot be read")):
            key = {**json.loads(service.credentials()), "private_key": private}
            options = SheetsOptions.model_validate({**self.options(service), "credentials": json.dumps(key)})
            with pytest.raises(Unauthorized, match=said):
                await GoogleSheets(options, http).check()

    async def test_a_clock_that_is_wrong_is_named(self, service, http):
        service.account._what_is_wrong = lambda *_: "Invalid JWT: … in a reasonable timeframe."
        with pytest.raises(Unauthorized, match="clock"):
            await self.build(service, http).check()

    async def test_no_row_is_lost_over_the_quota_of_requests(self, connector, service):
        service.writes_a_minute = 3
        waited = 0
        for number in range(6):
            try:
                await connector.send(self.job(number))
            except RateLimited:
                waited += 1
                service._spent["writes"].clear()
                await connector.send(self.job(number))
        assert waited
        assert self.effects(service) == [f"c{number}" for number in range(6)]

    async def test_a_server_that_knows_only_single_reads_will_do(self, connector, service):
        await connector.send(self.job(1))
        service.fail_next(5, 404, where="values:batchGet")
        await connector.send(self.job(1))
        assert self.effects(service) == ["c1"]

    def test_one_writer_at_a_time(self, connector):
        assert connector.lane(self.job(1).action) == "Calls"
        assert connector.batch() == Batch(50, 10.0)


def options(**wrong):
    key = {"type": "service_account", "client_email": EMAIL, "private_key": "x"}
    written = {"spreadsheet": "1A", "worksheet": "Calls", "credentials": json.dumps(key), **wrong}
    return SheetsOptions.model_validate(written)


async def test_the_file_that_the_environment_names_is_used(http, tmp_path, monkeypatch):
    service = GoogleStandIn()
    await service.start()
    (tmp_path / "key.json").write_text(service.credentials(), encoding="utf-8")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
    options = {"base_url": service.base_url, "spreadsheet": service.spreadsheet, "worksheet": "Calls"}
    connector = GoogleSheets(SheetsOptions.model_validate(options | {"credentials": "application-default"}), http)
    await connector.send(Job("k1", Row(row={"Call": "c1"}), EVENT))
    service.shared = False
    with pytest.raises(Forbidden, match=EMAIL):
        await connector.check()
    assert [row["Call"] for row in service.rows("Calls")] == ["c1"]
    await service.stop()


async def test_the_account_of_the_machine_is_asked_for_at_its_metadata_server(tmp_path, monkeypatch):
    machine = SinkStandIn(answer={"access_token": "ya29.machine", "expires_in": 3600, "token_type": "Bearer"})
    await machine.start()
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.delenv("CLOUDSDK_CONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("gcloud.aio.auth.token.GCE_ENDPOINT_TOKEN", f"{machine.url}/token?recursive=true")
    assert await OfThisMachine().get() == "ya29.machine"
    assert machine.requests[0].headers["metadata-flavor"] == "Google"
    machine.status = 404
    with pytest.raises(Unauthorized, match="404"):
        await OfThisMachine().get()
    await machine.stop()
    with pytest.raises(Unavailable, match="no credentials"):
        await OfThisMachine().get()


@pytest.mark.parametrize(
    ("method", "path", "query", "body", "said"),
    [
        ("POST", "/v4/spreadsheets/x/values/A1:append", {"valueInputOption": "TYPED"}, {}, "wrong"),
        ("POST", "/v4/spreadsheets/x/values/A1:append", {"speed": "fast"}, {}, "unknown"),
        ("POST", "/v4/spreadsheets/x/values/A1:append", {"valueInputOption": "RAW"}, {"rows": [[1]]}, "rows"),
        ("POST", "/v4/spreadsheets/x:batchUpdate", {}, {"requests": [{"addSheets": {}}]}, "addSheets"),
        ("PUT", "/v4/spreadsheets/x", {}, {}, "no method"),
    ],
)
def test_a_request_that_google_does_not_describe_is_noticed(method, path, query, body, said):
    assert said in complaint(Received(method, path, query, {}, json.dumps(body).encode(), 200))


def test_the_whole_address_of_a_spreadsheet_will_do():
    assert options(spreadsheet="https://docs.google.com/spreadsheets/d/1Ab-c_D/edit#gid=0").spreadsheet == "1Ab-c_D"
    assert options(batch={"rows": "20", "or_after": "1m"}).batch.or_after == 60


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"credentials": ""}, "text of the key file"),
        ({"credentials": "{not json"}, "text of the key file"),
        ({"credentials": '{"type": "authorized_user"}'}, "service account"),
        ({"credentials": '{"type": "service_account"}'}, "client_email and private_key"),
        ({"batch": {"rows": 501}}, "500"),
        ({"worksheet": ""}, "at least 1"),
    ],
)
def test_options_that_cannot_work_are_refused(wrong, said):
    with pytest.raises(ValidationError, match=said) as caught:
        options(**wrong)
    assert "{not json" not in str(caught.value)


@pytest.mark.parametrize("wrong", [{"row": {}}, {"row": {" ": "x"}}, {"row": {"A": "x"}, "key": " "}])
def test_a_row_without_names_or_with_a_blank_key_is_refused(wrong):
    with pytest.raises(ValidationError):
        Row.model_validate(wrong)


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("\r=1+1", "=1+1"),
        ("a\x00b", "a b"),
        ("\u202egnp.exe", "gnp.exe"),
        ("<!here>", "<!here>"),
        ("A" * 999, "A" * 999),
    ],
)
def test_a_value_is_cleaned_and_otherwise_left_as_it_is(written, stored):
    assert CELL.escape(written) == stored


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (None, ""),
        (float("inf"), ""),
        (3, 3),
        (True, True),
        ("x" * 60_000, "x" * 50_000),
        ({"a": 1}, '{"a": 1}'),
        ("a\ud800", "a?"),
    ],
)
def test_every_value_becomes_what_a_cell_can_hold(value, stored):
    assert cell(value) == stored


def test_the_plan_writes_each_key_to_its_one_place():
    found = Found(("Call", "Note"), {"Call": {"c1": 7}})
    made = plan(found, {("Call", "c1"): {"Score": "5"}, ("Call", "c2"): {"Call": "c2", "Score": "6"}})
    assert made.header == ("Call", "Note", "Score")
    assert made.updates == (("C1:C1", ["Score"]), ("A7:C7", ["c1", None, "5"]))
    assert made.appends == (["c2", "", "6"],)


def test_a_header_ends_at_its_last_name():
    assert read_header([["A", " B ", "", " "]]) == ("A", "B")
    assert read_header([]) == ()


@pytest.mark.parametrize(("column", "name"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")])
def test_columns_have_letters(column, name):
    assert letters(column) == name
