"""The tables of the pretend phone system; times are Unix seconds of its clock, *_json columns hold JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlite_utils import Database

if TYPE_CHECKING:
    import sqlite3

_ATTRIBUTION = {
    "source": str,
    "utm_source": str,
    "utm_medium": str,
    "utm_campaign": str,
    "utm_term": str,
    "gclid": str,
    "landing_page_url": str,
}

# Each table has `seq`, its order of arrival, and `id`, the uuid the outside knows it by.
TABLES: dict[str, dict[str, Any]] = {
    "api_keys": {"name": str, "prefix": str, "digest": str, "role": str, "created_at": float, "revoked_at": float},
    "numbers": {
        "phone_number": str,
        "friendly_name": str,
        "type": str,
        "call_flow_id": str,
        "group_id": str,
        "status": str,
        "sms_enabled": int,
        "tcr_sw_state": str,
        "created_at": float,
    },
    "call_flows": {
        "name": str,
        "steps_json": str,
        "settings_json": str,
        "version": int,
        "created_at": float,
        "webhook_url": str,
        "webhook_headers_json": str,
        "webhook_mode": str,
        "webhook_retries_json": str,
    },
    "call_flow_versions": {
        "call_flow_id": str,
        "version": int,
        "name": str,
        "steps_json": str,
        "settings_json": str,
        "created_at": float,
    },
    "number_groups": {"name": str, "created_at": float},
    "memberships": {"number_id": str, "group_id": str},
    "number_pools": {
        "name": str,
        "website_url": str,
        "swap_number": str,
        "call_flow_id": str,
        "session_length": int,
        "backup_number": str,
        "created_at": float,
    },
    "calls": {
        "direction": str,
        "status": str,
        "caller_number": str,
        "caller_name": str,
        "number_id": str,
        "tracking_number": str,
        "destination_number": str,
        "call_flow_id": str,
        "call_flow_name": str,
        **_ATTRIBUTION,
        "duration_seconds": int,
        "recording_duration": int,
        "transcription": str,
        "summary": str,
        "ai_score": int,
        "ai_category": str,
        "qualified_ai": int,
        "qualification_reason": str,
        "keywords_json": str,
        "robo_score": int,
        "cost_cents": int,
        "value_cents": int,
        "extra_json": str,
        "created_at": float,
        "updated_at": float,
    },
    "voicemails": {"call_id": str, "is_read": int, "created_at": float},
    "texts": {
        "direction": str,
        "number_id": str,
        "sender": str,
        "recipient": str,
        "body": str,
        "status": str,
        "segments": int,
        "cost_cents": int,
        "created_at": float,
        "recorded_at": float,
    },
    "forms": {"name": str, "phone": str, "email": str, "message": str, **_ATTRIBUTION, "created_at": float},
    "transactions": {
        "type": str,
        "description": str,
        "amount_cents": int,
        "balance_after_cents": int,
        "created_at": float,
    },
    "deliveries": {
        "call_id": str,
        "call_flow_id": str,
        "url": str,
        "status": str,
        "http_status": int,
        "attempts": int,
        "last_error": str,
        "body": str,
        "created_at": float,
        "delivered_at": float,
    },
}

_LOOKED_UP = {
    "api_keys": ["digest"],
    "numbers": ["phone_number", "group_id", "call_flow_id"],
    "call_flow_versions": ["call_flow_id"],
    "memberships": ["number_id", "group_id"],
    "calls": ["created_at", "updated_at", "caller_number", "number_id"],
    "texts": ["sender", "recipient"],
    "deliveries": ["call_id", "status"],
    "voicemails": ["call_id"],
}


def create(connection: sqlite3.Connection) -> None:
    """Create what is missing; a file of an earlier run keeps what it holds."""
    database = Database(connection)
    for name, columns in TABLES.items():
        table = database.table(name)
        table.create({"seq": int, "id": str, **columns}, pk="seq", not_null={"id"}, if_not_exists=True, strict=True)
        table.create_index(["id"], unique=True, if_not_exists=True)
        for column in _LOOKED_UP.get(name, ()):
            table.create_index([column], if_not_exists=True)
