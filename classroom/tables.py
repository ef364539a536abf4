"""Reads tables as spreadsheets and school platforms save them, and writes cells for them."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

# A spreadsheet treats a value that begins like this as a formula. Source: OWASP, "CSV Injection".
FORMULA = r"[=+\-@\t\r]"

# What a spreadsheet may call just "CSV": Excel in western and in central Europe, and on old Macs.
OLD_ENCODINGS = ("cp1252", "cp1250", "mac_roman")
DELIMITERS = "\t;,"
PUNCTUATION = "’‘“”–—«»"  # may touch a letter


csv.field_size_limit(10_000_000)  # characters of a value; Python's own limit is 131,072


class ClassError(Exception):
    """The command cannot go on. The text says why, and what to do."""


# Letters.


def find_encoding(content: bytes, known: Collection[str] = ()) -> str:
    """Return the encoding that a spreadsheet has chosen for a file, as Python calls it.

    known: names that are probably in it. Raises ClassError if nobody can tell the letters.
    """
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    if content[1:2] == b"\0":
        return "utf-16-le"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return find_old_encoding(content, known)
    return "utf-8-sig" if content.startswith(b"\xef\xbb\xbf") else "utf-8"


def find_old_encoding(content: bytes, known: Collection[str]) -> str:
    """Return the encoding of a file that is not UTF-8, if its letters make sense in one way only.

    On Windows, Excel uses the computer's own encoding, so that decides between several.
    """
    texts: dict[str, str] = {}  # text: encoding
    for encoding in OLD_ENCODINGS:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if makes_sense(text):
            texts.setdefault(text, encoding)
    if sys.platform == "win32" and content.decode("mbcs", errors="replace") in texts:
        return "mbcs"
    counts = {text: sum(name in text for name in known) for text in texts}
    best = [text for text in texts if counts[text] == max(counts.values())]
    if len(best) == 1:
        return texts[best[0]]
    words = "; ".join(list_odd_words(list(texts))[:3]) or "it is not text"
    raise ClassError(
        f"its letters can be read in several ways ({words}). Save it again as CSV"
        " UTF-8: in Excel, File, Save As, CSV UTF-8."
    )


def makes_sense(text: str) -> bool:
    """Tell whether no word has a sign in it, or a capital letter inside, that is not ASCII."""
    for before, char, after in zip(f" {text}", text, f"{text[1:]} ", strict=False):
        if char.isascii() or char in PUNCTUATION:
            continue
        touches = before.isalpha() or after.isalpha()
        if not char.isalpha() and (touches or not char.isprintable()):
            return False
        if char.isupper() and before.isalpha() and (before.islower() or after.islower()):
            return False
    return True


def list_odd_words(texts: list[str]) -> list[str]:
    """Return the words in which texts differ, in all spellings: "Núñez or Núńez"."""
    words = []
    for spellings in zip(*[re.split(r"[\s;,]+", text) for text in texts], strict=False):
        different = dict.fromkeys(spellings)
        if len(different) > 1:
            words.append(" or ".join(different))
    return words


# Cells.


def guard_cell(value: str) -> str:
    """Return a value that a spreadsheet shows as it is, and does not treat as a formula."""
    return f"'{value}" if re.match(FORMULA, value) else value


def unguard_cell(value: str) -> str:
    """Return the value that was given to guard_cell()."""
    return value[1:] if re.match(f"'{FORMULA}", value) else value


# Rows.


def find_delimiter(text: str) -> tuple[str, str]:
    """Return the character between the values, and the text without Excel's line sep=;"""
    first_line, _, rest = text.partition("\n")
    named = re.fullmatch(r"sep=(.)\s*", first_line, re.IGNORECASE)
    if named:
        return named[1], rest  # a spreadsheet neither shows nor counts that line
    lines = [line for line in text.split("\n") if line.strip(" ;,\t\r")]
    header = lines[0] if lines else ""
    return max(DELIMITERS, key=header.count), text  # a tab, if there is only one column


def read_rows(path: Path, text: str, delimiter: str = "") -> Iterator[tuple[int, list[str]]]:
    """Yield (number, values) for each row that is not blank. Blank rows are counted, too.

    path: of the file, for messages; text: what is in it; delimiter: the character between the
    values; "" means that the first row tells. Raises ClassError as parse() does.
    """
    found, table = find_delimiter(text)
    for number, values in enumerate(parse(path, table, delimiter or found), start=1):
        cleaned = [" ".join(value.split()) for value in values]
        if any(cleaned):
            yield number, [unguard_cell(value) for value in cleaned]


def parse(path: Path, text: str, delimiter: str) -> list[list[str]]:
    """Return the values of all rows as they are.

    Raises ClassError if it is not a table, or if a quote is missing: the rows below it would
    become a part of one value, and nobody would notice.
    """
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise ClassError(f"{path} is not a CSV file ({error}). Save it as CSV again.") from None
    is_even = text.count('"') % 2 == 0
    for number, row in enumerate(rows, start=1):
        if any("\n" in value for value in row) and not is_even:
            raise ClassError(f'{path}, Row {number}: a quote (") is missing there. Correct it.')
    return rows


def read_text(path: Path, known: Collection[str] = ()) -> str:
    """Return the text of a table. Raises ClassError if it is something else, or not there.

    known: as for find_encoding().
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ClassError(f"{path} cannot be read ({error.strerror}). Check its name.") from None
    if path.suffix.lower() in (".xls", ".ods") or content[:2] == b"PK":
        raise ClassError(f"{path} is a spreadsheet. Save it as CSV first: File, Save as, CSV.")
    try:
        return content.decode(find_encoding(content, known), errors="replace")
    except ClassError as error:
        raise ClassError(f"{path} cannot be used: {error}") from None
