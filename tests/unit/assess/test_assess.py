"""Verdicts on made-up components, held against the shipped tables."""

from __future__ import annotations

import pytest

from auditor.model.assessment import EvidenceKind
from auditor.model.facts import Symbol, WasmFacts, WasmForm, WasmImport
from auditor.model.graph import Call
from auditor.model.inventory import Component, ComponentKind, Unknown
from auditor.model.settings import Setting, Unit
from auditor.model.terms import Need, Role, Severity, Support, Verdict

PLAIN = ("open", "read", "write", "close", "printf", "malloc", "strlen", "exit")
SERVER = (*PLAIN, "fork", "listen", "accept", "epoll_create1", "epoll_wait", "sigaction")


def target(assessment, name):
    return next(item for item in assessment.targets if item.target == name)


def finding(assessment, capability, name):
    found = [
        item for item in assessment.findings if (item.capability, item.target) == (capability, name)
    ]
    return found[0] if found else None


def module(*imports):
    facts = WasmFacts(WasmForm.MODULE, 100, tuple(WasmImport(*i) for i in imports), (), ())
    return Component("wasm:/app.wasm", ComponentKind.WASM, "/app.wasm", 100, None, facts)


def test_a_plain_program_is_a_rebuild(judged, component, elf):
    assessment = judged((component("/app", elf(imports=PLAIN)), Role.MAIN))
    wasip1 = target(assessment, "wasip1")
    assert (wasip1.verdict, wasip1.score, wasip1.coverage) == (Verdict.REBUILD, 100, 1.0)
    assert assessment.recommendation.verdict is Verdict.REBUILD


def test_a_server_is_no_rebuild_and_says_why(judged, component, elf):
    assessment = judged((component("/app", elf(imports=SERVER)), Role.MAIN))
    wasip1 = target(assessment, "wasip1")
    assert wasip1.verdict.rank >= Verdict.REARCHITECT.rank
    fork = finding(assessment, "process.fork", "wasip1")
    assert (fork.support, fork.severity) == (Support.NONE, Severity.ERROR)
    assert [evidence.detail for evidence in fork.evidence] == ["fork"]
    assert fork.id in wasip1.blockers
    assert fork.table.source


def test_what_only_prepares_never_blocks(judged, component, elf):
    app = component("/app", elf(imports=PLAIN))
    tini = component("/tini", elf(imports=SERVER))
    assessment = judged((app, Role.MAIN), (tini, Role.SETUP))
    assert target(assessment, "wasip1").verdict is Verdict.REBUILD
    assert {f.severity for f in assessment.findings if f.component == tini.id} == {Severity.NOTE}


def test_what_is_merely_present_has_a_verdict_and_no_findings(judged, component, elf):
    app = component("/app", elf(imports=PLAIN))
    apt = component("/usr/bin/apt", elf(imports=(Symbol("fork", "GLIBC_2.2.5", "libc.so.6"),)))
    assessment = judged((app, Role.MAIN), (apt, None))
    assert not [f for f in assessment.findings if f.component == apt.id]
    assert assessment.verdicts[apt.id]["wasip1"] is Verdict.REARCHITECT
    assert target(assessment, "wasip1").score == 100


def test_a_swapped_runtimes_own_needs_do_not_count(judged, component, elf):
    python = component("/usr/bin/python3", elf(imports=SERVER), runtime="cpython")
    app = component("/app", elf(imports=PLAIN))
    assessment = judged((app, Role.MAIN), (python, Role.RUNTIME), main=(app.id,))
    assert target(assessment, "wasip1").verdict is Verdict.REBUILD


def test_a_librarys_call_counts_as_typical(judged, component, elf):
    app = component("/app", elf(imports=PLAIN))
    library = component("/lib/libx.so.1", elf(soname="libx.so.1", imports=("fork",)))
    assessment = judged((app, Role.MAIN), (library, Role.MAIN))
    fork = finding(assessment, "process.fork", "wasip1")
    assert (fork.need, fork.severity) == (Need.TYPICAL, Severity.WARNING)
    assert target(assessment, "wasip1").verdict is Verdict.ADAPT


