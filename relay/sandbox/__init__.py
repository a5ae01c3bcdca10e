"""A pretend CallScaler on loopback: the API with state in SQLite, a phone simulator, faults on request, a page.

It is written from the vendor's public pages and never sees the relay's client, so that the two cannot be wrong
together. resources-api.txt is the authority. Where every page is silent, this is assumed:

- Success is always 200, the only success status any page names. Errors are 400 (also for a short balance, a number
  that cannot text, an eleventh key), 401, 403, 404, 405, 413, 429. Every error has the live form `{"error":
  "<sentence>"}`, or by `SandboxSettings.errors` the documented form `{"error": {"code": "400", "message":
  "<sentence>"}}`.
- The rate limit is off by default; a 429 carries Retry-After in whole seconds.
- Lists are wrapped in the plural of their path in snake case beside `total` (`call_flows`, `number_groups`,
  `number_pools`, `voicemails`, `conversations`, `texts`, `sms`, `forms`, `api_keys`); members are `members`, versions
  `versions`, billing history `transactions`, numbers on offer `numbers`. One thing is wrapped in its singular. The
  balance is `balance_cents`. A deletion answers `{"id", "deleted": true}`; bulk stats `{"stats": {<id>: {..}}}`.
- Lists answer everything unless `limit` or `offset` is given; GET /calls and the deliveries log have documented
  defaults.
- Objects carry the fields of resources-api.txt and those of the newer pages together (`friendly_name` and `name`).
- A purchase takes `phone_number` from a search, and optionally `friendly_name` and `call_flow_id`; what was bought
  cannot text until registered. Only 555-01xx numbers are sold.
- A number is in at most one group, as it has one `group_id`: adding it to another moves it; removing it where it is
  not is 404. `SandboxSettings.several_groups` lets it be in several, of which `group_id` names the last.
- A text costs a fixed price per segment; /sms lists the same messages as /texts. Conversations merge calls and texts
  by contact. Opt-outs are not enforced, nothing says that they are.
- Keys have a role, owner unless created with another; a key cannot create or revoke one above its own.
- Times are UTC. `date_to` of the dashboard is included, `end_date` of calls is not; `updated_since` is not included
  either.
- `qualified` means the AI qualification. Busy and failed calls count as missed on the dashboard.
- A cursor is bound to its sort order and never expires. Sort keys are those of `calls.Sort`.
- `recording_url` is the API's own address and needs the key; it streams.
- Unknown query parameters are taken no notice of; unknown body fields are refused, which finds misspelt ones.
- A webhook fires once a call, and does not fire again by itself when late AI results come; there is no idempotency
  key.
- On outbound calls `destination_number` is the customer and `call_flow_name` is null, as in the sample body, while
  the webhook is that of the tracking number's call flow.
"""

from relay.sandbox.faults import KINDS, Faults
from relay.sandbox.phone import Phone
from relay.sandbox.service import Sandbox, serve
from relay.sandbox.settings import SandboxSettings

__all__ = ["KINDS", "Faults", "Phone", "Sandbox", "SandboxSettings", "serve"]
