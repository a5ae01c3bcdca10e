"""What takes minutes: `make soak` runs every `soak_*.py` here, or the one that it is told.

`make soak SOAKS=tests/soak/soak_crash.py`
"""
