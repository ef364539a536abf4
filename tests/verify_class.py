"""A term with one class: roster, projects, hand-ins, grades, a reset. Run by `nox -s thorough`."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from browsing import look, print_on_paper
from conftest import APPLICATION_KEY, SOLUTIONS, Project, clean_environment, contents_of, run

pytestmark = [pytest.mark.enable_socket, pytest.mark.thorough]

RIGHT = (SOLUTIONS / "cloud-notes" / "main.py").read_text(encoding="utf-8")
EVIL = "<img src=x onerror=\"document.title='hurt'\">"
NAMES = [
    "Anna Müller",
    "Ben O'Neil",
    "Cara Li",
    "Dan Day",
    "Eve Été",
    "Finn Fox",
    "Gus Gray",
    "Hao Hu",
    "Ida Ibsen",
    "Jon Jay",
    "Kim Kay",
    EVIL,
    "=1+1",
    *(f"Pupil {letter}" for letter in "ABCDEFGHIJKLMNOPQ"),
]


def roster() -> bytes:
    """Return 30 rows as a spreadsheet saves them."""
    quoted = [name.replace('"', '""') for name in NAMES]
    rows = [f'"{name}";7b;;' for name in quoted]
    lines = ["Student;Group;;", *rows[:5], ";;;", *rows[5:], ";;;", ""]
    return "\r\n".join(lines).encode("utf-8-sig")


def hand_in(folder: Path, projects: dict[str, Project]) -> None:
    """Change the projects, and hand them in, as students in a real class do."""

    def main(name: str, text: str) -> None:
        projects[name].write("main.py", text)

    for name in NAMES[:3] + NAMES[5:9] + [EVIL, "=1+1"]:
        main(name, RIGHT)
    # Anna: the folder itself. Ben: a zip, as a platform names it, in a zip, with a system's junk.
    ben = projects["Ben O'Neil"]
    (ben.path / "__MACOSX").mkdir()
    ben.write("__MACOSX/._main.py", "junk")
    inner = shutil.make_archive(str(folder / "inner"), "zip", folder, ben.path.name)
    (folder / "x").mkdir()
    shutil.move(inner, folder / "x" / "my project.zip")
    shutil.make_archive(str(folder / "ONeil_Ben_12345_project"), "zip", folder / "x")
    shutil.rmtree(folder / "x")
    shutil.rmtree(ben.path)
    # Cara: main.py alone. Dan: half of it. Eve: untouched. Finn: nothing.
    shutil.move(projects["Cara Li"].path / "main.py", folder / "Li_Cara_777_main-1.py")
    shutil.rmtree(projects["Cara Li"].path)
    half = RIGHT.replace("    bucket.Object(note_key(name)).delete()", "    return None")
    main("Dan Day", half.replace("return sorted(names)", "return names[::-1]"))
    shutil.rmtree(projects["Finn Fox"].path)
    # Gus: a bracket missing. Hao: a loop. Ida: another assignment. Jon: his own tests. Kim: keys.
    main("Gus Gray", RIGHT + "\nprint('done'\n")
    endless = "    while True:\n        names.sort()"
    main("Hao Hu", RIGHT.replace("    return sorted(names)", endless))
    shutil.copy(SOLUTIONS / "guestbook" / "main.py", projects["Ida Ibsen"].path)
    main("Jon Jay", RIGHT.replace("'notes/' + name", "name"))
    projects["Jon Jay"].write("tests/test_main.py", "def test_1_all_is_well():\n    pass\n")
    main("Kim Kay", RIGHT)
    projects["Kim Kay"].write(".env", f"B2_APPLICATION_KEY={APPLICATION_KEY}\n")


GRADES = {
    "Anna Müller": ("ok", 7),
    "Ben O'Neil": ("ok", 7),
    "Cara Li": ("ok", 7),
    "Dan Day": ("ok", 4),
    "Eve Été": ("not started", 0),
    "Finn Fox": ("not handed in", 0),
    "Gus Gray": ("cannot run", 0),
    "Hao Hu": ("timed out", 5),
    "Ida Ibsen": ("wrong assignment", 0),
    "Jon Jay": ("tests edited", 4),
    "Kim Kay": ("ok", 7),
    EVIL: ("ok", 7),
    "=1+1": ("ok", 7),
}


@pytest.fixture
def clone(template: Path) -> Path:
    """What a teacher has cloned from the school's own copy."""
    for words in (["init", "-q"], ["remote", "add", "origin", "https://example.org/school/b2.git"]):
        subprocess.run(["git", *words], cwd=template, check=True)
    return template


