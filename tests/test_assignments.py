"""The graded assignments: their tests fail on the starter, pass on what is right, and read well."""

from __future__ import annotations

import json
import os
import re
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import grading
import pytest
from conftest import (
    ROOT,
    SOLUTIONS,
    STARTER,
    Project,
    clean_environment,
    run,
    some_thorough,
)

from hooks.project import ASSIGNMENTS, SETTINGS, given_files, starter_files

GRADED = [name for name in ASSIGNMENTS if name != "hello-bucket"]
TEST = re.compile(r"test_(\d+)([a-z]?)_\w+")

Ends = dict[str, list[str]]  # the name of a test -> how it ended, and its message


def numbers(text: str) -> list[int]:
    return sorted({int(number) for number in re.findall(r"TODO (\d+)", text)})


def failed(ends: Ends) -> list[str]:
    return [name for name, (outcome, _) in ends.items() if outcome == "failed"]


def graded(ends: Ends) -> Ends:
    return {name: end for name, end in ends.items() if TEST.fullmatch(name)}


def assert_it_reads_well(words: str) -> None:
    """A message has four or five short lines, in words that a beginner knows."""
    lines = words.splitlines()
    assert len(lines) <= 5, words
    labels = [line.split(":")[0] for line in lines]
    assert labels in (
        ["called", "came back", "expected", "hint"],
        ["called", "stopped", "expected", "hint"],
    ), words
    assert not re.search("traceback|fixture|mock|assert", words, re.IGNORECASE), words
    assert max(map(len, lines)) < 230, words


@pytest.fixture
def make(generated: Callable[..., Path]) -> Callable[[str], Project]:
    """Return a function that gives a project of an assignment, the same for all tests."""
    return lambda name: Project(generated(assignment=name))


@pytest.mark.parametrize("name", GRADED)
def test_nothing_is_forgotten(name: str):
    """What a new assignment needs: a folder, a choice, a brief, tests, solutions, two rows."""
    folder = STARTER / "_starter" / name
    solutions = [path.name for path in (SOLUTIONS / name).glob("*.py")]
    main = (folder / "main.py").read_text(encoding="utf-8")
    brief = (folder / "BRIEF.md").read_text(encoding="utf-8")
    tests = (folder / "tests" / "test_main.py").read_text(encoding="utf-8")

    todos = numbers(main)
    assert todos == list(range(1, len(todos) + 1)), "the TODOs of main.py are not numbered 1, 2, 3"
    assert 3 <= len(todos) <= 6
    assert len(main.splitlines()) < 60
    in_brief = [int(number) for number in re.findall(r"^\| (\d+) \*", brief, re.MULTILINE)]
    assert in_brief == todos, "the rows of BRIEF.md have different numbers from main.py"
    in_tests = sorted({int(number) for number in re.findall(r"def test_(\d+)", tests)})
    assert in_tests == todos, "the tests have different numbers from main.py"
    assert "More, if you like" in brief
    assert "main.py" in solutions, f"tests/solutions/{name}/main.py is missing"
    assert len([file for file in solutions if file.startswith("good_")]) >= 2
    assert len([file for file in solutions if file.startswith("wrong_")]) >= 6
    assert SETTINGS["_assignments"][name]
    assert f"| `{name}` |" in (ROOT / "README.md").read_text(encoding="utf-8")
    teaching = (ROOT / "docs" / "TEACHING.md").read_text(encoding="utf-8")
    assert f"| `{name}` | {len(todos)} |" in teaching


@pytest.mark.parametrize("name", GRADED)
def test_a_project_has_only_the_files_of_its_assignment(make: Callable[[str], Project], name: str):
    project = make(name)
    made = {".env", "b2-starter.json", "main.py"}
    below = STARTER / "_starter" / name

    listed = {*given_files(), *starter_files(name), *made}
    assert {file for file in project.files() if "practice-bucket" not in file} == listed
    visible = {file.partition("/")[0] for file in listed if file[0] != "."}
    assert len(visible) <= 10
    for file in ("main.py", *starter_files(name)):
        assert (project.path / file).read_bytes() == (below / file).read_bytes()
    assert "BRIEF.md" in project.read("README.md")


@pytest.mark.parametrize("name", some_thorough(GRADED, every_day=1))
def test_the_starter_runs_and_says_something_useful(make: Callable[[str], Project], name: str):
    project = make(name)

    for _ in range(2):
        done = project.python("main.py")
        assert done.code == 0, done.err
        assert len(done.out.splitlines()) >= 2