def test_too_little_known_withholds_the_verdict(judged, component, elf):
    app = component("/app", elf(imports=PLAIN, code_size=100))
    dark = component("/lib/libdark.so.1", elf(soname="libdark.so.1", code_size=900))
    unknown = Unknown("/lib/libdark.so.1", "elf", "damaged", dark.id, 900)
    assessment = judged((app, Role.MAIN), (dark, Role.MAIN), unknowns=(unknown,))
    wasip1 = target(assessment, "wasip1")
    assert wasip1.coverage == 0.1
    assert wasip1.verdict is Verdict.INSUFFICIENT_EVIDENCE
    assert (wasip1.score_low, wasip1.score_high) == (0, 100)


def test_an_unknown_out_of_the_works_way_costs_nothing(judged, component, elf):
    app = component("/app", elf(imports=PLAIN))
    gosu = component("/gosu", elf(static=True, code_size=9000))
    unknown = Unknown("/gosu", "elf", "static", gosu.id, 9000)
    assessment = judged((app, Role.MAIN), (gosu, Role.SETUP), unknowns=(unknown,))
    assert target(assessment, "wasip1").coverage == 1.0


def test_a_preview1_module_is_there_and_needs_an_adapter_on_wasip2(judged):
    assessment = judged((module(("wasi_snapshot_preview1", "fd_write")), Role.MAIN))
    wasip1 = target(assessment, "wasip1")
    assert (wasip1.verdict, wasip1.score) == (Verdict.ALREADY_WASM, 100)
    assert target(assessment, "wasip2").verdict is Verdict.ADAPT
    assert assessment.recommendation.target == "wasip1"


def test_a_component_for_wasi_0_2_is_there_on_wasip2_only(judged):
    assessment = judged((module(("wasi:cli/environment@0.2.0", "")), Role.MAIN))
    assert target(assessment, "wasip2").verdict is Verdict.ALREADY_WASM
    assert target(assessment, "wasip1").verdict.rank >= Verdict.REARCHITECT.rank


def test_a_module_without_imports_runs_anywhere(judged):
    assessment = judged((module(), Role.MAIN))
    assert {item.verdict for item in assessment.targets} == {Verdict.ALREADY_WASM}


def test_non_standard_host_functions_are_no_portable_wasip1(judged):
    assessment = judged((module(("wasi_snapshot_preview1", "sock_open")), Role.MAIN))
    assert target(assessment, "wasip1").verdict is not Verdict.ALREADY_WASM


def test_a_function_that_no_table_knows_is_unknown_and_not_absent(judged, component, elf):
    assessment = judged((component("/app", elf(imports=("frobnicate_np",))), Role.MAIN))
    found = finding(assessment, "libc.unlisted", "wasip1")
    assert found.support is Support.UNKNOWN


def test_aliases_are_folded(judged, component, elf):
    imports = ("__printf_chk", "__open64_2", "__isoc99_sscanf", "fopen64", "__errno_location")
    assessment = judged((component("/app", elf(imports=imports)), Role.MAIN))
    assert target(assessment, "wasip1").verdict is Verdict.REBUILD


@pytest.mark.parametrize("headline", ["wasip1", "wasip2", "wasip3", "wasi-http"])
def test_the_headline_speaks_of_wasi_only(judged, component, elf, headline):
    app = component("/app", elf(imports=("epoll_create1", "epoll_wait")))
    assessment = judged((app, Role.MAIN))
    assert target(assessment, "wasix").verdict.rank < target(assessment, headline).verdict.rank
    assert assessment.recommendation.target in {"wasip1", "wasip2", "wasip3", "wasi-http"}
    assert "WASIX" in assessment.recommendation.summary


def test_only_the_targets_asked_for_are_judged(judged, component, elf):
    app = (component("/app", elf(imports=PLAIN)), Role.MAIN)
    assessment = judged(app, targets=("core",))
    assert [item.target for item in assessment.targets] == ["core"]
    assert {item.target for item in assessment.findings} <= {"core"}


def test_effort_counts_a_capability_once(judged, component, elf):
    once = judged((component("/a", elf(imports=("fork",))), Role.MAIN))
    twice = judged(
        (component("/a", elf(imports=("fork", "vfork"))), Role.MAIN),
        (component("/b", elf(imports=("fork",))), Role.MAIN),
    )
    assert target(once, "wasip1").effort == target(twice, "wasip1").effort


