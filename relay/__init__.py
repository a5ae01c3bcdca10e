"""CallScaler Relay: webhooks in, rules in YAML, messages, rows and texts out; nothing lost, nothing unexplained."""

__version__ = "0.1.0"
