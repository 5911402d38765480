"""What an application on the Java virtual machine comes to, from its main class on."""

from __future__ import annotations

from auditor.applications.follow import Certainty
from auditor.model.source import UseKind

STARTER = ("-cp", "/app/starter.jar:/app/lib.jar", "sample.Starter")


def asked(run, name):
    return {
        (one.module.rpartition("/")[2], one.unit): one
        for one in run.found.asked.values()
        if one.name == name
    }


def tree(sample, jar):
    return {"/app/starter.jar": jar(sample("sample/Starter")), "/app/lib.jar": jar(sample("lib/"))}


def test_a_virtual_call_comes_to_classes_that_are_made(run, sample, jar) -> None:
    found = run(tree(sample, jar), *STARTER)
    (made,) = asked(found, "java.lang.Runtime.exec").values()
    assert made.unit == "Made.get"
    assert made.line == 10
    assert made.certainty is Certainty.LIKELY


def test_a_class_that_nobody_makes_is_not_called(run, sample, jar) -> None:
    found = run(tree(sample, jar), *STARTER)
    assert "lib.Other" not in found.members
    assert "net.tcp.connect" not in found.capabilities


def test_a_method_of_the_same_name_elsewhere_is_not_called(run, sample, jar) -> None:
    found = run(tree(sample, jar), *STARTER)
    assert "lib.Stranger" in found.members
    assert "net.udp" not in found.capabilities


def test_an_inherited_method_is_known_by_the_platform_class_that_has_it(run, sample, jar) -> None:
    found = run(tree(sample, jar), *STARTER)
    (start,) = asked(found, "java.lang.Thread.start").values()
    assert (start.unit, start.api.capability) == ("Starter.main", "thread.create")
    assert start.certainty is Certainty.SURE


def test_methods_that_the_platform_calls_back_may_run(run, sample, jar) -> None:
    found = run(tree(sample, jar), *STARTER)
    (task,) = asked(found, "java.nio.file.Files.delete").values()
    assert task.unit == "Task.run"
    assert task.certainty is Certainty.POSSIBLE
    assert "process.exit" not in found.capabilities, "Task.stop is called by nobody"


def test_all_of_an_own_class_counts(run, sample, jar) -> None:
    uses = jar(sample("sample/Uses"), Main_Class="sample.Uses")
    found = run({"/app.jar": uses, "/lib.jar": jar(sample("lib/"))}, "-jar", "app.jar")
    assert "process.spawn" in found.capabilities
    assert "process.exit" in found.capabilities
    assert found.own == {"sample.Uses", "sample.Uses$Inner"}


def test_reflection_by_a_constant_is_followed(run, sample, jar) -> None:
    app = {**sample("sample/Uses"), **sample("lib/")}
    found = run({"/app.jar": jar(app)}, "-cp", "app.jar", "sample.Uses")
    assert "lib.Plugin" in found.members
    (seen,) = asked(found, "java.net.InetAddress.getByName").values()
    assert seen.unit == "Plugin.<init>"


def test_computed_names_are_unknown(run, sample, jar) -> None:
    found = run({"/app.jar": jar(sample("sample/Uses"))}, "-cp", "app.jar", "sample.Uses")
    assert "java.lang.Class.forName" in found.reasons
    assert "java.lang.reflect.Method.invoke" in found.reasons
    assert len(found.found.unknowns) == 2


def test_services_bring_their_providers(run, sample, jar) -> None:
    library = jar({**sample("lib/"), "META-INF/services/lib.Service": b"lib.Provider\n"})
    app = jar(sample("sample/Uses"))
    found = run({"/a.jar": app, "/l.jar": library}, "-cp", "a.jar:l.jar", "sample.Uses")
    assert "lib.Provider" in found.members
    (seen,) = asked(found, "java.util.UUID.randomUUID").values()
    assert seen.module == "/l.jar!/lib/Provider.class"


