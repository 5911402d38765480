"""What names stand for in Python source, and that reading it takes a bounded time."""

from __future__ import annotations

import time

import pytest

from auditor.formats import FormatError
from auditor.formats.python_constants import LARGEST as LARGEST_SETTINGS
from auditor.formats.python_constants import string_settings
from auditor.formats.python_source import parse_python


def found(source, unit="", **options):
    """Qualified names that a unit calls → whether each is guarded."""
    (one,) = [item for item in parse_python(source.encode(), **options).units if item.name == unit]
    return {use.name: use.guarded for use in one.uses if use.kind == "name" and use.called}


def members(source, unit=""):
    (one,) = [item for item in parse_python(source.encode()).units if item.name == unit]
    return [use.name for use in one.uses if use.kind == "member"]


@pytest.mark.parametrize(
    "body",
    [
        "s = None\ns = socket.socket()",
        "s = socket.socket()\ns = wrapped(s)",
        "s: socket.socket = make()",
        "s = given or socket.socket()",
        "s = socket.socket() if given else None",
        "if (s := socket.socket()): pass",
        "s = getattr(socket, 'socket')()",
        "s = __import__('socket').socket()",
        "def start():\n  global s\n  s = socket.socket()",
        "with socket.socket() as s: pass",
    ],
)
def test_a_name_may_stand_for_a_socket(body):
    assert "socket.socket.listen" in found(f"import socket\ngiven = None\n{body}\ns.listen()\n")


@pytest.mark.parametrize(
    "annotation",
    [
        "socket.socket",
        "socket.socket | None",
        "Optional[socket.socket]",
        "typing.Union[None, socket.socket]",
        "Annotated[socket.socket, 'x']",
    ],
)
def test_an_annotated_parameter_is_of_its_type(annotation):
    source = f"import socket\ndef f(s: {annotation}):\n  s.listen()\n"
    assert "socket.socket.listen" in found(source, "f")


@pytest.mark.parametrize(
    "body",
    [
        "  def __init__(self):\n    self.sock = None\n    self.sock = socket.socket()",
        "  def __init__(self, given: socket.socket):\n    self.sock = given",
        "  sock = socket.socket()",
        "  sock: socket.socket",
    ],
)
def test_an_attribute_is_what_the_class_gives_it(body):
    source = f"import socket\nclass S:\n{body}\n  def serve(self):\n    self.sock.listen()\n"
    assert "socket.socket.listen" in found(source, "S.serve")
    derived = f"{source}class T(S):\n  def again(self):\n    self.sock.bind()\n"
    assert "socket.socket.bind" in found(derived, "T.again")


def test_naming_a_type_is_no_use_of_it():
    source = (
        "import threading as t\n"
        "import subprocess as sp\n"
        "x: t.Thread\n"
        "def f(p: sp.Popen) -> t.Thread:\n"
        "  return isinstance(p, sp.Popen) and issubclass(type(p), (t.Thread, sp.Popen))\n"
    )
    uses = [use.name for unit in parse_python(source.encode()).units for use in unit.uses]
    assert not [name for name in uses if name.endswith(("Thread", "Popen"))]


def test_members_of_what_is_written_out_are_no_members_of_something_unknown():
    source = "', '.join(x)\n[].append(1)\n{}.get(1)\nf'{x}'.strip()\n(1, 2).count(1)\nx.fork()\n"
    assert members(source) == ["fork"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        # The one that is there, whichever comes first.
        ("try:\n  import gone as m\nexcept ImportError:\n  import os as m\n", {"os.fork": False}),
        ("try:\n  import os as m\nexcept ImportError:\n  import gone as m\n", {"os.fork": False}),
        # What steps in, and what there may be no replacement for.
        (
            "try:\n  import os as m\nexcept ImportError:\n  import posix as m\n",
            {"os.fork": False, "posix.fork": True},
        ),
        ("try:\n  import os as m\nexcept ImportError:\n  m = None\n", {"os.fork": True}),
        # Two branches are both taken by somebody.
        (
            "if x:\n  import os as m\nelse:\n  import posix as m\n",
            dict.fromkeys(("os.fork", "posix.fork"), False),
        ),
        # What catches something else guards nothing.
        ("try:\n  import os as m\nexcept OSError:\n  m = None\n", {"os.fork": False}),
    ],
)
def test_of_several_imports_of_one_name_those_count_that_lead_somewhere(source, expected):
    known = {"os", "posix"}.__contains__
    assert found(f"{source}m.fork()\n", known=known) == expected


