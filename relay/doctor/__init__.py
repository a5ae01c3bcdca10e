"""Proves the path end to end, from the street to the services: one line a check, and a remedy for whatever is wrong."""

from relay.doctor.bench import Bench, Finding, fine, note, wrong
from relay.doctor.table import CHECKS, examine

__all__ = ["CHECKS", "Bench", "Finding", "examine", "fine", "note", "wrong"]