def test_a_provider_that_no_list_names_is_not_made(run, sample, jar) -> None:
    app = jar({**sample("sample/Uses"), **sample("lib/")})
    found = run({"/a.jar": app}, "-cp", "a.jar", "sample.Uses")
    assert "lib.Provider" not in found.members


def test_native_methods_ask_for_native_code(run, sample, jar) -> None:
    found = run({"/a.jar": jar(sample("sample/Uses"))}, "-cp", "a.jar", "sample.Uses")
    assert asked(found, "native.sample.Uses.bare")
    assert "dynlink.dlopen" in found.capabilities


def test_a_native_library_in_the_archive_is_named_as_unknown(run, sample, jar) -> None:
    elf = b"\x7fELF\2\1\1" + bytes(9) + b"\3\0\x3e\0" + bytes(100)
    app = jar({**sample("sample/Uses"), "linux/libbare.so": elf, "libtext.so": b"no library"})
    found = run({"/a.jar": app}, "-cp", "a.jar", "sample.Uses")
    (unknown,) = [one for one in found.found.unknowns if "native" in one.reason]
    assert unknown.path == "/a.jar"
    assert "linux/libbare.so" in unknown.reason
    assert "libtext.so" not in unknown.reason
    assert unknown.weight == len(elf)


def test_a_native_library_of_the_image_is_linked_to(run, sample, jar) -> None:
    found = run(
        {"/a.jar": jar(sample("sample/Uses")), "/opt/native/libbare.so": b"\x7fELF"},
        "-Djava.library.path=/opt/native",
        "-cp",
        "a.jar",
        "sample.Uses",
    )
    assert {link.target for link in found.found.imports if link.native} == {
        "/opt/native/libbare.so"
    }


def test_a_class_file_under_another_name_is_unknown(run, sample, jar) -> None:
    uses = sample("sample/Uses.class")["sample/Uses.class"]
    found = run({"/a.jar": jar({"sample/Main.class": uses})}, "-cp", "a.jar", "sample.Main")
    assert "holds the class sample.Uses" in found.reasons
    assert not found.capabilities


def test_a_damaged_class_file_is_unknown(run, sample, jar) -> None:
    cut = sample("lib/Base.class")["lib/Base.class"][:200]
    app = {**sample("sample/Starter"), "lib/Base.class": cut}
    found = run({"/a.jar": jar(app)}, "-cp", "a.jar", "sample.Starter")
    assert "lib.Base: The class file is cut off" in found.reasons
    assert [one.weight for one in found.found.unknowns] == [200]


def test_a_class_says_in_which_file_and_layer_it_is(run, sample, jar) -> None:
    found = run({"/a.jar": jar(sample("sample/Starter"))}, "-cp", "a.jar", "sample.Starter")
    (module,) = found.found.modules.values()
    assert module.key == "/a.jar!/sample/Starter.class"
    assert (module.file, module.member) == ("/a.jar", "sample.Starter")
    assert all(use.kind is not UseKind.IMPORT for unit in module.facts.units for use in unit.uses)


SPRING = "org/springframework/boot/SpringApplication"
WEB = "org/springframework/web/context/ConfigurableWebApplicationContext.class"


def test_spring_boot_serves_where_web_classes_are_there(run, sample, jar) -> None:
    app = jar({**sample("sample/Boot"), **sample(SPRING), WEB: b""})
    found = run({"/a.jar": app}, "-cp", "a.jar", "sample.Boot")
    assert found.capabilities == {"net.http.serve"}
    assert "org.springframework.boot.SpringApplication" not in found.members


def test_spring_boot_without_web_classes_is_followed(run, sample, jar) -> None:
    app = jar({**sample("sample/Boot"), **sample(SPRING)})
    found = run({"/a.jar": app}, "-cp", "a.jar", "sample.Boot")
    assert found.capabilities == {"net.tcp.listen"}