def right(name: str) -> list[Path]:
    return [SOLUTIONS / name / "main.py", *sorted((SOLUTIONS / name).glob("good_*.py"))]


def wrong_in_one_place(name: str, folder: Path) -> list[Path]:
    """Write the reference solution once for each wrong_*.py, which takes the place of one part."""
    reference = (SOLUTIONS / name / "main.py").read_text(encoding="utf-8")
    for file in (SOLUTIONS / name).glob("wrong_*.py"):
        part = file.read_text(encoding="utf-8")  # the later definition counts
        text = reference.replace("\n\ndef main():", f"\n\n{part}\n\ndef main():")
        (folder / file.name).write_text(text, encoding="utf-8")
    return sorted(folder.glob("wrong_*.py"))


@pytest.mark.thorough
@pytest.mark.parametrize("name", GRADED)
def test_the_tests_tell_right_from_wrong(make: Callable[[str], Project], tmp_path: Path, name: str):
    project = make(name)
    mains = [project.path / "main.py", *right(name), *wrong_in_one_place(name, tmp_path)]

    ends: dict[str, Ends] = {
        Path(main).name if Path(main).parent != project.path else "starter": graded(found)
        for main, found in try_all(project, mains).items()
    }
    untouched = ends.pop("starter")
    assert untouched
    seen = set()
    for test, (outcome, words_of_it) in untouched.items():
        number, letter = TEST.fullmatch(test).groups()  # type: ignore[union-attr]
        assert outcome == ("skipped" if letter > "a" and number in seen else "failed"), test
        seen.add(number)
        if outcome == "failed":
            assert_it_reads_well(words_of_it)
    for file, found in ends.items():
        assert list(found) == list(untouched), file
        wrong = re.match(r"wrong_(\d+)_", file)
        if wrong:
            assert [test for test in failed(found) if re.match(rf"test_{wrong[1]}[a-z]?_", test)], (
                f"{file} passes the tests of TODO {wrong[1]}"
            )
            for test in failed(found):
                assert_it_reads_well(found[test][1])
        else:
            assert {outcome for outcome, _ in found.values()} == {"passed"}, (file, failed(found))


BROKEN = {
    "a syntax error": (
        "    return None",
        "    return (None",
        r"stopped:   Python cannot read line \d+ .*\n *expected:  a file that Python can read",
    ),
    "a loop that never ends": (
        "    return []",
        "    while True:\n        pass",
        "did not finish within 3 seconds",
    ),
    "a loop at the top": (
        "def note_key",
        "while True:\n    pass\n\n\ndef note_key",
        "did not finish within 3 seconds",
    ),
    "a question at the top": (
        "def note_key",
        "name = input('Who?')\n\n\ndef note_key",
        r"line \d+ asks a question with input\(\)",
    ),
    "a question in another file": (
        "def delete_note(bucket, name):",
        "exec(compile('def delete_note(bucket, name): input()', 'helper.py', 'exec'))\n\n\n"
        "def old(bucket, name):",
        r"it asks a question with input\(\)",
    ),
    "an end at the top": (
        "def note_key",
        "exit()\n\n\ndef note_key",
        r"line \d+ ends the whole program",
    ),
    "an error in an expression at the top": (
        "def note_key",
        "FIRST = list([][i] for i in range(2))\n\n\ndef note_key",
        r"line \d+: IndexError",
    ),
    "a deleted function": ("def list_notes(", "def lst_notes(", "main.py has no such function"),
    "another signature": (
        "def list_notes(bucket)",
        "def list_notes()",
        r"your line is def list_notes\(\):",
    ),
    "a name that is not defined": (
        "    return []",
        "    return nams",
        r"stopped:   line \d+: NameError: .*\n *expected:  no error",
    ),
    "main() while it is read": (
        "if __name__ == '__main__':",
        "if True:",
        "a function was called while Python was reading main.py",
    ),
    "lines that do not line up": (
        "    return []",
        "      return []\n    return []",
        "begin with the same number of spaces",
    ),
}


