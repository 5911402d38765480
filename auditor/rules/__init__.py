"""The rule test runner: made-up components held against the tables, as small YAML cases say."""

from __future__ import annotations

from auditor.rules.cases import Case, read
from auditor.rules.run import Failure, Outcome, run

__all__ = ["Case", "Failure", "Outcome", "read", "run"]
