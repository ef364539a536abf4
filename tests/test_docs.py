"""Everything that README.md, CONTRIBUTING.md and docs/ mention exists: links, paths, sessions."""

from __future__ import annotations

import re

import b2_rules
import pytest
from conftest import ROOT, STARTER, tracked_files

PAGES = [
    name for name in tracked_files() if name.endswith(".md") and not name.startswith(STARTER.name)
]


@pytest.mark.parametrize("name", PAGES)
def test_what_a_page_links_to_is_there(name: str):
    text = (ROOT / name).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)]+)\)|src=\"([^\"]+)\"", text)
    for target in filter(None, sum(links, ())):
        if target.startswith("#"):
            heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
            assert target[1:] in [head.lower().replace(" ", "-") for head in heads], target
        elif not target.startswith("https://"):
            file = (ROOT / name).parent / target
            assert file.resolve().relative_to(ROOT).as_posix() in tracked_files(), target


@pytest.mark.parametrize("name", PAGES)
def test_the_paths_in_a_page_are_there(name: str):
    text = (ROOT / name).read_text(encoding="utf-8")
    for path in re.findall(r"`((?:tests|docs|hooks|classroom|benchmarks)/[\w./]+)`", text):
        in_project = [STARTER / path, *STARTER.glob(f"_starter/*/{path}")]
        assert any(file.exists() for file in [ROOT / path, *in_project]), path


def test_the_sessions_that_are_named_exist():
    noxfile = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    there = set(re.findall(r"^@nox\.session.*\ndef (\w+)", noxfile, re.MULTILINE))
    for name in PAGES:
        text = (ROOT / name).read_text(encoding="utf-8")
        for session in re.findall(r"nox -s (\w+)", text):
            assert session in there, f"{name}: nox -s {session}"
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", contributing, re.MULTILINE)
    assert set(re.findall(r"\w+", " ".join(rows))) == there


def test_the_way_from_the_console_to_boto3():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    client = (STARTER / "b2_client.py").read_text(encoding="utf-8")
    lines = re.findall(r"^(\w+) +----> +(\w+)= +----> +(.*)$", readme, re.MULTILINE)

    words = {name: word for word, name, _ in lines}
    assert list(words) == list(b2_rules.CONSOLE_WORDS)
    for name, word in b2_rules.CONSOLE_WORDS.items():
        assert words[name] in word
    for _, name, gets in lines:
        for argument in re.findall(r"\w+_\w+", gets):
            assert re.search(rf'{argument}=[^,\n]*settings\["{name}"\]', client), argument


@pytest.mark.parametrize("name", [name for name in tracked_files() if name.endswith(".svg")])
def test_a_picture_shows_what_a_reader_would_see(name: str):
    shown = (ROOT / name).read_text(encoding="utf-8").replace("&#160;", " ")

    assert "$ " in shown
    assert not re.search(r"Warning|Traceback|Errno|/tmp/|fetch|@font-face", shown)