APP = Component("source:/app.py", ComponentKind.SOURCE, "/app.py", 1000, None, None)


def call(name, capability, need=Need.ESSENTIAL, *, module=False):
    return Call(APP.id, name, capability, need, 3, "work", "python", module)


def of_python(judged, *calls):
    return judged((APP, Role.MAIN), calls=calls, languages={APP.id: "cpython"})


def test_a_program_in_a_language_is_adapted_where_its_runtime_is_at_home(judged):
    assessment = of_python(judged)
    wasip1 = target(assessment, "wasip1")
    assert (wasip1.verdict, wasip1.effort) == (Verdict.ADAPT, 1)
    runtime = finding(assessment, "runtime.language", "wasip1")
    assert (runtime.support, runtime.severity) == (Support.EMULATED, Severity.NOTE)
    assert runtime.table.key == "cpython.wasip1"
    assert target(assessment, "core").verdict is Verdict.REARCHITECT
    assert finding(assessment, "runtime.language", "core").support is Support.NONE
    assert "CPython" in assessment.recommendation.next_step
    assert assessment.routes[APP.id].startswith("adapt: ")


def test_a_call_of_the_application_blocks_with_its_line_and_function(judged):
    assessment = of_python(judged, call("subprocess.run", "process.spawn"))
    spawn = finding(assessment, "process.spawn", "wasip1")
    assert (spawn.support, spawn.severity) == (Support.NONE, Severity.ERROR)
    (evidence,) = spawn.evidence
    assert (evidence.kind, evidence.detail) == (EvidenceKind.CALL, "subprocess.run")
    assert (evidence.line, evidence.member) == (3, "work")


def test_a_call_that_is_only_possible_is_a_note(judged):
    assessment = of_python(judged, call("os.fork", "process.fork", Need.INCIDENTAL))
    assert finding(assessment, "process.fork", "wasip1").severity is Severity.NOTE
    assert target(assessment, "wasip1").verdict is Verdict.ADAPT


def test_a_module_asks_only_where_the_target_s_build_lacks_it(judged):
    assessment = of_python(judged, call("fcntl", "fs.locks", module=True))
    missing = finding(assessment, "fs.locks", "wasip1")
    assert (missing.support, missing.table.file) == (Support.NONE, "catalog/python-modules.csv")
    assert missing.evidence[0].kind is EvidenceKind.MODULE
    assert finding(assessment, "fs.locks", "wasix") is None
    assert finding(assessment, "fs.locks", "wasip2").support is Support.UNKNOWN


def test_a_runtime_that_no_table_knows_is_unknown_everywhere(judged):
    assessment = judged((APP, Role.MAIN), languages={APP.id: "intercal"})
    assert finding(assessment, "runtime.language", "wasip1").support is Support.UNKNOWN


def setting(name, capability, where="CMD", line=None):
    need = Need.ESSENTIAL if capability else None
    return Setting(name, name, 5, Unit.COUNT, where, line, "-x 5", capability, need, "judgement")


def test_a_setting_asks_where_it_stands(judged):
    heap = setting("jvm.heap", "memory.large", "/etc/jvm.options", 7)
    assessment = judged((APP, Role.MAIN), settings=(heap, setting("jvm.stack", None)))
    (evidence,) = finding(assessment, "memory.large", "wasip1").evidence
    assert (evidence.kind, evidence.detail) == (EvidenceKind.SETTING, "-x 5")
    assert (evidence.path, evidence.line) == ("/etc/jvm.options", 7)
    (on_line,) = finding(
        judged((APP, Role.MAIN), settings=(setting("jvm.heap", "memory.large"),)),
        "memory.large",
        "wasip1",
    ).evidence
    assert (on_line.detail, on_line.path) == ("CMD: -x 5", "/app.py")


def test_the_workers_of_a_launcher_that_falls_away_ask_for_nothing(judged):
    workers = setting("gunicorn.workers", "process.fork")
    assert (
        finding(judged((APP, Role.MAIN), settings=(workers,)), "process.fork", "wasip1").severity
        is Severity.ERROR
    )
    served = call("Gunicorn", "net.http.serve")
    assessment = judged((APP, Role.MAIN), calls=(served,), settings=(workers,))
    assert finding(assessment, "process.fork", "wasip1") is None