@pytest.mark.thorough
def test_a_broken_main_gives_one_clear_sentence(make: Callable[[str], Project], tmp_path: Path):
    project = make("cloud-notes")
    starter = project.read("main.py")
    mains = {what: tmp_path / f"{number}.py" for number, what in enumerate(BROKEN)}
    for what, main in mains.items():
        before, after, _ = BROKEN[what]
        assert before in starter
        main.write_text(starter.replace(before, after, 1), encoding="utf-8")

    screens = try_all(project, list(mains.values()))

    for what, main in mains.items():
        shown, sentence = screens[str(main)]["screen"][1], BROKEN[what][2]
        told = "\n".join(words for _, words in screens[str(main)].values())
        assert re.search(sentence, told), (what, told)
        assert not re.search("Traceback|fixture|mock|AssertionError", shown), what
        assert len(shown.splitlines()) < 60, what


def try_all(project: Project, mains: list[Path]) -> dict[str, Ends]:
    """Run the tests of a project on each of these; return how they end, {main: ends}."""
    starter = project.read("main.py")
    words = [sys.executable, str(ROOT / "tests" / "try_solutions.py"), str(project.path)]
    done = run([*words, *map(str, mains)], project.path, clean_environment())
    assert done.code == 0, done.err
    project.write("main.py", starter)
    return json.loads(done.out)


# A line of a reference solution, what a student writes instead, which test fails, and what it says.
MISTAKES: dict[str, dict[str, tuple[str, str, str, str]]] = {
    "cloud-notes": {
        "a forgotten return, told": (
            "return 'notes/' + ",
            "'notes/' + ",
            "1",
            r"came back: None(?s:.*)Did you forget return",
        ),
        "a forgotten return, and the test cannot go on": (
            "return 'notes/' + ",
            "'notes/' + ",
            "4",
            r"came back: None\nexpected:  what BRIEF.md says\n(?s:.*)Did you forget return",
        ),
        "a key for one note only": ("'notes/' + name + '.txt'", "'notes/tea.txt'", "1", "milk"),
        "turned parameters": (
            "save_note(bucket, name, text):",
            "save_note(bucket, text, name):",
            "2",
            r"your line is def save_note\(bucket, text, name\):\nexpected",
        ),
        "another key": (
            "Key=note_key(name), Body=body",
            "Key=name, Body=body",
            "2",
            r"in the bucket: \['greeting'\]\n(?s:.*)Write Key=note_key\(name\)",
        ),
        "a loop inside": (
            "    bucket.Object(note_key(name)).delete()",
            "    while True: pass",
            "6",
            r"within 3 seconds \(line \d+\)",
        ),
    },
    "guestbook": {
        "an exception without its place": (
            "except bucket.meta.client.exceptions.NoSuchKey:",
            "except NoSuchKey:",
            "3b",
            r"Write this line: except bucket.meta.client.exceptions.NoSuchKey:",
        ),
        "an exception in quotes": (
            "except bucket.meta.client.exceptions.NoSuchKey:",
            "except 'NoSuchKey':",
            "3b",
            r"Write this line: except bucket.meta.client.exceptions.NoSuchKey:",
        ),
        "text that is not JSON": (
            "json.dumps(entries, indent=2, ensure_ascii=False).encode()",
            "str(entries)",
            "2",
            r"in the bucket: .*'name'.*\nexpected:  in the bucket: the list as JSON\n",
        ),
        "sort returns nothing": (
            "    by_stars = sorted(entries, key=lambda entry: entry['stars'], reverse=True)\n"
            "    return by_stars[:number]",
            "    return entries.sort(key=lambda entry: -entry['stars'])",
            "5a",
            r"entries\.sort\(.*\) changes a value, and returns None itself\.",
        ),
        "text that is split before it is text": (
            "obj.get()['Body'].read().decode())",
            "obj.get()['Body'].read() + '')",
            "3a",
            r"Add \.decode\(\) after \.read\(\)",
        ),
        "any mistake is an empty book": (
            "except bucket.meta.client.exceptions.NoSuchKey:",
            "except:",
            "3c",
            "expected:  it stops with an error",
        ),
        "a broken book is read for ever": (
            "        return json.loads(obj.get()['Body'].read().decode())",
            "        text = obj.get()['Body'].read().decode()\n"
            "        while not text.endswith(']'):\n"
            "            pass\n"
            "        return json.loads(text)",
            "3c",
            "within 3 seconds",
        ),
        "a misspelt argument": ("ContentType=", "contenttype=", "1", "Did you mean ContentType"),
        "the same line, later": (
            "ContentType=",
            "contenttype=",
            "2",
            r"Same problem as in 1: fix line \d+ first",
        ),
        "an import that is gone": ("import json\n", "", "1", "top of main.py: import json"),
        "a misspelt name": ("json.dumps(entries", "json.dumps(entris", "1", "mean entries?"),
        "a misspelt method": (".append(", ".apend(", "4a", "no apend. Did you mean append?"),
        "no end": (
            "    entries = load_entries(bucket)\n    entries.append",
            "    add_entry(bucket, name, text, stars)\n    entries.append",
            "4a",
            "calls itself",
        ),
        "no quotes": (
            "'application/json'",
            "application/json",
            "1",
            "does not know application. If it is text, write quotes around all of the text.",
        ),
        "no name before the values": (
            "Key=BOOK, Body=body, ContentType='application/json'",
            "BOOK, body",
            "1",
            "Write a name before each value",
        ),
    },
    "photo-album": {
        "a text of types": (
            "def photo_key",
            "TYPES = '.png'\n\n\ndef photo_key",
            "1",
            "came back: '.png'\nexpected:  a dictionary",
        ),
        "no dot": ("'.jpg':", "'jpg':", "1", "'jpg': 'image/jpeg'(?s:.*)the pair '.jpg'"),
        "a Path for the body": (
            "Body=path.read_bytes()",
            "Body=path",
            "3a",
            "Body may not be a PosixPath; it takes: bytes"
            if os.name != "nt"
            else "Body may not be a WindowsPath",
        ),
        "a Path for a key": (
            "'photos/' + file_name",
            "Path('photos') / file_name",
            "2",
            r"came back: \w*Path\('photos[/\\]+sun.png'\)",
        ),
        "an escaped name, and a link as it is": ("html.escape(link)", "link", "5b", "&amp;copy"),
    },
    "share-links": {
        "a fraction": ("return minutes * 60", "return minutes * 60.0", "2", "came back: 600.0"),
        "a list instead of a dictionary": (
            "    return links",
            "    return list(links)",
            "6",
            r"came back: \[",
        ),
    },
}


