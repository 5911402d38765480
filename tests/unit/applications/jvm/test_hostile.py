"""Whatever a command line and the archives hold, following ends and raises nothing."""

from __future__ import annotations

import time

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

laws = settings(
    max_examples=40, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
words = st.lists(
    st.none()
    | st.sampled_from(
        ["-jar", "-cp", "-m", "-p", "/a.jar", "@/a.jar", "@", "@@x", "lib.Made", "sample.Uses", ""]
    )
    | st.text(max_size=8).map(lambda text: text.replace("\0", "")),
    max_size=8,
)


@given(words)
@laws
def test_any_command_line_is_answered(run, sample, jar, given_words) -> None:
    run({"/a.jar": jar(sample("sample/Starter", "lib/"))}, *given_words)


@given(st.lists(st.tuples(st.integers(0, 1 << 16), st.binary(min_size=1, max_size=3)), max_size=6))
@laws
def test_damaged_archives_are_answered(run, sample, jar, changes) -> None:
    data = bytearray(jar(sample("sample/Starter", "lib/"), Main_Class="sample.Starter"))
    for position, replacement in changes:
        at = position % len(data)
        data[at : at + len(replacement)] = replacement
    found = run({"/a.jar": bytes(data)}, "-jar", "/a.jar")
    assert found.start.problem or found.start.modules


def test_a_class_path_that_leads_in_a_circle_ends(run, sample, jar) -> None:
    first = jar(sample("sample/Starter"), Main_Class="sample.Starter", Class_Path="b.jar a.jar")
    second = jar(sample("lib/"), Class_Path="a.jar b.jar ../../a.jar")
    found = run({"/a.jar": first, "/b.jar": second}, "-jar", "/a.jar")
    assert "lib.Made" in found.members


def test_an_argument_file_that_names_itself_ends(run) -> None:
    found = run({"/loop": "@/loop @/loop"}, "@/loop")
    assert found.start.problem is not None


def test_classes_that_extend_each_other_end(run, sample, jar) -> None:
    """Base extends Made, and Made extends Base."""
    made = sample("lib/Made")["lib/Made.class"]
    base = made.replace(b"lib/Made", b"lib/Tmp0").replace(b"lib/Base", b"lib/Made")
    base = base.replace(b"lib/Tmp0", b"lib/Base")
    content = {**sample("sample/Starter"), "lib/Made.class": made, "lib/Base.class": base}
    start = time.monotonic()
    found = run({"/a.jar": jar(content, Main_Class="sample.Starter")}, "-jar", "/a.jar")
    assert {"lib.Made", "lib.Base"} & found.members
    assert time.monotonic() - start < 20
