"""Keeps a CRM up to date: finds the contact by phone, creates or updates it, and logs the call.

It speaks to any CRM with a JSON API, by four requests that the owner writes down. What it relies on:

- A search may lag behind a create (HubSpot says so of its own:
  https://developers.hubspot.com/docs/api-reference/search/guide, section "Limitations"): a contact that was created is
  never created again, it is waited for.
- Writes carry an `Idempotency-Key`, the same on every try; a CRM that does not know the header ignores it
  (https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/).
- How many requests a minute are allowed differs from CRM to CRM; 429 with Retry-After is obeyed, and `rate:` sets less.
"""

from __future__ import annotations

from connectors.crm.connector import Crm
from connectors.crm.forms import CrmAction, CrmOptions

__all__ = ["Crm", "CrmAction", "CrmOptions"]
