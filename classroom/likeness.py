"""Looks at programs without running them: which are the same, and what is odd in them."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import io
import tokenize

LONGEST = 100_000  # bytes: Python needs hundreds of times as much memory to take it to pieces

# What no assignment needs, and what can tamper with the tests: modules, functions, attributes.
ODD = {
    *("ctypes", "gc", "importlib", "inspect", "signal", "subprocess", "_pytest", "pytest"),
    *("grading", "conftest", "test_main", "system", "popen", "fork", "kill", "killpg", "_exit"),
    *("_getframe", "settrace", "setprofile", "eval", "exec", "compile", "__import__"),
    *("modules", "_signal", "pidfd_open", "pidfd_send_signal", "prlimit", "posix_spawn"),
    *("spawnv", "spawnl", "execv", "execl", "dir_fd", "addaudithook", "meta_path"),
    *("timeit", "pkgutil", "pickle", "runpy", "readline", "sqlite3", "pluggy", "builtins"),
    *("fcntl", "mknod", "mkfifo", "abort", "_current_frames", "memfd_create", "codecs", "pty"),
    *("posix_spawnp", "_posixsubprocess", "create_subprocess_exec", "create_subprocess_shell"),
    *("webbrowser", "setxattr", "sched_setaffinity", "sched_setscheduler", "setpriority"),
    *("__code__", "__globals__", "__builtins__", "__subclasses__", "__closure__"),
    *("tb_frame", "f_back", "f_locals", "f_globals", "gi_frame", "cr_frame", "multiprocessing"),
    "/proc/",
}


def list_odd_names(program: bytes) -> list[str]:
    """Return what is in a program that no assignment needs, for the teacher; [] if nothing.

    A program that Python cannot read cannot do anything, either.
    """
    if len(program) > LONGEST:
        return ["a very long program"]
    with contextlib.suppress(SyntaxError):
        encoding, _ = tokenize.detect_encoding(io.BytesIO(program).readline)
        if not encoding.startswith("utf-8"):
            return [f"the encoding {encoding}"]
    try:
        tree = ast.parse(program)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    names = {name for node in ast.walk(tree) for name in list_names(node)}
    return sorted(names & ODD)


def list_names(node: ast.AST) -> list[str]:
    """Return the names that a part of a program mentions, also in a text: getattr(x, "f_back")."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.keyword(arg=str(name)):
            return [name]
        case ast.alias(name=name):
            return name.split(".")
        case ast.ImportFrom(module=str(name)):
            return name.split(".")
        case ast.Constant(value=str(text)) if text.startswith("/proc/"):
            return ["/proc/"]
        case ast.Constant(value=str(text)) if "_" in text:
            return [text]
    return []


class Renamer(ast.NodeTransformer):
    """Calls variables and arguments v0, v1, ... in the order in which they come."""

    def __init__(self, names: set[str]) -> None:
        self.names = names
        self.new: dict[str, str] = {}

    def rename(self, name: str) -> str:
        if name not in self.names:
            return name
        return self.new.setdefault(name, f"v{len(self.new)}")

    def visit_Name(self, node: ast.Name) -> ast.Name:
        node.id = self.rename(node.id)
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.arg = self.rename(node.arg)
        return node


def digest_of_program(main: str) -> str:
    """Return 12 characters that are the same for programs that do the same in the same words.

    Comments, docstrings, layout, and the names of variables do not count. "" if Python cannot
    read it, or if it is very long.
    """
    if len(main) > LONGEST:
        return ""
    try:
        tree = ast.parse(main)
        for node in ast.walk(tree):
            remove_docstring(node)
        text = ast.dump(Renamer(list_own_names(tree)).visit(tree))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:12]


def list_own_names(tree: ast.Module) -> set[str]:
    """Return the names of the variables and arguments of a program."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def remove_docstring(node: ast.AST) -> None:
    if isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node):
        node.body = node.body[1:]
