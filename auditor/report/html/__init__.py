"""The report as one HTML page that needs nothing but itself."""

from auditor.report.html.page import render

__all__ = ["render"]