@pytest.mark.thorough
@pytest.mark.parametrize("name", GRADED)
def test_a_mistake_is_shown_where_it_is(make: Callable[[str], Project], tmp_path: Path, name: str):
    reference = (SOLUTIONS / name / "main.py").read_text(encoding="utf-8")
    mains = [tmp_path / f"{place}.py" for place in range(len(MISTAKES[name]))]
    for main, (before, after, _, _) in zip(mains, MISTAKES[name].values(), strict=True):
        assert before in reference, before
        main.write_text(reference.replace(before, after), encoding="utf-8")

    ends = try_all(make(name), mains)

    for main, (what, (_, _, number, message)) in zip(mains, MISTAKES[name].items(), strict=True):
        found = ends[str(main)]
        said = [words for test, (_, words) in found.items() if test.startswith(f"test_{number}_")]
        assert re.search(message, said[0]), (what, said)
        for test in failed(graded(found)):
            assert_it_reads_well(found[test][1])


@pytest.mark.parametrize("name", GRADED)
def test_whether_a_function_was_begun_is_known(name: str):
    """STARTED in the tests is what hash_of() gives for the functions of the starter."""
    folder = STARTER / "_starter" / name
    tests = runpy.run_path(str(folder / "tests" / "test_main.py"))
    main = runpy.run_path(str(folder / "main.py"))

    assert tests["STARTED"] == {
        line.partition("(")[0]: grading.hash_of(main[line.partition("(")[0]])
        for line in tests["FUNCTIONS"]
    }


def screen_of(project: Project, before: str = "", after: str = "") -> str:
    """Return what the tests print after a change in main.py, which is taken back."""
    starter = project.read("main.py")
    assert before in starter
    project.write("main.py", starter.replace(before, after, 1))
    try:
        return project.python("-m", "pytest", "-q", "-p", "no:cacheprovider").out
    finally:
        project.write("main.py", starter)


def test_one_thing_at_a_time(make: Callable[[str], Project]):
    project = make("guestbook")

    untouched = screen_of(project)
    begun = screen_of(project, "BOOK = 'book.txt'", "BOOK = 'guestbook.json'")

    assert untouched.count("hint:") == 1
    assert " 0 of 5 done.\n Begin with 1. BRIEF.md tells you more.\n" in untouched
    assert " 1 of 5 done.\n Begin with 2. BRIEF.md tells you more.\n" in begun
    assert "This is TODO 2 in main.py. BRIEF.md says what to do there." in begun


