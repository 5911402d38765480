"""The modules that Node.js brings, by the names that programs load them under."""

from __future__ import annotations

__all__ = ["STANDARD", "is_standard"]

STANDARD = frozenset(
    {
        *("assert", "assert/strict", "async_hooks", "buffer", "child_process", "cluster"),
        *("console", "constants", "crypto", "dgram", "diagnostics_channel", "dns"),
        *("dns/promises", "domain", "events", "fs", "fs/promises", "http", "http2", "https"),
        *("inspector", "inspector/promises", "module", "net", "os", "path", "path/posix"),
        *("path/win32", "perf_hooks", "process", "punycode", "querystring", "readline"),
        *("readline/promises", "repl", "stream", "stream/consumers", "stream/promises"),
        *("stream/web", "string_decoder", "sys", "timers", "timers/promises", "tls"),
        *("trace_events", "tty", "url", "util", "util/types", "v8", "vm", "wasi"),
        *("worker_threads", "zlib"),
    }
)
"""``require("node:module").builtinModules`` of Node.js 20, without those that begin with ``_``."""


def is_standard(specifier: str) -> bool:
    """Whether a specifier names a module of the runtime itself, which no file can replace."""
    return specifier in STANDARD or specifier.startswith(("node:", "bun:"))