def test_a_term(clone: Path, tmp_path: Path, browser: str):
    (tmp_path / "roster.csv").write_bytes(roster())
    home = tmp_path / "home"
    home.mkdir()
    env = {**clean_environment(), "HOME": str(home), "USERPROFILE": str(home)}

    def classroom(*words: str) -> Any:
        return run([sys.executable, str(clone / "classroom"), *words], tmp_path, env)

    # The projects.
    made = classroom("new_class", "roster.csv", "--out", "class", "--assignment", "cloud-notes")
    assert made.code == 0, made.printed
    assert "30 made, 0 already there, 0 rows to fix." in made.out
    folder = tmp_path / "class"
    with (folder / "class.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["student"].removeprefix("'") for row in rows] == NAMES
    folders = [folder / row["folder"] for row in rows]
    projects = dict(zip(NAMES, map(Project, folders), strict=True))

    # The hand-ins and their grades.
    hand_in(folder, projects)
    before = contents_of(folder)
    graded = classroom("grade", "class", "--out", "grades/grades.csv", "--seconds", "30")
    assert graded.code == 0, graded.printed
    assert contents_of(folder) == before, "grading changes nothing of what was handed in"
    page = tmp_path / "grades" / "grades.html"
    found = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))
    grades = {one["student"]: (one["state"], one["points"]) for one in found["students"]}
    assert list(grades) == NAMES
    assert {name: grades[name] for name in GRADES} == GRADES
    assert {grades[name] for name in NAMES if name not in GRADES} == {("not started", 0)}
    notes = {one["student"]: one["notes"] for one in found["students"]}
    assert notes["Kim Kay"][0] == "KEYS in .env: delete them in the console"
    with page.with_suffix(".csv").open(encoding="utf-8-sig", newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["student"] for row in table if not row["student"][0].isalpha()] == [EVIL, "'=1+1"]
    assert {row["group"] for row in table} == {"7b"}
    assert len(list((tmp_path / "grades" / "grades-feedback").iterdir())) == 30

    # The page.
    seen = look(browser, page.as_uri(), tmp_path)
    assert (seen["title"], seen["pictures"], seen["fetched"]) == ("cloud-notes: the class", [], 0)
    assert seen["width"] <= 360
    assert seen["name_width"] > 90, "names are not broken into letters"
    assert seen["rows"][0][:4] == ["student", "state", "points", "1"]
    assert {row[0]: (row[1], int(row[2].split()[0])) for row in seen["rows"][1:]} == grades
    assert "Dan Day" in seen["text"].partition("Who is stuck where")[2]
    assert "Kim Kay: KEYS in .env: delete them in the console" in seen["text"]
    assert 1 <= print_on_paper(browser, page, tmp_path) <= 3

    # A reset.
    dan = projects["Dan Day"]
    mine = (dan.path / "main.py").read_bytes()
    (dan.path / "b2_client.py").unlink()
    reset = run(
        [
            sys.executable,
            "-m",
            "cookiecutter",
            str(clone),
            "--replay-file",
            f"{dan.path.name}/b2-starter.json",
            "-f",
        ],
        folder,
        {**env, "PWD": str(folder)},
    )
    assert reset.code == 0, reset.printed
    assert "brought up to date: b2_client.py" in reset.out
    assert (dan.path / "main.py").read_bytes() == mine
    assert "cookiecutter https://example.org/school/b2.git -f" in dan.read("README.md")