def test_a_hint_is_for_those_who_have_begun(make: Callable[[str], Project]):
    screen = screen_of(make("guestbook"), "BOOK = 'book.txt'", "BOOK = 'guestbook.json'\n#")
    assert "ContentType=... is in the last line" not in screen
    begun = screen_of(
        make("guestbook"),
        "    bucket.put_object(",
        "    key = 'guestbook.json'\n    bucket.put_object(",
    )
    assert "hint:      Change the text after BOOK" in begun


def test_a_line_of_another_todo_is_named(make: Callable[[str], Project]):
    screen = screen_of(make("guestbook"), "'text/plain'", "application/json")

    hint = "write quotes around all of the text. Line 15 belongs to TODO 2: fix that first."
    assert hint in screen


@pytest.mark.thorough
def test_a_main_that_cannot_run_is_named_although_all_is_done(make: Callable[[str], Project]):
    """No test of an assignment calls main(): it uses the student's own bucket."""
    project = make("guestbook")
    starter = project.read("main.py")
    solution = (SOLUTIONS / "guestbook" / "main.py").read_text(encoding="utf-8")
    project.write("main.py", solution)
    try:
        well = screen_of(project)
        broken = screen_of(project, "from b2_client import get_bucket\n", "")
    finally:
        project.write("main.py", starter)

    assert " 5 of 5 done.\n" in well
    assert "But Python" not in well
    assert " 5 of 5 done.\n But Python does not know get_bucket, which main() uses.\n" in broken


@pytest.mark.thorough
def test_a_main_with_a_mark_at_its_beginning_is_read(make: Callable[[str], Project]):
    """Windows' old Notepad saves UTF-8 with it."""
    project = make("guestbook")
    starter = project.read("main.py")
    solution = (SOLUTIONS / "guestbook" / "main.py").read_text(encoding="utf-8")
    project.write("main.py", solution)
    try:
        screen = screen_of(project, '"""A guestbook', '\ufeff"""A guestbook')
    finally:
        project.write("main.py", starter)

    assert " 5 of 5 done.\n" in screen
    assert "Traceback" not in screen


@pytest.mark.thorough
def test_a_line_below_two_todos_belongs_to_both(make: Callable[[str], Project]):
    line = "    return bucket.meta.client.generate_presigned_url('get_object', bucket.name)"
    screen = screen_of(make("share-links"), "    return ''", line)

    assert "belongs to TODO" not in screen


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("after", "hint"),
    [
        ("    try:\n    bucket.put_object(", "Write what belongs to it below, with four spaces"),
        ("    try:\n        pass\n    bucket.put_object(", "A try needs an except below it"),
    ],
)
def test_words_for_a_try_that_is_not_complete(
    make: Callable[[str], Project], after: str, hint: str
):
    assert hint in screen_of(make("guestbook"), "    bucket.put_object(", after)


@pytest.mark.thorough
def test_hello_bucket_has_the_table_too(make: Callable[[str], Project]):
    project = make("hello-bucket")

    assert " ✔ 1   A saved text comes back unchanged\n" in screen_of(project)
    broken = screen_of(project, "Key=name, Body", "Key='a.txt', Body")
    assert " 0 of 6 done." not in broken
    assert " Begin with 1.\n" in broken
    assert broken.count("hint:") == 1


@pytest.mark.thorough
def test_the_table_shows_each_sentence_with_its_sign(make: Callable[[str], Project]):
    project = make("cloud-notes")

    done = project.python("-m", "pytest", "-q", "-p", "no:cacheprovider")

    assert " ✘ 1   A note has a key in the folder notes\n" in done.out
    assert "       came back: 'tea.txt'\n" in done.out
    assert " – 5b  Other files are not in the list  (do 5a first)\n" in done.out
    assert "FAILURES" not in done.out
    assert re.search(r"6 failed, 1 passed, 1 skipped in", done.out)
    plain = project.python(
        "-m", "pytest", "-q", "-p", "no:cacheprovider", env={"PYTHONIOENCODING": "ascii:replace"}
    )
    assert " x 1   A note has a key in the folder notes" in plain.out


@pytest.mark.thorough
def test_a_students_own_test_fails_as_in_any_other_project(make: Callable[[str], Project]):
    project = make("guestbook")
    project.write("tests/test_mine.py", "def test_1_mine():\n    assert 1 + 1 == 3\n")
    try:
        done = project.python("-m", "pytest", "-p", "no:cacheprovider", "tests/test_mine.py")
    finally:
        (project.path / "tests" / "test_mine.py").unlink()

    assert done.code == 1
    assert "assert (1 + 1) == 3" in done.out
    assert "Begin with" not in done.out
