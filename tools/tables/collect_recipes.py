"""Collect the recipes of emscripten-forge from a clone: name, version, kind and file.

Run it as ``collect_recipes.py CLONE``; what it prints is ``upstream/emscripten-forge-recipes.csv``.
A recipe says nowhere what kind of thing it packs. ``r``: it needs R. ``python``: it is built
against CPython, and comes from PyPI or is installed by pip. All else is ``native``.
"""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from pathlib import Path

PATH = re.compile(r"recipes/([^/]+)/([^/]+)/recipe\.yaml")
CONTEXT = re.compile(r"^context:\n((?:[ \t]+.*\n|\n)*)", re.MULTILINE)
VARIABLE = re.compile(r"^\s+(\w+): +[\"']?([^\"'\n#]+?)[\"']?\s*(?:#.*)?$", re.MULTILINE)
VERSION = re.compile(r"^\s+version: +[\"']?([^\"'\n#]+)", re.MULTILINE)
USE = re.compile(r"\$\{\{ *(\w+)[^}]*\}\}")


def git(clone: Path, *words: str) -> str:
    """What git prints."""
    return subprocess.run(
        ["git", "-C", str(clone), *words], check=True, capture_output=True, text=True
    ).stdout


def kind(name: str, recipe: str, scripts: str) -> str:
    """What a recipe packs, judged by what it needs."""
    if name.startswith(("r-", "bioconductor-")):
        return "r"
    against_python = "cross-python" in recipe
    from_pypi = re.search(r"pypi|pythonhosted", recipe) is not None
    by_pip = re.search(r"pip install", recipe + scripts) is not None
    return "python" if against_python and (from_pypi or by_pip) else "native"


def version(recipe: str) -> str:
    """The recipe's version, its variables filled in; empty where that is not enough."""
    context = CONTEXT.search(recipe)
    variables = dict(VARIABLE.findall(context.group(1))) if context else {}
    found = VERSION.search(recipe)
    text = variables.get("version", found.group(1).strip() if found else "")
    for _ in variables:
        text = USE.sub(lambda hit: variables.get(hit.group(1), ""), text)
    return "" if "{" in text else text


def main(clone: Path) -> None:
    """Print the table."""
    names = git(clone, "ls-tree", "-r", "--name-only", "HEAD").splitlines()
    commit, date = git(clone, "log", "-1", "--format=%H %cs").split()
    print(f"# github:emscripten-forge/recipes@{commit[:9]} {date}")
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["name", "version", "kind", "file"])
    for path in names:
        found = PATH.fullmatch(path)
        if found is None:
            continue
        recipe = git(clone, "show", f"HEAD:{path}")
        script = path.removesuffix("recipe.yaml") + "build.sh"
        text = git(clone, "show", f"HEAD:{script}") if script in names else ""
        writer.writerow([found[2], version(recipe), kind(found[2], recipe, text), path])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
