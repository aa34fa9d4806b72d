"""Search space files: what the user asked, checked whole, before anything starts."""

from orchestrator.spec.load import load
from orchestrator.spec.model import Sweep
from orchestrator.spec.problems import Problem, SpecError

__all__ = ["Problem", "SpecError", "Sweep", "load"]
