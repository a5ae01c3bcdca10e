"""Every operation of the API, once: the client, its allow-list, `relay api` and the tests all read this table.

The first 41 rows are those of the Resources API document, in its order. Rows with `seed=False` come from the other
documents: calls and analytics, and routes that a newer copy of the resources page lists.
"""

from __future__ import annotations

from relay.callscaler.operations import Deed, Kind, Operation, Parameter, Place

_WRITE, _FINAL = Deed.WRITE, Deed.FINAL
_INT, _DECIMAL, _YES_NO, _LIST, _JSON = Kind.INTEGER, Kind.DECIMAL, Kind.YES_NO, Kind.LIST, Kind.JSON


def _path(name: str, about: str = "") -> Parameter:
    return Parameter(name, Place.PATH, required=True, about=about)


def _query(name: str, kind: Kind = Kind.TEXT, about: str = "", *, required: bool = False) -> Parameter:
    return Parameter(name, Place.QUERY, kind, required, about)


def _body(name: str, kind: Kind = Kind.TEXT, about: str = "", *, required: bool = False) -> Parameter:
    return Parameter(name, Place.BODY, kind, required, about)


_ID = _path("id", "the id as a listing shows it")
_NAME = _body("name", about="a name people recognise")
_NAMED = _body("name", about="a name people recognise", required=True)
_FIELDS = Parameter("fields", Place.BODY, Kind.FIELDS, about="a further field of the body")
_STEPS = (
    _body("steps", _JSON, "the steps, an array of objects with a type each"),
    _body("settings", _JSON, "an object: recording, whisper, press1"),
)
_LABELS = (_body("friendly_name", about="the number's label"), _body("call_flow_id", about="what answers its calls"))
_PAGED = (_query("limit", _INT, "rows to show"), _query("offset", _INT, "rows to skip"))
"""Documented for calls and deliveries only; elsewhere sent when asked for, or when a total says
that rows are missing."""
_SPAN = (
    _query("start_date", about="from this day on, YYYY-MM-DD"),
    _query("end_date", about="before this day, YYYY-MM-DD"),
)
_SORT = (_query("sort_by", about="a field"), _query("sort_order", about="asc or desc"))
_CALLS = (
    *_PAGED,
    _query("cursor", about="where an earlier listing ended"),
    *_SPAN,
    _query("updated_since", about="changed after this moment, ISO 8601; late AI results count as changes"),
    _query("status", about="completed, no-answer, voicemail, busy, failed"),
    _query("direction", about="inbound or outbound"),
    _query("source", about="where the traffic came from: google, facebook, direct"),
    _query("number_id"),
    _query("call_flow_id"),
    _query("number_group_id"),
    _query("min_duration", _INT, "seconds"),
    _query("max_duration", _INT, "seconds"),
    _query("search", about="matches caller, tracking number, destination and number name"),
    _query("min_ai_score", _DECIMAL, "0 to 100"),
    _query("max_ai_score", _DECIMAL, "0 to 100"),
    _query("ai_category", about="lead, existing_customer, spam, wrong_number, voicemail"),
    _query("qualified", _YES_NO),
    _query("has_transcription", _YES_NO),
    _query("keyword"),
    _query("caller_name"),
    _query("include", _LIST, "transcription, summary"),
    *_SORT,
    _query("page", _INT, "pages of the older form, from 1"),
    _query("per_page", _INT, "rows a page of the older form"),
)
_EXPORT = (*_SPAN, _query("status"), _query("source"), _query("qualified", _YES_NO), *_SORT)
_ANALYTICS = (
    _query("group_by", _LIST, "up to 3: source, call_flow, status, date, hour_of_day …", required=True),
    _query("metrics", _LIST, "count (default), avg_duration, qualified_pct, avg_ai_score …"),
    *_SPAN,
    _query("status"),
    _query("direction"),
    _query("source"),
    _query("number_id"),
    _query("call_flow_id"),
    _query("qualified", _YES_NO),
    _query("min_ai_score", _DECIMAL, "0 to 100"),
    _query("max_ai_score", _DECIMAL, "0 to 100"),
    *_SORT,
)
_TEXT = (
    _body("from_number_id", about="the id of the number that sends, not the number itself", required=True),
    _body("to", about="the recipient in E.164: +15735550123", required=True),
    _body("body", about="the words", required=True),
    Parameter("idempotency_key", Place.HEADER, about="the same on every try; undocumented, so nothing relies on it"),
)
_SINCE = (
    _query("date_from", about="first day, YYYY-MM-DD"),
    _query("date_to", about="last day, YYYY-MM-DD"),
)
_DELIVERIES = (
    *_PAGED,
    _query("status", about="delivered, failed, pending"),
    _query("call_flow_id"),
)
_PICK = (
    _body("phone_number", about="as the search shows it", required=True),
    *_LABELS,
)

