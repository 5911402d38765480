"""What Python source says: imports, calls, dead branches, and what cannot be read."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.formats import FormatError
from auditor.formats.python_source import LARGEST, parse_python
from auditor.model.source import UseKind


def facts(source, **options):
    return parse_python(source.encode(), **options)


def uses(source, unit="", **options):
    """(kind, name) of what a unit uses, in order."""
    (found,) = [item for item in facts(source, **options).units if item.name == unit]
    return [(use.kind.value, use.name) for use in found.uses]


def names(source, unit="", **options):
    return [name for kind, name in uses(source, unit, **options) if kind == "name"]


def called(source, unit=""):
    (found,) = [item for item in facts(source).units if item.name == unit]
    return {use.name for use in found.uses if use.called}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import subprocess as sp\nsp.run('ls')", "subprocess.run"),
        ("from os import fork as f\nf()", "os.fork"),
        ("import os.path\nos.path.join('a')", "os.path.join"),
        ("from ..shop import models as m\nm.Note()", "..shop.models.Note"),
        ("from . import views\nviews.index()", ".views.index"),
        ("import subprocess\nrun = subprocess.run\nrun('ls')", "subprocess.run"),
        ("import socket\ns = socket.socket()\ns.listen(5)", "socket.socket.listen"),
        ("import socket\nwith socket.socket() as s:\n  s.listen(5)", "socket.socket.listen"),
        ("import asyncio\nasync def f():\n  pass\nasyncio.run(f())", "asyncio.run"),
        ("import threading\nclass T(threading.Thread):\n  pass", None),
    ],
)
def test_aliases_are_taken_back(source, expected):
    found = names(source)
    assert expected in found if expected else found == []


@pytest.mark.parametrize(
    "source",
    [
        "'subprocess.run' + 'os.fork()'",
        "# import subprocess",
        '"""import subprocess\nsubprocess.run()"""',
        "subprocess = 3\nprint(subprocess)",
        "def f(subprocess):\n  subprocess.run()",
        "if False:\n  import subprocess",
        "import sys\nif sys.platform == 'win32':\n  import subprocess",
        "import sys\nif sys.platform.startswith(('win', 'darwin')):\n  import subprocess",
        "import os\nif os.name == 'nt' and x:\n  import subprocess",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n  import subprocess",
        "if __name__ == '__main__':\n  import subprocess",
        "def f():\n  return 1\n  import subprocess",
        "x = 1 if True else __import__('subprocess')",
    ],
)
def test_words_and_dead_branches_are_no_use(source):
    found = [use for unit in facts(source).units for use in unit.uses]
    strong = [use.name for use in found if use.kind is not UseKind.TEXT]
    assert not [name for name in strong if "subprocess" in name or "fork" in name]


@pytest.mark.parametrize(
    ("source", "options"),
    [
        ("if __name__ == '__main__':\n  import subprocess", {"main": True}),
        ("import sys\nif sys.platform != 'win32':\n  import subprocess", {}),
        ("import sys\nif sys.version_info >= (3, 8):\n  import subprocess", {"version": (3, 11)}),
        ("import sys\nif sys.version_info[0] > 2:\n  import subprocess", {"version": (3, 11)}),
        ("import sys\nif sys.version_info < (3, 9):\n  import subprocess", {}),
        ("import os\nif os.name == 'posix':\n  import subprocess\nelse:\n  import msvcrt", {}),
    ],
)
def test_live_branches_are(source, options):
    assert ("import", "subprocess") in uses(source, **options)
    assert ("import", "msvcrt") not in uses(source, **options)


def test_a_branch_of_an_older_python_is_dead():
    source = "import sys\nif sys.version_info < (3, 9):\n  import subprocess"
    assert ("import", "subprocess") not in uses(source, version=(3, 11))


@pytest.mark.parametrize(
    "guard",
    [
        "try:\n  import a\nexcept ImportError:\n  pass",
        "try:\n  import a\nexcept (KeyError, ModuleNotFoundError):\n  pass",
        "try:\n  import a\nexcept:\n  pass",
        "import contextlib\nwith contextlib.suppress(ImportError):\n  import a",
        "try:\n  a = __import__('a')\nexcept Exception:\n  pass",
    ],
)
def test_an_import_may_be_guarded(guard):
    (top,) = facts(guard).units
    assert [use.guarded for use in top.uses if use.name == "a"] == [True]


def test_a_try_that_catches_something_else_guards_nothing():
    (top,) = facts("try:\n  import a\nexcept KeyError:\n  import b").units
    assert {use.name: (use.guarded, use.conditional) for use in top.uses} == {
        "a": (False, False),
        "b": (False, True),
    }


def test_functions_methods_and_classes_are_units():
    source = (
        "import os\n"
        "class Server(Base, os.PathLike):\n"
        "  kind = os.sep\n"
        "  def start(self):\n"
        "    self.fork()\n"
        "    def inner():\n"
        "      os.kill(1, 2)\n"
        "    return inner\n"
        "def f():\n"
        "  os.fork()\n"
    )
    found = {unit.name: unit for unit in facts(source).units}
    assert list(found) == ["", "Server", "Server.start", "f"]
    assert found["Server"].is_class
    assert found["Server"].line == 2
    assert uses(source, "Server") == [("name", "os.PathLike")]
    assert ("name", "os.sep") in uses(source)
    assert uses(source, "Server.start") == [
        ("local", "Server.fork"),
        ("member", "fork"),
        ("name", "os.kill"),
    ]
    assert called(source, "f") == {"os.fork"}
    assert sum(unit.size for unit in found.values() if not unit.is_class) == len(source)


def test_attributes_of_an_object_are_known_by_what_its_methods_assign():
    source = (
        "import socket\n"
        "class S:\n"
        "  def __init__(self):\n"
        "    self.sock = socket.socket()\n"
        "  def serve(self):\n"
        "    self.sock.listen()\n"
    )
    assert ("name", "socket.socket.listen") in uses(source, "S.serve")


def test_a_member_of_something_unknown_is_only_a_member():
    assert uses("def f(x):\n  x.fork()", "f") == [("member", "fork")]


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("import importlib\nimportlib.import_module('a.b')", "a.b"),
        ("from importlib import import_module as load\nload('.views')", ".views"),
        ("__import__('a')", "a"),
    ],
)
def test_an_import_by_a_call_is_followed(source, name):
    assert ("import", name) in uses(source)


@pytest.mark.parametrize(
    "source",
    [
        "import importlib\nimportlib.import_module(name)",
        "__import__(name)",
        "exec(code)",
        "eval('1' + text)",
    ],
)
def test_what_run_time_decides_is_dynamic(source):
    assert [name for kind, name in uses(source) if kind == "dynamic"] == [source.split("\n")[-1]]


def test_modules_hand_on_what_they_import():
    found = facts("from .deep import f as g\nfrom .all import *\nimport a.b\napp = a.b.App()\n")
    assert found.bindings == {"g": ".deep.f", "a": "a", "app": "a.b.App"}
    assert found.stars == (".all",)


def test_strings_may_name_modules():
    found = [name for kind, name in uses("X = ['shop.apps.Shop', 'a:b', 'no', '1.2', 'x y.z']")]
    assert set(found) == {"shop.apps.Shop", "a.b"}


def test_being_decorated_is_being_passed_on():
    assert uses("import a\n@a.route('/')\ndef f(): ...")[-1] == ("local", "f")
    source = "class C:\n  @property\n  def p(self): ...\n"
    assert uses(source, "C") == [("local", "C.p")]
    assert uses(source) == []


def test_the_coding_line_is_honoured():
    source = "# -*- coding: latin-1 -*-\nname = 'caf\xe9'\nimport os\n".encode("latin-1")
    assert parse_python(source).units[0].uses[0].name == "os"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"print 'hello'", "line 1"),
        (b"x = (", "never closed"),
        (b"a\0b", "null bytes"),
        (b"\xff\xfe", "line 1|decode"),
        (b"#" * (LARGEST + 1), "1 MiB"),
        (b"(" * 100_000, "nested|parentheses"),
        (b"-" * 100_000 + b"1", "nested|complex|recursion"),
        (b"a" + b".a" * 50_000, "nested|recursion"),
        (b"a" + b"+a" * 50_000, "nested|recursion"),
    ],
)
def test_what_is_no_readable_python_is_a_format_error(data, reason):
    with pytest.raises(FormatError, match=reason):
        parse_python(data)


@given(st.binary(max_size=200))
def test_any_bytes_give_facts_or_a_format_error(data):
    with contextlib.suppress(FormatError):
        assert parse_python(data).size == len(data)


PIECES = st.sampled_from(
    [
        *(
            "import os",
            "from a import b",
            "if x:",
            "try:",
            "except ImportError:",
            "else:",
            "class C:",
        ),
        *(
            "def f():",
            "x.y()",
            "return",
            "with a as b:",
            "exec(z)",
            "@d",
            "lambda: q",
            "for i in j:",
        ),
    ]
)


@given(st.lists(st.tuples(st.integers(0, 4), PIECES), max_size=12))
def test_any_statements_give_facts_or_a_format_error(lines):
    source = "\n".join(f"{' ' * indent}{text}" for indent, text in lines)
    with contextlib.suppress(FormatError):
        facts(source)
