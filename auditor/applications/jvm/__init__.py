"""Java and whatever else is compiled to class files: Kotlin, Scala, Groovy, Clojure."""

from __future__ import annotations

from auditor.applications.jvm.language import make

__all__ = ["make"]
