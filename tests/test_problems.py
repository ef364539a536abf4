"""The table of problems: complete, plain, used, and documented."""

from __future__ import annotations

import ast
import pickle
import re
import subprocess
import sys

import pytest
from b2_errors import explain_unknown
from b2_problems import OF_THE_PROGRAM, PROBLEMS, SetupError, block
from b2_refusals import ANSWERS
from b2_rules import cover
from conftest import APPLICATION_KEY, INSIDE, ROOT, STARTER, Project, some_thorough
from test_check_setup import SITUATIONS

SHOWN_ELSEWHERE = {  # and tested in the files that ELSEWHERE names
    *OF_THE_PROGRAM,
    "python-too-old",
    "file-hides-package",
    "given-file-missing",
    "given-file-damaged",
} - {"unknown"}
ELSEWHERE = ("calls", "explained_errors", "damage", "refusals", "faulty_network")


def test_every_problem_is_caused_for_real_by_a_test():
    made = {name for names, _ in SITUATIONS.values() for name in names.split(" or ")}
    assert made | SHOWN_ELSEWHERE == set(PROBLEMS)
    others = [
        (ROOT / "tests" / f"test_{name}.py").read_text(encoding="utf-8") for name in ELSEWHERE
    ]
    for name in SHOWN_ELSEWHERE:
        assert any(name in text for text in others), name


@pytest.mark.parametrize("length", range(250, 330, 5))
def test_a_long_text_is_never_cut_in_the_middle_of_a_key(length: int):
    """Half a key has no shape by which it could be covered afterwards."""
    error = ValueError("word " * (length // 5) + APPLICATION_KEY + " more" * 50)

    assert APPLICATION_KEY[:9] not in cover(block(explain_unknown(error)), {})


def test_every_problem_that_the_code_names_is_in_the_table():
    named = {problem for _, _, problem in ANSWERS} | set(OF_THE_PROGRAM)
    for file in (*STARTER.glob("*.py"), *INSIDE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "SetupError":
                named |= {
                    found.value
                    for found in ast.walk(node.args[0])
                    if isinstance(found, ast.Constant) and isinstance(found.value, str)
                }

    assert named <= set(PROBLEMS)


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_problem_is_explained_in_short_plain_sentences(name: str):
    problem = PROBLEMS[name]

    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
    for text in (problem.what, problem.why, problem.do):
        assert len(text) < 250
        assert text.isascii()
        assert text == "" or text[-1] in ".}" or text.splitlines()[-1].startswith("    "), text
        assert not re.search("traceback|exception|invalid|boto.?core|parameter", text.lower())
    assert problem.sign
    assert problem.source.endswith(".")


def test_the_page_of_problems_is_up_to_date():
    write = "import make_problems; print(make_problems.page(), end='')"
    done = subprocess.run(
        [sys.executable, "-c", write], cwd=ROOT / "docs", capture_output=True, check=True
    )

    page = (ROOT / "docs" / "PROBLEMS.md").read_text(encoding="utf-8")
    assert done.stdout.decode().splitlines() == page.splitlines(), "run: nox -s docs"


def test_the_readme_has_the_places_that_problems_name():
    readme = (STARTER / "README.md").read_text(encoding="utf-8")

    assert "**4. Key.**" in readme
    assert "\n## Reset\n" in readme


def test_a_problem_survives_another_process():
    """Sent and received as multiprocessing does it."""
    error = SetupError("line-missing", where=".env", name="B2_ENDPOINT", word="Endpoint")

    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_a_block_shows_the_name_and_a_line_for_each_sentence():
    text = block(SetupError("env-file-missing", folder="/home/ada", do="Type:\n    copy it"))

    assert text.splitlines() == [
        "",
        "PROBLEM [env-file-missing]",
        "There is no .env file in /home/ada.",
        "The program looks there for your keys, your bucket and your endpoint.",
        "Type:",
        "    copy it",
    ]


def test_braces_in_a_value_do_no_harm():
    assert "{0} %s {x}" in str(SetupError("env-file-missing", folder="{0} %s {x}", do=""))


def test_old_pythons_can_read_what_tells_them_that_they_are_old():
    for name in (
        "check_setup.py",
        "b2_inside/b2_problems.py",
        "b2_inside/b2_causes.py",
        "b2_inside/b2_guard.py",
        "b2_inside/b2_rules.py",
    ):
        tree = ast.parse((STARTER / name).read_text(encoding="utf-8"), feature_version=(3, 7))
        if any(
            isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body
        ):  # then Python does not look at annotations
            tree = WithoutAnnotations().visit(tree)
        text = ast.unparse(tree)
        assert not re.search(r"\b(dict|list|tuple|set)\[|\w \| None", text), name


class WithoutAnnotations(ast.NodeTransformer):
    """Takes the annotations off functions, as `from __future__ import annotations` does."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.returns = None
        for argument in [*node.args.args, *node.args.kwonlyargs]:
            argument.annotation = None
        self.generic_visit(node)
        return node


LEAKS = ["tracked .env", "a key in a program", "a key in a tracked text"]


@pytest.mark.parametrize("kind", some_thorough(LEAKS, every_day=["a key in a program"]))
def test_the_generated_tests_find_a_key_that_others_could_see(project: Project, kind: str):
    for words in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *words], cwd=project.path, check=True)
    assert project.python("-m", "pytest", "-q", "tests/test_no_keys.py").code == 0

    if kind == "tracked .env":
        subprocess.run(["git", "add", "-f", ".env"], cwd=project.path, check=True)
    else:
        name = "save.py" if kind == "a key in a program" else "notes.md"
        project.write(name, f"# {APPLICATION_KEY}\n")
        if name == "notes.md":
            subprocess.run(["git", "add", name], cwd=project.path, check=True)

    done = project.python("-m", "pytest", "-q", "tests/test_no_keys.py")
    assert done.code == 1
    said = "Your file .env is in git" if kind == "tracked .env" else "There is an applicationKey in"
    assert said in done.out
    assert APPLICATION_KEY not in done.printed


@pytest.mark.thorough
def test_keys_that_are_only_in_env_are_not_a_leak(project: Project):
    project.write(".env", project.read(".env").replace("_KEY=", "_KEY=K005" + "A" * 27))

    assert project.python("-m", "pytest", "-q", "tests/test_no_keys.py").code == 0