# fmt: off
_ROWS = (
    Operation("numbers", "list", "GET", "/numbers", "List all numbers", _PAGED),
    Operation("numbers", "get", "GET", "/numbers/{id}", "Show one number", (_ID,)),
    Operation("numbers", "search", "POST", "/numbers/search", "Search numbers for sale by area code",
              (_body("area_code", about="three digits: 573", required=True),)),
    Operation("numbers", "purchase", "POST", "/numbers/purchase", "Buy a number", _PICK, _FINAL),
    Operation("numbers", "update", "PATCH", "/numbers/{id}", "Rename a number or give it a call flow",
              (_ID, *_LABELS, _body("status")), _WRITE),
    Operation("numbers", "release", "DELETE", "/numbers/{id}", "Give a number back for good", (_ID,), _FINAL),

    Operation("call-flows", "list", "GET", "/call-flows", "List all call flows", _PAGED),
    Operation("call-flows", "get", "GET", "/call-flows/{id}", "Show a call flow with its steps", (_ID,)),
    Operation("call-flows", "create", "POST", "/call-flows", "Create a call flow", (_NAMED, *_STEPS, _FIELDS), _WRITE),
    Operation("call-flows", "update", "PUT", "/call-flows/{id}", "Change a call flow",
              (_ID, _NAME, *_STEPS, _FIELDS), _WRITE),
    Operation("call-flows", "delete", "DELETE", "/call-flows/{id}", "Delete a call flow", (_ID,), _FINAL),
    Operation("call-flows", "versions", "GET", "/call-flows/{id}/versions", "List the versions of a call flow",
              (_ID, *_PAGED)),

    Operation("number-groups", "list", "GET", "/number-groups", "List groups", _PAGED),
    Operation("number-groups", "bulk-stats", "GET", "/number-groups/bulk-stats", "Show figures for all groups"),
    Operation("number-groups", "members", "GET", "/number-groups/{id}/members", "List the numbers of a group",
              (_ID, *_PAGED)),
    Operation("number-groups", "create", "POST", "/number-groups", "Create a group", (_NAMED,), _WRITE),
    Operation("number-groups", "update", "PUT", "/number-groups/{id}", "Rename a group", (_ID, _NAME), _WRITE),
    Operation("number-groups", "delete", "DELETE", "/number-groups/{id}", "Delete a group", (_ID,), _FINAL),
    Operation("number-groups", "add-members", "POST", "/number-groups/{id}/members", "Put numbers into a group",
              (_ID, _body("number_ids", _LIST, "ids of numbers", required=True)), _WRITE),
    Operation("number-groups", "remove-member", "DELETE", "/number-groups/{id}/members/{number_id}",
              "Take a number out of a group", (_ID, _path("number_id", "the id of the number")), _WRITE),

    Operation("number-pools", "list", "GET", "/number-pools", "List pools", _PAGED),
    Operation("number-pools", "create", "POST", "/number-pools", "Create a pool", (_NAMED, _FIELDS), _WRITE),
    Operation("number-pools", "get", "GET", "/number-pools/{id}", "Show one pool", (_ID,)),
    Operation("number-pools", "update", "PUT", "/number-pools/{id}", "Change a pool", (_ID, _NAME, _FIELDS), _WRITE),
    Operation("number-pools", "delete", "DELETE", "/number-pools/{id}", "Delete a pool", (_ID,), _FINAL),

    Operation("voicemails", "list", "GET", "/voicemails", "List voicemails", _PAGED),
    Operation("voicemails", "get", "GET", "/voicemails/{id}", "Show one voicemail", (_ID,)),
    Operation("voicemails", "recording", "GET", "/voicemails/{id}/recording", "Download the audio", (_ID,), file=True),

    Operation("conversations", "list", "GET", "/conversations", "List conversations", _PAGED,
              call="messages.conversations"),
    Operation("texts", "list", "GET", "/texts", "List text messages", _PAGED, call="messages.texts"),
    Operation("sms", "list", "GET", "/sms", "List SMS messages", _PAGED, call="messages.sms"),
    Operation("texts", "send", "POST", "/texts", "Send a text message", _TEXT, _WRITE, call="messages.send"),

    Operation("forms", "list", "GET", "/forms", "List form submissions", _PAGED),
    Operation("forms", "get", "GET", "/forms/{id}", "Show one form submission", (_ID,)),

    Operation("dashboard", "stats", "GET", "/dashboard/stats", "Show figures over all calls", _SINCE),

    Operation("billing", "balance", "GET", "/billing/balance", "Show the balance, in cents"),
    Operation("billing", "history", "GET", "/billing/history", "List transactions", _PAGED),

    Operation("api-keys", "list", "GET", "/api-keys", "List keys, by prefix only", _PAGED),
    Operation("api-keys", "create", "POST", "/api-keys", "Create a key; it is shown this once", (_NAMED,), _FINAL),
    Operation("api-keys", "revoke", "DELETE", "/api-keys/{id}", "Revoke a key at once", (_ID,), _FINAL),

    Operation("webhook-deliveries", "list", "GET", "/webhooks/deliveries", "List deliveries of post-call webhooks",
              _DELIVERIES),

    Operation("numbers", "export", "GET", "/numbers/export", "Download all numbers as CSV", seed=False, file=True),
    Operation("numbers", "bulk-stats", "GET", "/numbers/bulk-stats", "Show figures for all numbers", seed=False),
    Operation("numbers", "stats", "GET", "/numbers/{id}/stats", "Show figures for one number", (_ID,), seed=False),
    Operation("call-flows", "numbers", "GET", "/call-flows/{id}/numbers", "List the numbers of a call flow",
              (_ID, *_PAGED), seed=False),
    Operation("call-flows", "duplicate", "POST", "/call-flows/{id}/duplicate", "Copy a call flow", (_ID,), _WRITE,
              seed=False),
    Operation("call-flows", "restore", "POST", "/call-flows/{id}/versions/{version}/restore",
              "Bring back an earlier version", (_ID, _path("version", "its number")), _WRITE, seed=False),

    Operation("calls", "list", "GET", "/calls", "List calls", _CALLS, seed=False),
    Operation("calls", "get", "GET", "/calls/{id}", "Show one call", (_ID,), seed=False),
    Operation("calls", "batch", "POST", "/calls/batch", "Show up to 100 calls",
              (_body("ids", _LIST, "ids of calls", required=True),), seed=False),
    Operation("calls", "transcription", "GET", "/calls/{id}/transcription", "Show what was said", (_ID,), seed=False),
    Operation("calls", "recording", "GET", "/calls/{id}/recording", "Download the audio", (_ID,), seed=False,
              file=True),
    Operation("calls", "export", "GET", "/calls/export", "Download calls as CSV", _EXPORT, seed=False, file=True),

    Operation("analytics", "calls", "GET", "/analytics/calls", "Count calls by up to three groupings", _ANALYTICS,
              seed=False),
)
# fmt: on

OPERATIONS = {operation.name: operation for operation in _ROWS}
"""All operations by name: `numbers list`, `texts send` …"""