def test_a_name_that_nothing_binds_may_come_from_a_star():
    source = "from os import *\nfrom .views import *\nfork()\nlen([])\n"
    assert found(source) == {"os.fork": False, ".views.fork": False}


@pytest.mark.parametrize(
    ("call", "name"),
    [
        ("import_module('.b', 'a')", "a.b"),
        ("import_module('..b.c', package='x.y')", "..b.c"),
        ("import_module('..b', 'x.y')", "x.b"),
        ("import_module('..........b', 'x')", "b"),
    ],
)
def test_a_relative_import_by_a_call_is_of_the_package_that_is_given(call, name):
    source = f"from importlib import import_module\n{call}\n"
    (top,) = parse_python(source.encode()).units
    assert name in [use.name for use in top.uses if use.kind == "import"]


def test_source_in_a_string_is_read_where_it_is_run():
    source = "import os\ndef f():\n  exec('import pty as p\\nos.fork(); p.spawn(1)')\n"
    assert found(source, "f") == {"os.fork": False, "pty.spawn": False}
    (unit,) = [unit for unit in parse_python(source.encode()).units if unit.name == "f"]
    assert {use.line for use in unit.uses} == {3}


def test_source_in_strings_in_strings_is_read_no_deeper_than_anybody_writes():
    text = "os.fork()"
    for _ in range(4):
        text = f"exec({text!r})"
    (top,) = parse_python(f"import os\n{text}".encode()).units
    assert [use.kind.value for use in top.uses] == ["import", "dynamic"]


def test_what_is_defined_twice_is_one_unit_with_all_its_uses():
    source = (
        "import os\n"
        "class C:\n"
        "  @property\n  def x(self):\n    return os.fork()\n"
        "  @x.setter\n  def x(self, value):\n    os.kill(1, 2)\n"
    )
    units = [unit.name for unit in parse_python(source.encode()).units]
    assert units == ["", "C", "C.x"]
    assert found(source, "C.x") == {"os.fork": False, "os.kill": False}


CHAIN = b"x" + b".a" * 300 + b"()\n"
CALLS = b"x" + b".a()" * 150 + b"\n"
HALF = 1 << 19


@pytest.mark.parametrize(
    "source",
    [
        CHAIN * (HALF // 8 // len(CHAIN)),
        CALLS * (HALF // 8 // len(CALLS)),
        b"exec(" * 90 + b"[" + b"a," * (HALF // 16) + b"]" + b")" * 90,
        b"class C:\n" + b" def f(self): self.a = b.c()\n" * 2000,
        b"class C:\n"
        + b"".join(b" @d\n def f%d(self): self.a%d = b\n" % (n, n) for n in range(1500)),
        b"".join(b"from m%d import *\n" % n for n in range(2000)) + b"f()\n" * 2000,
        b"x = " + b" or ".join([b"f()"] * 10_000),
        b"x = " + b"(a or " * 80 + b"b" + b")" * 80,
        b"try: import a\nexcept ImportError: import b as a\n" * 2000,
    ],
)
def test_reading_takes_a_time_that_grows_with_the_size_alone(source):
    started = time.process_time()
    parse_python(source)
    # Quadratic reading took minutes; a fraction of a second is usual.
    assert time.process_time() - started < 5


def test_settings_are_the_strings_of_the_top_level():
    text = b"a = 'x'\nb: str = 'y'\nc = d = 'z'\na = 'last'\nn = 3\ndef f():\n  e = 'no'\n"
    assert string_settings(text) == {"a": "last", "b": "y", "c": "z", "d": "z"}


@pytest.mark.parametrize(
    "data", [b"a = (", b"\0", b"#" * (LARGEST_SETTINGS + 1), b"-" * 60_000 + b"1"]
)
def test_settings_that_cannot_be_read_are_a_format_error(data):
    with pytest.raises(FormatError):
        string_settings(data)
