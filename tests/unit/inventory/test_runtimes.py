"""Runtimes are known by what their files hold, and their version with them."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.inventory.runtimes import Found, gather, is_wanted, recognise
from auditor.model.facts import ElfFacts, ElfType
from auditor.model.inventory import Component, ComponentKind, RuntimeKind
from auditor.tables import load

ROWS = load().runtimes
GO = b"\xff Go buildinf:\x08\x02" + bytes(16) + b"\x08go1.22.5" + b"\x30w\xafmodule"
PY = b"pymalloc\x003.11.2\x00strict\x00.cpython-311-x86_64-linux-gnu\x00"
NODE = b"\x00node.js/v20.20.2\x00"
DENO = b"d3n0l4nd OTel-OTLP-Exporter-Deno/0.80.0 2.9.6+e518fbdDeno/2.9.6"
BUN = b"\x00BUN_1.2\x00 Bun v1.4.5 (a7733435c) Linux x64"
NAPI = ("napi_create_object", "node_module_register")
SVM = (
    b"\x00com.oracle.svm.core.VM.Java.Version=25.0.2\x00"
    b"com.oracle.svm.core.VM=GraalVM CE 25.0.2+10.1\x00"
)
GHC = b"+RTS RtsFlags.c\x009.0.2\x00    (GHC version %s for %s)\n\x00\x00GHC version\x00"
OCAML = b"\x00OCAMLRUNPARAM\x00caml_main" + b"\x00\xfc\x07" + bytes(6) + b"4.13.1\x00\x01"
RUST = b"RUST_BACKTRACE /usr/src/rustc-1.63.0/library/alloc/src/string.rs"


@pytest.fixture
def told(elf):
    """Recognise an executable with these symbols and bytes, as id, kind and version."""

    def tell(content: bytes = b"", **facts):
        found = recognise(elf(**facts), content, ROWS)
        return (found.row.id, found.kind, found.version) if found is not None else None

    return tell


@pytest.mark.parametrize(
    ("id_", "version", "facts", "content"),
    [
        ("cpython", "3.11.2", {"exports": ("Py_BytesMain",)}, PY),
        ("pypy", "7.3.11", {"exports": ("pypy_main_startup",)}, b"[PyPy 7.3.11 with GCC]"),
        ("nodejs", "20.20.2", {"exports": NAPI}, NODE),
        ("deno", "2.9.6", {"exports": NAPI}, NODE + DENO),
        ("bun", "1.4.5", {"exports": NAPI}, NODE + BUN),
        (
            "electron",
            "33.2.1",
            {"exports": ("_ZN4node5StartEiPPc", "_ZN8electron5fuses18IsRunAsNodeEnabledEv")},
            NODE + b"Electron v33.2.1\x00",
        ),
        ("php", "8.2.36", {"exports": ("php_request_startup",)}, b"X-Powered-By: PHP/8.2.36\x00"),
        ("perl", "5.36.0", {"exports": ("perl_parse",)}, b"\x00v5.36.0\x00"),
        ("beam", "25", {"exports": ("erl_start",)}, b"Erlang/OTP 25%s [erts-13.1.5]"),
        (
            "lua",
            "5.4.4",
            {"imports": ("luaL_newstate",)},
            b"usage: %s [options] [script [args]]\n$LuaVersion: Lua 5.4.4  Copyright",
        ),
        (
            "dotnet",
            "10.0.9",
            {"exports": ("DotNetRuntimeInfo",)},
            b"singlefilehost @(#)Version 10.0.926.27113 @Commit: 901c",
        ),
    ],
)
def test_an_interpreter_is_known_whatever_its_name(told, id_, version, facts, content):
    assert told(content, **facts) == (id_, RuntimeKind.INTERPRETER, version)


@pytest.mark.parametrize(
    ("id_", "version", "content"),
    [
        ("go", "1.22.5", GO),
        ("rust", "1.63.0", RUST),
        ("haskell", "9.0.2", GHC),
        ("ocaml", "4.13.1", OCAML),
        ("graalvm-native-image", "25.0.2+10.1", SVM),
    ],
)
def test_what_is_compiled_in_is_no_interpreter(told, id_, version, content):
    assert told(content) == (id_, RuntimeKind.COMPILED, version)


@pytest.mark.parametrize(
    "content",
    [
        b"the word d3n0l4nd, Deno/2.9.6 and Bun v1.4.5 (x)",
        b"node.js/v20.20.2 X-Powered-By: PHP/8.2.36",
        b"\xff Go buildinf: is the magic of Go",
        b"set RUST_BACKTRACE, see /rustc/library/std",
        b"set OCAMLRUNPARAM=b, or +RTS -s",
        b"com.oracle.svm.core.VM is a class of GraalVM",
        b"usage: %s [options] [script [args]]",
    ],
)
def test_words_about_a_runtime_do_not_make_one(told, content):
    assert told(content, exports=("main",)) is None


def test_node_stays_node_where_its_code_names_the_others(told):
    content = NODE + b"process.versions.bun, Bun v1.4.5 (x), Deno/2.9.6"
    assert told(content, exports=NAPI) == ("nodejs", RuntimeKind.INTERPRETER, "20.20.2")


def test_a_go_program_that_holds_the_marks_of_others_is_a_go_program(told):
    assert told(GO + RUST + OCAML + GHC)[0] == "go"


def test_a_large_program_that_embeds_perl_is_not_perl(told):
    assert told(imports=("perl_parse",), code_size=900_000) is None
    assert told(imports=("perl_parse",), code_size=3_000)[0] == "perl"


def test_a_program_that_embeds_lua_is_not_lua(told):
    assert told(b"$LuaVersion: Lua 5.4.4 ", exports=("luaL_newstate", "lua_newstate")) is None


def test_a_library_that_is_the_runtime_is_told_from_one_that_calls_it(told):
    found = told(PY, soname="libpython3.11.so.1.0", exports=("Py_BytesMain", "Py_Main"))
    assert found == ("cpython", RuntimeKind.LIBRARY, "3.11.2")
    assert told(PY, soname="libx.so", imports=("Py_Main",)) is None


@pytest.mark.parametrize(
    ("content", "version"),
    [
        (b"\x003.40.1\x00" + PY, "3.11.2"),  # sqlite's comes first
        (b"/opt/python/3.8.18\x00.cpython-38-x86_64-linux-gnu\x00", "3.8.18"),
        (b"\x00lib/python2.7\x00/usr/2.7.18\x00", "2.7.18"),
        (b"x\x00cpython-312\x00", "3.12"),
        (b"\x003.40.1\x00", None),
    ],
)
def test_a_version_fits_its_series(told, content, version):
    assert told(content, exports=("Py_BytesMain",))[2] == version


@given(st.binary(max_size=400), st.sampled_from([row.id for row in ROWS]))
def test_any_bytes_give_an_answer(content, id_):
    for row in (row for row in ROWS if row.id == id_):
        names = (*row.entry_functions, *row.library_functions)[:1] or ("x",)
        marks = b"".join(mark.encode("latin-1") for mark in row.marks)
        for kind in (ElfType.EXECUTABLE, ElfType.LIBRARY):
            found = recognise(_facts(kind, names), marks + content, ROWS)
            assert found is None or found.version is None or len(found.version) <= 80


def _facts(kind: ElfType, names: tuple[str, ...]) -> ElfFacts:
    from auditor.model.facts import Symbol  # noqa: PLC0415

    exports = tuple(Symbol(name) for name in names)
    empty: tuple[str, ...] = ()
    return ElfFacts(
        type=kind,
        machine="amd64",
        bits=64,
        interpreter=None,
        needed=empty,
        soname=None,
        rpath=empty,
        runpath=empty,
        imports=(),
        exports=exports,
        static=False,
        stripped=True,
        build_id=None,
        code_size=10,
    )


@pytest.fixture
def gathered(root_of, elf, component):
    """Lay a tree down, and gather its runtimes: path → (facts, bytes), or other text."""

    def gather_all(files, others=()):
        root = root_of({path: content for path, (_, content) in files.items()} | dict(others))
        parts: list[Component] = []
        found: list[Found] = []
        for path, (facts, content) in files.items():
            part = replace(component(path, elf(**facts)), size=len(content))
            parts.append(part)
            recognised = recognise(part.facts, content, ROWS)
            if recognised is not None:
                found.append(Found(part, recognised))
        return gather(root, tuple(found), parts, ROWS)

    return gather_all


JAVA = {"imports": ("JLI_Launch",)}
RELEASE = 'IMPLEMENTOR="Eclipse Adoptium"\nJAVA_VERSION="21.0.4"\nMODULES="java.base jdk.jfr"\n'


def test_a_jvm_says_vendor_version_and_modules_once(gathered):
    files = {
        "/opt/j/bin/java": (JAVA, b"\x7fELF launcher"),
        "/opt/j/bin/keytool": (JAVA, b"\x7fELF a larger launcher"),
        "/opt/j/lib/server/libjvm.so": (
            {"exports": ("JNI_CreateJavaVM",), "soname": "libjvm.so"},
            b"\x7fELF JRE (21.0.4+7-LTS), built on",
        ),
    }
    (jvm,) = gathered(files, {"/opt/j/release": RELEASE})
    assert (jvm.path, jvm.version, jvm.vendor) == ("/opt/j/bin/java", "21.0.4", "Eclipse Adoptium")
    assert jvm.modules == ("java.base", "jdk.jfr")
    assert jvm.title == "Java virtual machine"


def test_a_jvm_without_a_release_file_has_the_version_of_its_library(gathered):
    files = {
        "/opt/j/bin/java": (JAVA, b"\x7fELF"),
        "/opt/j/lib/server/libjvm.so": (
            {"exports": ("JNI_CreateJavaVM",), "soname": "libjvm.so"},
            b"\x7fELF JRE (21.0.4+7-LTS), built on",
        ),
    }
    (jvm,) = gathered(files, {"/opt/j/release": "Debian 12\n"})
    assert (jvm.version, jvm.vendor, jvm.modules) == ("21.0.4+7-LTS", None, ())


def test_a_launcher_has_the_version_of_the_library_that_it_needs(gathered):
    library = {"exports": ("Py_BytesMain",)}
    files = {
        "/usr/bin/a": (
            {"imports": ("Py_BytesMain",), "needed": ("libpython3.12.so.1.0",)},
            b"\x7fELF",
        ),
        "/usr/lib/libpython3.11.so.1.0": (
            library | {"soname": "libpython3.11.so.1.0"},
            b"\x7fELF" + PY,
        ),
        "/opt/lib/libpython3.12.so.1.0": (
            library | {"soname": "libpython3.12.so.1.0"},
            b"\x7fELF\x003.12.7\x00cpython-312\x00",
        ),
    }
    found = {(r.path, r.kind.value, r.version) for r in gathered(files)}
    assert found == {
        ("/usr/bin/a", "interpreter", "3.12.7"),
        ("/usr/lib/libpython3.11.so.1.0", "library", "3.11.2"),
    }


def test_the_dotnet_host_takes_the_newest_framework_beside_it(gathered):
    host = (
        {"imports": ("dlopen",)},
        b"\x7fELF\x00libhostfxr.so\x00\x00hostfxr_main\x00",
    )
    clr = ({"exports": ("coreclr_initialize",), "soname": "libcoreclr.so"}, b"\x7fELF")
    shared = "/usr/share/dotnet/shared/Microsoft.NETCore.App"
    files = {
        "/usr/share/dotnet/dotnet": host,
        f"{shared}/9.0.10/libcoreclr.so": clr,
        f"{shared}/10.0.1/libcoreclr.so": clr,
    }
    found = {(r.kind.value, r.version) for r in gathered(files)}
    assert found == {("interpreter", "10.0.1"), ("library", "9.0.10")}


def test_php_lists_the_extensions_that_were_built_for_it(gathered):
    own = b"\x7fELF\x00API20220829,NTS\x00X-Powered-By: PHP/8.2.36\x00"
    module = {"exports": ("get_module",), "soname": "x.so"}
    files = {
        "/srv/fpm": ({"exports": ("php_request_startup",)}, own),
        "/srv/ext/pdo_mysql.so": (module, b"\x7fELF\x00API20220829,NTS\x00"),
        "/srv/ext/opcache.so": (
            {"exports": ("zend_extension_entry",), "soname": "y.so"},
            b"\x7fELF\x00API420220829,NTS\x00",
        ),
        "/srv/old/mysql.so": (module, b"\x7fELF\x00API20180731,NTS\x00"),
        "/srv/ext/libmysql.so": ({"exports": ("mysql_init",), "soname": "z"}, own),
    }
    (php,) = gathered(files)
    assert php.modules == ("opcache", "pdo_mysql")


def test_erlang_and_elixir_say_their_whole_version(gathered):
    files = {
        "/o/erts-13/bin/beam": ({"exports": ("erl_start",)}, b"\x7fELF Erlang/OTP 25%s [erts-")
    }
    others = {
        "/o/releases/25/OTP_VERSION": "25.2.3\n",
        "/o/elixir/ebin/elixir.app": '{application,elixir,[{vsn,"1.14.0"}]}.',
        "/p/elixir/ebin/elixir.app": '{application,other,[{vsn,"9.9"}]}.',
    }
    found = {(r.id, r.version, r.path) for r in gathered(files, others)}
    assert found == {
        ("beam", "25.2.3", "/o/erts-13/bin/beam"),
        ("elixir", "1.14.0", "/o/elixir/ebin/elixir.app"),
    }


def test_a_copy_under_the_versions_name_is_shown_once(gathered):
    perl = ({"exports": ("perl_parse",)}, b"\x7fELF\x00v5.36.0\x00")
    (found,) = gathered({"/usr/bin/perl5.36.0": perl, "/usr/bin/perl": perl})
    assert found.path == "/usr/bin/perl"


def test_a_hostile_release_file_is_bounded(gathered):
    release = 'JAVA_VERSION="' + "9" * 10_000 + '"\nMODULES="' + "m " * 100_000 + '"\n'
    (jvm,) = gathered({"/j/bin/java": (JAVA, b"\x7fELF")}, {"/j/release": release})
    assert len(jvm.version) == 200


def test_a_thousand_copies_of_a_runtime_take_little_time(elf, component, root_of):
    library = component("/l/x", elf(exports=("Py_BytesMain",), soname="l.so"))
    launcher = component("/l/x", elf(imports=("Py_BytesMain",)))
    made = [
        replace(part, id=f"{part.kind}:/d{n}/x", path=f"/d{n}/x")
        for part in (library, launcher)
        for n in range(3000)
    ]
    each = ((part, recognise(part.facts, PY, ROWS)) for part in made)
    found = tuple(Found(part, runtime) for part, runtime in each if runtime is not None)
    start = time.process_time()
    assert gather(root_of({"/e": ""}), found, made, ROWS)
    assert time.process_time() - start < 10


def test_files_beside_a_runtime_are_kept():
    assert is_wanted("/usr/lib/jvm/java-17/release")
    assert is_wanted("/usr/lib/erlang/releases/25/OTP_VERSION")
    assert not is_wanted("/etc/os-release")


def test_components_know_what_can_take_their_place(root_of):
    from auditor.inventory import collect  # noqa: PLC0415

    inventory = collect(root_of({"/x": "#!/usr/bin/pypy3\n", "/y": "#!/usr/bin/luajit\n"}), ROWS)
    assert [(c.path, c.runtime) for c in inventory.components] == [("/x", "cpython"), ("/y", "lua")]
    assert all(c.kind is ComponentKind.SCRIPT for c in inventory.components)
