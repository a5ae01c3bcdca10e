"""How long tests wait for what must come: no test fails because a machine is slow or busy."""

PATIENCE = 300.0
"""Seconds after which something will never come. Only a test that fails anyway waits so long."""
HUNG = 1200.0
"""Seconds after which a program that has a whole task to do has hung."""
