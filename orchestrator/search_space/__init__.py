"""Search space files: what the user asked, checked whole, before anything starts."""

from orchestrator.search_space.load import load
from orchestrator.search_space.model import Sweep
from orchestrator.search_space.problems import Problem, SpecError

__all__ = ["Problem", "SpecError", "Sweep", "load"]
