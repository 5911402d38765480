"""mkdocs' hook: adds the pages that are made from the code, and those that stand elsewhere."""

from __future__ import annotations

import posixpath
import re
import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
if str(ROOT) not in sys.path:  # mkdocs loads a hook as a module of its own
    sys.path.insert(0, str(ROOT))

from tools.docs import reference  # noqa: E402

ADOPTED = {
    "ARCHITECTURE.md": "architecture.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "signatures/README.md": "tables.md",
}
"""Pages that stand elsewhere in the repository → where they are in the documentation."""
PLACES = {
    **ADOPTED,
    "README.md": "index.md",
    "auditor/report/report.schema.json": "reference/report.schema.json",
}
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)#\s:]+)(#[^)\s]*)?\)")
ROW_CODE = re.compile(r"(?<=[ (|])`[^`\n]*\\\|[^`\n]*`")
"""Code with an escaped bar: GitHub's tables need the backslash, Python-Markdown's show it."""
MARK = re.compile(r"^<!-- made from the code: ([\w-]+) -->$", re.MULTILINE)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is no file of docs/."""
    for source, page in ADOPTED.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text()))
    for page, make in reference.PAGES.items():
        files.append(File.generated(config, page, content=make()))
    schema = (ROOT / "auditor/report/report.schema.json").read_text()
    files.append(File.generated(config, "reference/report.schema.json", content=schema))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Fill in what is made from the code, and turn links to files into links to pages."""
    here = page.file.src_uri
    origin = next((source for source, to in ADOPTED.items() if to == here), f"docs/{here}")
    filled = MARK.sub(lambda found: reference.PARTS[found[1]](), markdown)
    filled = ROW_CODE.sub(lambda found: found[0].replace("\\|", "|"), filled)
    return LINK.sub(lambda found: _link(found, origin, here), filled)


def _link(found: re.Match[str], origin: str, here: str) -> str:
    """A link as seen from its page; the words alone where its file is no page."""
    words, path, anchor = found[1], found[2], found[3] or ""
    target = posixpath.normpath(posixpath.join(posixpath.dirname(origin), path))
    if target in PLACES:
        place = PLACES[target]
    elif target.startswith("docs/"):
        place = target.removeprefix("docs/")
    elif (ROOT / target).exists():
        return words if words.startswith("`") else f"{words} (`{target}`)"
    else:
        return found[0]  # mkdocs warns of it
    return f"[{words}]({posixpath.relpath(place, posixpath.dirname(here) or '.')}{anchor})"
