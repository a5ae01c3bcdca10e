"""One file a service. A connector sees only the seam: relay.connector, relay.http, relay.models, relay.errors."""
