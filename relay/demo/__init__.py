"""`relay demo`: a day of calls on this machine, with stand-ins for every service and no account anywhere."""

from relay.demo.play import Demo, play
from relay.demo.summary import Summary

__all__ = ["Demo", "Summary", "play"]
