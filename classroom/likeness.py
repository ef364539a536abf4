"""Looks at programs without running them: which are the same, and what is odd in them."""

from __future__ import annotations

import ast
import hashlib

# What no assignment needs, and what can tamper with the tests: modules, functions, attributes.
ODD = {
    *("ctypes", "gc", "importlib", "inspect", "signal", "subprocess", "_pytest", "pytest"),
    *("grading", "conftest", "test_main", "system", "popen", "fork", "kill", "killpg", "_exit"),
    *("_getframe", "settrace", "setprofile", "eval", "exec", "compile", "__import__"),
    *("modules", "_signal", "pidfd_open", "pidfd_send_signal", "prlimit", "posix_spawn"),
    *("spawnv", "spawnl", "execv", "execl", "dir_fd", "addaudithook", "meta_path"),
    *("__code__", "__globals__", "__builtins__", "__subclasses__", "__closure__"),
    *(
        "/proc/",
        "tb_frame",
        "f_back",
        "f_locals",
        "f_globals",
        "gi_frame",
        "cr_frame",
        "multiprocessing",
    ),
}


def list_odd_names(main: str) -> list[str]:
    """Return the names in a program that no assignment needs, for the teacher; [] if none."""
    try:
        tree = ast.parse(main)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.Attribute):
            names.add(node.attr)
        elif isinstance(node, ast.keyword):
            names.add(node.arg or "")
        elif isinstance(node, ast.alias):
            names.update(node.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            names.update((node.module or "").split("."))
        elif isinstance(node, ast.Constant) and "_" in str(node.value):
            names.add(str(node.value))  # as in getattr(frame, "f_back")
        elif isinstance(node, ast.Constant) and str(node.value).startswith("/proc/"):
            names.add("/proc/")
    return sorted(names & ODD)


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
    read it.
    """
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
