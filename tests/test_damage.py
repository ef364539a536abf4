"""If a given file is missing or damaged, you see its name and how to get it back, if our code runs.

Each program is a real process, in the folder of a student who practises.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from conftest import INSIDE, STARTER, Project, Run, copy_given_files, some_thorough
from practising import ENV

IN_INSIDE = sorted(f"b2_inside/{file.name}" for file in INSIDE.glob("b2_*.py"))
GIVEN = ["b2_client.py", "check_setup.py", *IN_INSIDE]
PYCACHE = shutil.ignore_patterns("__pycache__")
WAY_BACK = "README.md says how, under Reset."


@pytest.fixture
def home(tmp_path: Path) -> Project:
    """A folder with the given files and hello-bucket's main.py, as they are generated."""
    folder = tmp_path / "b2_practice"  # a student may use this name; it is not our folder
    made = copy_given_files(folder)
    shutil.copy(STARTER / "_starter/hello-bucket/main.py", folder)
    made.write(".env", ENV)
    return made


def problems(done: Run) -> list[str]:
    return re.findall(r"PROBLEM \[([a-z0-9-]+)\]", done.printed)


def assert_it_is_named(done: Run, file: str, *possible: str) -> None:
    """The screen shows the file and how to get it back, but no traceback."""
    said = " ".join(done.printed.split())
    assert done.code == 1
    assert len(problems(done)) == 1, done.printed
    assert problems(done)[0] in possible, done.printed
    assert file in said
    assert WAY_BACK in said
    assert "Traceback" not in done.printed


@pytest.mark.thorough
def test_an_undamaged_folder_runs(home: Project):
    assert (home.python("main.py").code, home.python("check_setup.py").code) == (0, 0)


@pytest.mark.parametrize("program", ["main.py", "check_setup.py"])
@pytest.mark.parametrize("name", ["b2_client.py", *IN_INSIDE])
def test_a_missing_file(home: Project, name: str, program: str):
    (home.path / name).unlink()

    done = home.python(program)

    assert_it_is_named(done, Path(name).stem, "given-file-missing")


@pytest.mark.parametrize("name", ["b2_inside", "b2_inside/b2_practice"])
def test_a_missing_folder(home: Project, name: str):
    shutil.rmtree(home.path / name)

    assert_it_is_named(home.python("main.py"), Path(name).name, "given-file-missing")


def test_a_missing_file_of_the_practice_bucket(home: Project):
    (home.path / "b2_inside" / "b2_practice" / "folder.py").unlink()

    assert_it_is_named(home.python("main.py"), "b2_practice/folder.py", "given-file-missing")


