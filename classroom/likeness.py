"""Tells which programs are the same, apart from names, comments and layout."""

from __future__ import annotations

import ast
import hashlib


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
