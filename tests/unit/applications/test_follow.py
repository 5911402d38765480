"""The engine by itself, over a made-up language whose modules are written down as facts."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.applications import Certainty, Module, Resolution, Start
from auditor.applications.follow import Followed, follow
from auditor.model.inventory import Unknown
from auditor.model.source import SourceFacts, Unit, Use, UseKind
from auditor.model.terms import Need
from auditor.tables.apis import Api, Apis, ApiUse

STANDARD = ("os", "net")


def api(name, use=ApiUse.CALL):
    return Api(name, use, "process.fork", Need.ESSENTIAL, "", "judgement", "apis/made.csv")


APIS = Apis(
    {
        row.name: (row,)
        for row in (
            api("os.fork"),
            api("os.exec.*"),
            api("net", ApiUse.IMPORT),
            api("server.run", ApiUse.SERVE),
        )
    }
)


def use(kind, name, line=1, *, called=False, guarded=False):
    return Use(kind, name, line, called=called, guarded=guarded)


def call(name, line=1):
    return use(UseKind.NAME, name, line, called=True)


def load(name, line=1, *, guarded=False):
    return use(UseKind.IMPORT, name, line, guarded=guarded)


def unit(name, *uses, is_class=False):
    return Unit(name, 1, 10, uses, is_class=is_class)


@dataclass
class Made:
    """Modules by their names; a name below one of them is something inside."""

    modules: dict[str, tuple[Unit, ...]]
    own: set[str] = field(default_factory=lambda: {"app"})
    bindings: dict[str, dict[str, str]] = field(default_factory=dict)
    stars: dict[str, tuple[str, ...]] = field(default_factory=dict)
    id: str = "made"

    def start(self, words):
        return Start()

    def read(self, key):
        if key == "broken":
            return Unknown("/broken", "made", "it is no text")
        units = self.modules[key]
        if units[0].name:
            units = (unit(""), *units)
        facts = SourceFacts("made", 100, units, self.bindings.get(key, {}), self.stars.get(key, ()))
        return Module(key, f"/{key}", facts, key in self.own, 100)

    def resolve(self, name, importer):
        head = name.partition(".")[0]
        if head in STANDARD:
            return Resolution(name, standard=True)
        if head == "native":
            return Resolution(name, native="/native.so")
        if head in self.modules or head == "broken":
            return Resolution(name, (head,), name.partition(".")[2])
        return None


def run(modules, *, names=(), **options) -> Followed:
    return follow(Made(modules, **options), Start(("app",), names), APIS)


def certainty(found: Followed, name="os.fork"):
    return [asked.certainty for asked in found.asked.values() if asked.name == name]


def test_what_the_application_itself_calls_is_sure():
    found = run({"app": (unit("", load("os")), unit("work", call("os.fork", 7)))})
    (asked,) = found.asked.values()
    assert (asked.module, asked.unit, asked.name, asked.line) == ("app", "work", "os.fork", 7)
    assert asked.certainty is Certainty.SURE


def test_a_function_of_a_package_counts_only_where_something_leads_to_it():
    package = (unit("used", call("os.exec.v")), unit("unused", call("os.fork")))
    found = run({"app": (unit("", call("pkg.used")),), "pkg": package})
    assert certainty(found, "os.exec.v") == [Certainty.SURE]
    assert certainty(found) == []
    assert ("pkg", "unused") not in found.units


def test_what_is_passed_on_is_likely_and_in_a_package_only_possible():
    by_app = run(
        {"app": (unit("", use(UseKind.NAME, "pkg.f")),), "pkg": (unit("f", call("os.fork")),)}
    )
    assert certainty(by_app) == [Certainty.LIKELY]
    by_package = run(
        {
            "app": (unit("", load("pkg")),),
            "pkg": (unit("", use(UseKind.LOCAL, "f")), unit("f", call("os.fork"))),
        }
    )
    assert certainty(by_package) == [Certainty.POSSIBLE]


def test_a_member_of_something_unknown_reaches_methods_of_live_classes_only():
    package = (
        unit("Live", is_class=True),
        unit("Live.go", call("os.fork", 3)),
        unit("Dead", is_class=True),
        unit("Dead.go", call("os.fork", 9)),
    )
    app = (unit("", call("pkg.Live"), use(UseKind.MEMBER, "go", called=True)),)
    found = run({"app": app, "pkg": package})
    assert [(asked.line, asked.certainty) for asked in found.asked.values()] == [
        (3, Certainty.LIKELY)
    ]


def test_a_class_that_comes_alive_after_its_member_was_called_is_reached_too():
    package = (unit("Live", is_class=True), unit("Live.go", call("os.fork")))
    app = (unit("", use(UseKind.MEMBER, "go", called=True), call("pkg.Live")),)
    assert certainty(run({"app": app, "pkg": package})) == [Certainty.LIKELY]


def test_a_guarded_import_makes_what_is_behind_it_possible():
    found = run(
        {"app": (unit("", load("pkg", guarded=True)),), "pkg": (unit("", call("os.fork")),)}
    )
    assert certainty(found) == [Certainty.POSSIBLE]


def test_a_name_is_followed_to_where_it_is_handed_on_from():
    modules = {
        "app": (unit("", call("face.f")),),
        "face": (unit("", load("deep")),),
        "deep": (unit("f", call("os.fork")), unit("g", call("os.exec.v"))),
    }
    found = run(modules, bindings={"face": {"f": "deep.f"}})
    assert certainty(found) == [Certainty.SURE]
    assert certainty(found, "os.exec.v") == []
    assert {(item.source, item.target) for item in found.imports} >= {("app", "face")}
    assert certainty(run(modules, stars={"face": ("deep",)})) == [Certainty.SURE]


def test_a_circle_of_hands_ends():
    modules = {"app": (unit("", call("a.f")),), "a": (unit(""),), "b": (unit(""),)}
    found = run(modules, bindings={"a": {"f": "b.f"}, "b": {"f": "a.f"}})
    assert set(found.modules) == {"app", "a", "b"}


def test_what_the_host_takes_the_place_of_is_not_followed():
    modules = {"app": (unit("", call("server.run")),), "server": (unit("run", call("os.fork")),)}
    found = run(modules)
    assert [asked.api.use for asked in found.asked.values()] == [ApiUse.SERVE]
    assert "server" not in found.modules


def test_loading_a_module_asks_apart_from_using_it():
    found = run({"app": (unit("", load("net", 2)),)})
    assert [(asked.name, asked.line) for asked in found.asked.values()] == [("net", 2)]
    assert run({"app": (unit("", call("net")),)}).asked == {}


def test_a_compiled_module_is_an_import_of_its_library():
    found = run({"app": (unit("", load("native", 4)),)})
    (item,) = [item for item in found.imports if item.native]
    assert (item.source, item.target, item.line) == ("app", "/native.so", 4)


@pytest.mark.parametrize(("guarded", "expected"), [(False, 1), (True, 0)])
def test_an_import_that_leads_nowhere_is_unknown_unless_it_is_guarded(guarded, expected):
    found = run({"app": (unit("", load("away", guarded=guarded)),)})
    assert len(found.unknowns) == expected


def test_a_module_that_cannot_be_read_is_asked_for_once_and_told():
    found = run({"app": (unit("", load("broken"), load("broken", 2)),)})
    assert found.unknowns == {Unknown("/broken", "made", "it is no text")}


def test_what_run_time_decides_is_unknown_with_the_size_of_its_unit():
    found = run({"app": (unit("", use(UseKind.DYNAMIC, "import_module(name)", 5)),)})
    (unknown,) = found.unknowns
    assert unknown.weight == 10
    assert unknown.reason == "line 5: run time decides what this is: import_module(name)"


def test_a_string_names_a_module_only_in_the_application_itself():
    text = use(UseKind.TEXT, "plug")
    plug = (unit("", call("os.fork")),)
    assert certainty(run({"app": (unit("", text),), "plug": plug})) == [Certainty.LIKELY]
    modules = {"app": (unit("", load("pkg")),), "pkg": (unit("", text),), "plug": plug}
    assert certainty(run(modules)) == []


def test_a_name_that_a_launcher_calls_is_followed():
    modules: dict[str, tuple[Unit, ...]] = {"app": (unit("make", call("os.fork")),)}
    found = follow(Made(modules, own=set()), Start(("app",), ("app.make",)), APIS)
    assert certainty(found) == [Certainty.SURE]


NAMES = [f"m{number}" for number in range(5)]
USES = st.builds(
    Use,
    st.sampled_from(UseKind),
    st.sampled_from(
        [
            *NAMES,
            *(f"{name}.f" for name in NAMES),
            *(f"{name}.C.g" for name in NAMES),
            "os.fork",
            "f",
            "g",
        ]
    ),
    st.just(1),
    st.booleans(),
    st.booleans(),
)
UNITS = st.tuples(
    st.builds(Unit, st.just(""), st.just(1), st.just(1), st.lists(USES, max_size=3).map(tuple)),
    st.builds(Unit, st.just("f"), st.just(1), st.just(1), st.lists(USES, max_size=3).map(tuple)),
    st.builds(
        Unit,
        st.just("C"),
        st.just(1),
        st.just(1),
        st.lists(USES, max_size=2).map(tuple),
        st.just(True),  # noqa: FBT003 - a strategy
    ),
    st.builds(Unit, st.just("C.g"), st.just(1), st.just(1), st.lists(USES, max_size=3).map(tuple)),
)


@given(st.fixed_dictionaries(dict.fromkeys(NAMES, UNITS)), st.lists(USES, max_size=4))
def test_more_uses_never_take_anything_away(modules, more):
    """The fixed point is monotone, whatever the modules are."""
    start = Start(("m0",))
    fewer = follow(Made(modules, own={"m0"}), start, APIS)
    first = modules["m0"][0]
    grown = Unit("", 1, 1, (*first.uses, *more))
    after = follow(Made(modules | {"m0": (grown, *modules["m0"][1:])}, own={"m0"}), start, APIS)
    assert set(fewer.modules) <= set(after.modules)
    for key, value in fewer.units.items():
        assert after.units[key] >= value


def test_a_call_that_may_fail_is_possible_in_a_package_and_likely_in_one_s_own_code():
    tried = use(UseKind.NAME, "os.fork", called=True, guarded=True)
    assert certainty(run({"app": (unit("", tried),)})) == [Certainty.LIKELY]
    package = {"app": (unit("", load("pkg")),), "pkg": (unit("", tried),)}
    assert certainty(run(package)) == [Certainty.POSSIBLE]
