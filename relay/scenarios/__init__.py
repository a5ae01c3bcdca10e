"""The `tests:` of relay.yaml, run on a clock of their own through the real planner and worker."""

from relay.scenarios.world import Failure, run_scenarios

__all__ = ["Failure", "run_scenarios"]
