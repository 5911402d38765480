"""What belongs to the Java platform: packages of the JDK's modules, and whom it calls back."""

from __future__ import annotations

__all__ = ["called_back", "is_platform"]

# The packages that the modules of OpenJDK 17 hold, exported or not, as the shortest prefixes that
# no library of others shares (`java --list-modules`, `java --describe-module`).
_PREFIXES = tuple(
    f"{name}."
    for name in [
        "java",
        "jdk",
        "sun",
        "netscape.javascript",
        "org.ietf.jgss",
        "org.w3c.dom",
        "org.xml.sax",
        "javax.accessibility",
        "javax.annotation.processing",
        "javax.crypto",
        "javax.imageio",
        "javax.lang.model",
        "javax.management",
        "javax.naming",
        "javax.net",
        "javax.print",
        "javax.rmi.ssl",
        "javax.script",
        "javax.security.auth",
        "javax.security.cert",
        "javax.security.sasl",
        "javax.smartcardio",
        "javax.sound",
        "javax.sql",
        "javax.swing",
        "javax.tools",
        "javax.transaction.xa",
        "javax.xml.catalog",
        "javax.xml.crypto",
        "javax.xml.datatype",
        "javax.xml.namespace",
        "javax.xml.parsers",
        "javax.xml.stream",
        "javax.xml.transform",
        "javax.xml.validation",
        "javax.xml.xpath",
        "com.sun.accessibility",
        "com.sun.beans",
        "com.sun.crypto",
        "com.sun.imageio",
        "com.sun.java.accessibility",
        "com.sun.java.swing",
        "com.sun.java.util",
        "com.sun.jarsigner",
        "com.sun.java_cup",
        "com.sun.org.slf4j",
        "com.sun.xml.internal",
        "org.jcp.xml.dsig.internal",
        "com.sun.jdi",
        "com.sun.jmx",
        "com.sun.jndi",
        "com.sun.management",
        "com.sun.media.sound",
        "com.sun.naming",
        "com.sun.net.httpserver",
        "com.sun.net.ssl",
        "com.sun.nio",
        "com.sun.org.apache",
        "com.sun.rowset",
        "com.sun.security",
        "com.sun.source",
        "com.sun.swing",
        "com.sun.tools",
        "com.sun.tracing",
    ]
)

_CALLED_BACK: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            "java.io.Serializable",
            "java.lang.Cloneable",
            "java.lang.Enum",
            "java.lang.Error",
            "java.lang.Exception",
            "java.lang.IllegalArgumentException",
            "java.lang.IllegalStateException",
            "java.lang.Object",
            "java.lang.Record",
            "java.lang.RuntimeException",
            "java.lang.Throwable",
            "java.lang.annotation.Annotation",
            "java.io.IOException",
            "java.util.RandomAccess",
        ),
        (),
    ),
    "com.sun.net.httpserver.HttpHandler": ("handle",),
    "java.io.Closeable": ("close",),
    "java.lang.AutoCloseable": ("close",),
    "java.lang.Comparable": ("compareTo",),
    "java.lang.Iterable": ("iterator",),
    "java.lang.Runnable": ("run",),
    "java.lang.Thread": ("run",),
    "java.lang.reflect.InvocationHandler": ("invoke",),
    "java.util.Comparator": ("compare",),
    "java.util.Iterator": ("hasNext", "next", "remove"),
    "java.util.TimerTask": ("run",),
    "java.util.concurrent.Callable": ("call",),
    "java.util.concurrent.ThreadFactory": ("newThread",),
    "java.util.function.Consumer": ("accept",),
    "java.util.function.Function": ("apply",),
    "java.util.function.Predicate": ("test",),
    "java.util.function.Supplier": ("get",),
}


def is_platform(name: str) -> bool:
    """Whether a qualified name is in a package of the JDK."""
    return name.startswith(_PREFIXES)


def called_back(supertype: str) -> tuple[str, ...] | None:
    """Methods by which the platform calls an object of a type of its own.

    ``None`` where that is not known: then any that can be overridden.
    """
    return _CALLED_BACK.get(supertype)
