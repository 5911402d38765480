"""Class files: what their methods use, where, and what a damaged one does."""

from __future__ import annotations

import contextlib
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.formats import FormatError
from auditor.formats.classfile import MAX_SIZE, ClassFacts, parse_class
from auditor.model.source import Use, UseKind

SAMPLES = Path(__file__).parents[3] / "fixtures/small/java/samples.jar"


def sample(name: str) -> bytes:
    with zipfile.ZipFile(SAMPLES) as archive:
        return archive.read(f"{name.replace('.', '/')}.class")


@pytest.fixture(scope="module")
def uses() -> ClassFacts:
    return parse_class(sample("sample.Uses"))


def of(facts: ClassFacts, method: str) -> set[Use]:
    wanted = f"Uses.{method}" if method else ""
    return {use for unit in facts.source.units if unit.name == wanted for use in unit.uses}


def named(found: set[Use], kind: UseKind = UseKind.NAME) -> set[str]:
    return {use.name for use in found if use.kind is kind}


def test_a_class_says_what_it_is(uses: ClassFacts) -> None:
    assert (uses.name, uses.superclass) == ("sample.Uses", "java.lang.Object")
    assert uses.interfaces == ("java.lang.Runnable",)
    assert not uses.interface
    assert parse_class(sample("lib.Service")).interface
    unit = next(unit for unit in uses.source.units if unit.is_class)
    assert unit.name == "Uses"
    assert [use.name for use in unit.uses] == ["java.lang.Object", "java.lang.Runnable"]
    assert uses.source.units[0].name == ""


def test_methods_tell_their_kind(uses: ClassFacts) -> None:
    methods = uses.methods
    assert methods["start"].static
    assert not methods["run"].static
    assert methods["own"].private
    assert methods["bare"].native
    assert parse_class(sample("lib.Base")).methods["get"].abstract


def test_a_call_has_its_line(uses: ClassFacts) -> None:
    assert Use(UseKind.NAME, "java.lang.ProcessBuilder.start", 18, called=True) in of(uses, "start")


def test_the_static_initialiser_is_the_top_level(uses: ClassFacts) -> None:
    assert of(uses, "") == {Use(UseKind.LOCAL, "Uses.start", 14, called=True)}


def test_a_class_made_by_a_constant_name_is_followed(uses: ClassFacts) -> None:
    found = of(uses, "constant")
    assert {"lib.Plugin", "lib.Plugin.<init>"} <= named(found)
    assert not named(found, UseKind.DYNAMIC)


def test_a_class_made_by_a_computed_name_is_not(uses: ClassFacts) -> None:
    assert named(of(uses, "computed"), UseKind.DYNAMIC) == {
        "java.lang.Class.forName in sample.Uses"
    }


@pytest.mark.parametrize(
    ("method", "name", "guarded"),
    [
        ("guarded", "lib.Absent", True),
        ("rethrown", "lib.Needed", False),
    ],
)
def test_only_a_handler_that_goes_on_is_a_guard(
    uses: ClassFacts, method: str, name: str, *, guarded: bool
) -> None:
    found = [use for use in of(uses, method) if use.kind is UseKind.NAME and use.name == name]
    assert [use.guarded for use in found] == [guarded]


def test_lambdas_and_method_references_lead_to_what_they_stand_for(uses: ClassFacts) -> None:
    (use,) = of(uses, "lambda")
    assert use.kind is UseKind.LOCAL
    assert not use.called
    inside = {unit.name: unit for unit in uses.source.units}[use.name]
    assert [one.name for one in inside.uses] == ["lib.Tool.help"]
    assert of(uses, "reference") == {Use(UseKind.NAME, "lib.Tool.describe", 53)}


def test_a_virtual_call_may_come_to_any_heir(uses: ClassFacts) -> None:
    found = of(uses, "virtual")
    assert Use(UseKind.NAME, "lib.Base.get", 57, called=True) in found
    assert Use(UseKind.MEMBER, "lib/Base#get", 57, called=True) in found


def test_a_method_sought_by_a_constant_name_is_followed(uses: ClassFacts) -> None:
    found = of(uses, "reflected")
    assert "lib.Tool.hidden" in named(found)
    assert not named(found, UseKind.DYNAMIC)


def test_a_method_from_elsewhere_is_not(uses: ClassFacts) -> None:
    found = of(uses, "anything")
    assert named(found, UseKind.DYNAMIC) == {"java.lang.reflect.Method.invoke in sample.Uses"}