DAMAGE = {
    "emptied": lambda text: "",
    "cut": lambda text: text[: text.index("(", len(text) // 2) + 1],
    "a letter typed into it": lambda text: text.replace('"""\n\n', '"""\n\nx\n', 1),
    "a line typed at its end": lambda text: text + "\nbucket.put_object()\n",
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", GIVEN)
def test_a_damaged_file(home: Project, name: str, damage: str):
    home.write(name, DAMAGE[damage](home.read(name)))

    done = home.python("main.py")

    if (name, damage) == ("check_setup.py", "emptied"):
        assert done.code == 0  # main.py only loses the explanations
    elif (name, damage) in (
        ("check_setup.py", "cut"),
        ("check_setup.py", "a letter typed into it"),
    ):
        assert "check_setup.py" in done.err  # none of our code has run yet; Python names the file
    else:
        assert_it_is_named(done, Path(name).stem, "given-file-damaged", "given-file-missing")


def test_a_damaged_file_of_the_practice_bucket(home: Project):
    home.write("b2_inside/b2_practice/bucket.py", "def broken(:\n")

    done = home.python("main.py")

    assert_it_is_named(done, "b2_inside/b2_practice/bucket.py is damaged", "given-file-damaged")
    assert "Python cannot read line 1." in " ".join(done.err.split())


def test_without_check_setup_python_names_it_or_b2_client_does(home: Project):
    """main.py imports check_setup first: then none of our code runs."""
    (home.path / "check_setup.py").unlink()

    assert "No module named 'check_setup'" in home.python("main.py").err

    home.write("main.py", "import b2_client\nimport check_setup\n")
    assert_it_is_named(home.python("main.py"), "check_setup.py", "given-file-missing")


@pytest.fixture
def tested(home: Project) -> Project:
    """The same folder, with its tests."""
    shutil.copytree(STARTER / "tests", home.path / "tests", ignore=PYCACHE)
    folder = STARTER / "_starter" / "hello-bucket" / "tests"
    shutil.copytree(folder, home.path / "tests", dirs_exist_ok=True, ignore=PYCACHE)
    return home


def pytest_in(project: Project, *words: str) -> Run:
    return project.python("-m", "pytest", "-p", "no:cacheprovider", *words)


@pytest.mark.parametrize(
    "name",
    some_thorough(
        [
            "b2_client.py",
            "check_setup.py",
            "tests/grading.py",
            *IN_INSIDE,
        ],
        every_day=1,
    ),
)
@pytest.mark.parametrize("damage", some_thorough(["cut", None], every_day=1))
def test_pytest_names_what_is_missing_or_damaged(tested: Project, name: str, damage: str | None):
    if damage:
        tested.write(name, DAMAGE[damage](tested.read(name)))
    else:
        (tested.path / name).unlink()

    done = pytest_in(tested, "tests")

    assert_it_is_named(done, Path(name).stem, "given-file-damaged", "given-file-missing")
    assert len(done.printed.strip().splitlines()) <= 8


def test_check_setup_notices_that_b2_client_lost_a_function(home: Project):
    home.write("b2_client.py", home.read("b2_client.py").replace("def get_bucket", "def bucket"))

    assert_it_is_named(home.python("check_setup.py"), "b2_client.py", "given-file-damaged")


def test_an_empty_file_of_tests_is_named(tested: Project):
    tested.write("tests/test_main.py", "")

    assert f"tests/test_main.py has no tests. Bring it back: {WAY_BACK}" in pytest_in(tested).out


@pytest.mark.parametrize("name", some_thorough(["json", "boto3"], every_day=1))
@pytest.mark.parametrize("program", ["main.py", "check_setup.py"])
def test_a_folder_with_the_name_of_a_module(home: Project, name: str, program: str):
    (home.path / name).mkdir()
    home.write(f"{name}/__init__.py", "")

    done = home.python(program)

    assert problems(done) == ["file-hides-package"]
    assert f"Rename {name}, for example to my_{name}." in done.printed


def test_pytest_names_a_conftest_that_is_missing(tested: Project):
    (tested.path / "tests" / "conftest.py").unlink()

    done = pytest_in(tested, "tests")

    assert f"tests/conftest.py is missing. Bring it back: {WAY_BACK}" in done.printed


@pytest.mark.parametrize("name", ["test_main", "grading"])
def test_a_test_that_is_run_like_a_program(tested: Project, name: str):
    """An editor's run button does that with the file that is open."""
    done = tested.python(f"tests/{name}.py")

    assert (done.code, done.err) == (1, "In the project's folder, type: python -m pytest\n")


@pytest.mark.parametrize("program", ["check_setup.py", "pytest", "main.py"])
def test_a_file_without_what_others_need(tested: Project, program: str):
    tested.write("b2_client.py", "")

    done = pytest_in(tested, "tests") if program == "pytest" else tested.python(program)

    assert_it_is_named(done, "b2_client.py", "given-file-damaged")


@pytest.mark.parametrize("name", ["guestbook", "photo-album"])
@pytest.mark.parametrize("module", some_thorough(["types", "enum"], every_day=1))
def test_check_setup_comes_before_what_a_file_of_yours_may_hide(
    home: Project, name: str, module: str
):
    shutil.copy(STARTER / "_starter" / name / "main.py", home.path)
    home.write(f"{module}.py", "print('mine')\n")

    assert problems(home.python("main.py")) == ["file-hides-package"]


def test_pytest_names_a_file_that_hides_boto3(tested: Project):
    tested.write("botocore.py", "print('mine')\n")

    assert problems(pytest_in(tested, "tests")) == ["file-hides-package"]


def test_a_main_that_is_elsewhere(tested: Project):
    (tested.path / "main.py").rename(tested.path / "main.py.txt")

    done = pytest_in(tested, "tests")

    assert f"there is no main.py in {tested.path}" in done.out
    assert "Has it another name, or is it in another folder?" in done.out


def test_pytest_names_a_file_that_hides_one_of_ours(tested: Project):
    """One that hides a module of Python stops pytest before it reads any file of the project."""
    tested.write("b2_rules.py", "print('mine')\n")

    done = pytest_in(tested, "tests")

    assert problems(done) == ["file-hides-package"], done.printed
    assert "Rename b2_rules.py" in " ".join(done.printed.split())
    assert "Traceback" not in done.printed


def test_an_own_file_called_grading_does_not_disturb_the_tests(tested: Project):
    tested.write("grading.py", "points = 3\n")

    done = pytest_in(tested, "tests")

    assert done.code == 0, done.printed


def test_two_projects_in_one_folder(tested: Project, tmp_path: Path):
    shutil.copytree(tested.path, tmp_path / "copy")

    done = pytest_in(Project(tmp_path))

    assert done.code == 1
    assert "There are several projects here. Begin with: cd " in done.out
    assert len(done.printed.strip().splitlines()) <= 8


def test_unittest_says_what_to_type(tested: Project):
    done = tested.python("-m", "unittest")

    assert done.code == 1
    assert done.err.strip().endswith("Type: python -m pytest")


HIDING = "types random json email html token string re enum operator pathlib threading b2_rules"


@pytest.mark.parametrize("name", some_thorough(HIDING.split(), every_day=2))
@pytest.mark.parametrize("first", some_thorough(["b2_client", "check_setup"], every_day=1))
def test_a_file_that_hides_a_module(home: Project, name: str, first: str):
    """Whichever of our files a program imports first."""
    home.write(f"{name}.py", "print('mine')\n")
    home.write("main.py", f"import {first}\nfrom b2_client import get_bucket\nget_bucket()\n")

    done = home.python("main.py")

    assert "Traceback" not in done.printed
    assert done.code == 0 or problems(done) == ["file-hides-package"]


@pytest.mark.parametrize(
    ("line", "said"),
    some_thorough(
        [
            ("from b2_client import qqq", "cannot import name 'qqq'"),
            ("import qqq", "No module named 'qqq'"),
            ("print(buckt)", "name 'buckt' is not defined"),
            ("[].io", "'list' object has no attribute 'io'"),
            ("[].version", "'list' object has no attribute 'version'"),
            ("import io, random\nrandom.dice()", "has no attribute 'dice'"),
        ],
        every_day=2,
    ),
)
def test_a_students_own_mistake_is_not_mistaken_for_damage(home: Project, line: str, said: str):
    home.write("io.py", "print('never read')\n")  # Python loaded its own io long before
    home.write("main.py", f"import check_setup\nfrom b2_client import get_bucket\n{line}\n")

    done = home.python("main.py")

    assert said in done.err
    assert "Traceback" in done.err
    assert problems(done) == []


def test_a_students_file_that_fails_when_boto3_imports_it(home: Project):
    home.write("random.py", "roll = dice(6)\n")

    done = home.python("main.py")

    assert problems(done) == ["file-hides-package"]
    assert "Rename random.py, for example to my_random.py." in done.err
