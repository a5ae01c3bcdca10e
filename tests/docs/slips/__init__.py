"""What goes wrong for somebody new, each provoked for real: in the file, at the start, at the door, outside."""

from tests.docs.slips import at_the_doctor, at_the_door, at_the_start, in_the_file, outside, unsent
from tests.docs.slips.provoked import PROVOKED

__all__ = ["PROVOKED", "at_the_doctor", "at_the_door", "at_the_start", "in_the_file", "outside", "unsent"]