def test_services_and_native_code_are_named(uses: ClassFacts) -> None:
    assert "META-INF/services/lib.Service" in named(of(uses, "services"))
    assert named(of(uses, "bare")) == {"native.sample.Uses.bare"}
    assert "native/bare" in named(of(uses, "library"))


def test_switches_are_stepped_over(uses: ClassFacts) -> None:
    found = of(uses, "choose")
    assert "lib.Tool.count" in named(found)
    assert named(found, UseKind.TEXT) == {"lib.Tool"}


def test_a_name_in_a_string_is_no_use(uses: ClassFacts) -> None:
    assert not of(uses, "words")


def test_annotations_are_read_through_nested_values() -> None:
    facts = parse_class(sample("sample.Uses$Inner"))
    assert facts.annotations == ("sample.Uses$Mark",)
    assert {unit.name for unit in facts.source.units} >= {"Uses$Inner", "Uses$Inner.go"}


def test_class_literals_of_old_compilers_are_no_reflection() -> None:
    facts = parse_class(sample("sample.Old"))
    found = {use for unit in facts.source.units for use in unit.uses}
    assert "lib.Tool" in named(found)
    assert not named(found, UseKind.DYNAMIC)


def test_a_module_descriptor_names_module_and_main_class() -> None:
    facts = parse_class(sample("module-info"))
    assert (facts.module, facts.module_main) == ("sample.module", "sample.Uses")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "no Java class file"),
        (b"\xca\xfe\xba\xbe\0\0\0\2" + bytes(40), "no Java class file"),
        (b"\xca\xfe\xba\xbe\0\0\0\x3d\0\2\x63", "unknown kind of constant"),
        (b"\xca\xfe\xba\xbe" + bytes(MAX_SIZE), "larger than"),
    ],
    ids=["empty", "mach-o", "constant", "large"],
)
def test_what_is_no_class_file_is_refused(data: bytes, told: str) -> None:
    with pytest.raises(FormatError, match=told):
        parse_class(data)


edits = st.lists(st.tuples(st.integers(0, 1 << 16), st.binary(max_size=4)), max_size=8)


@given(st.sampled_from(["sample.Uses", "sample.Uses$Inner", "module-info"]), edits, st.data())
@settings(max_examples=200, deadline=2000)
def test_damaged_class_files_do_no_harm(
    name: str, changes: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    content = bytearray(sample(name))
    for position, replacement in changes:
        at = position % len(content)
        content[at : at + len(replacement)] = replacement
    cut = data.draw(st.none() | st.integers(0, len(content)))
    with contextlib.suppress(FormatError):
        facts = parse_class(bytes(content if cut is None else content[:cut]))
        assert facts.source.language == "java"


@given(st.binary(max_size=300))
def test_random_bytes_do_no_harm(data: bytes) -> None:
    for prefix in (b"", b"\xca\xfe\xba\xbe\0\0\0\x3d"):
        with contextlib.suppress(FormatError):
            parse_class(prefix + data)


def test_code_made_to_explode_ends_in_bounded_time() -> None:
    """Every instruction of many methods names a bootstrap method with 255 handles."""
    start = time.monotonic()
    with pytest.raises(FormatError, match="uses more than"):
        parse_class(exploding())
    assert time.monotonic() - start < 20


def exploding() -> bytes:
    def u2(*values: int) -> bytes:
        return b"".join(value.to_bytes(2, "big") for value in values)

    def utf8(text: str) -> bytes:
        return b"\1" + u2(len(text)) + text.encode()

    handle = b"\x0f\x06" + u2(9)
    pool = [
        utf8("A"),
        b"\7" + u2(1),
        utf8("f"),
        utf8("()V"),
        utf8("Code"),
        utf8("BootstrapMethods"),
        b"\x0c" + u2(3, 4),
        b"\x12" + u2(0, 7),
        b"\x0a" + u2(2, 7),
        handle,
    ]
    instructions = (b"\xba" + u2(8, 0)) * 13_000
    code = u2(9, 9) + len(instructions).to_bytes(4, "big") + instructions + u2(0, 0)
    method = u2(8, 3, 4, 1, 5) + len(code).to_bytes(4, "big") + code
    arguments = u2(1, 10, 255) + u2(10) * 255
    return b"".join(
        [
            b"\xca\xfe\xba\xbe\0\0\0\x3d",
            u2(len(pool) + 1),
            *pool,
            u2(0x21, 2, 0, 0, 0, 20),
            method * 20,
            u2(1, 6),
            len(arguments).to_bytes(4, "big"),
            arguments,
        ]
    )
