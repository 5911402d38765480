"""A saved inventory, assessed again: other tables, other what-ifs, no image."""

from __future__ import annotations

from auditor.errors import UsageError
from auditor.pipeline import Options, about
from auditor.report import Scan
from auditor.report.inventory import read_inventory
from auditor.tables import load
from auditor.whatif import check, judge

__all__ = ["reassess"]


def reassess(place: str, options: Options) -> Scan:
    """Judge the inventory in a file (``-`` is standard input) by today's tables.

    Of the options, those of the judgement count: targets, what-ifs, tables and catalogue. Raises
    ``ReportError`` for what is no inventory, ``UsageError`` for names that nothing has.
    """
    tables = load(overlay=options.tables)
    check(options.what_if, tables)
    saved = read_inventory(place)
    unknown = sorted(
        {
            *(item.capability for item in saved.graph.calls),
            *(item.capability for item in saved.graph.observed),
            *(item.capability for item in saved.inventory.settings if item.capability),
        }
        - tables.capabilities.keys()
    )
    if unknown:
        raise UsageError(
            f"these tables have no capability {unknown[0]!r}, which the inventory asks for",
            hint="scan the image again",
        )
    judged = judge(saved.inventory, saved.graph, tables, options.what_if)
    notes = [*judged.notes, *about(tables)]
    if saved.tables_digest != tables.digest:
        notes.append(
            "Assessed again with other tables than those of the scan; what an application's calls "
            "ask for was read with the tables of the scan."
        )
    servers = saved.servers.items() if options.catalog else ()
    return Scan(
        version=saved.auditor,
        image=saved.image,
        inventory=saved.inventory,
        graph=judged.graph,
        assessment=judged.assessment,
        servers={
            component: tables.catalog.servers[row]
            for component, row in servers
            if row in tables.catalog.servers
        },
        tables=tables,
        notes=tuple(notes),
        excluded=saved.excluded,
    )
