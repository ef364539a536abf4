"""A guestbook: all entries in one JSON file in your bucket. BRIEF.md says what to do."""

from __future__ import annotations

import json
from operator import itemgetter
from typing import Any

from botocore.exceptions import ClientError

import check_setup  # explains what goes wrong with your keys, your bucket or B2
from b2_client import get_bucket

FOLDERLESS_NAME = "guestbook"
BOOK = f"{FOLDERLESS_NAME}.json"
JSON_TYPE = "application/json"

Entry = dict[str, Any]


def to_bytes(entries: list[Entry]) -> bytes:
    return json.dumps(list(entries), indent=2, ensure_ascii=False).encode("utf-8")


def save_entries(bucket, entries: list[Entry]) -> None:
    bucket.meta.client.put_object(
        Bucket=bucket.name, Key=BOOK, Body=to_bytes(entries), ContentType=JSON_TYPE
    )


def load_entries(bucket) -> list[Entry]:
    client = bucket.meta.client
    try:
        with client.get_object(Bucket=bucket.name, Key=BOOK)["Body"] as body:
            return json.load(body)
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchKey":
            return []
        raise


def add_entry(bucket, name, text, stars) -> Entry:
    entry = dict(name=name, text=text, stars=stars)
    save_entries(bucket, [*load_entries(bucket), entry])
    return entry


def best(entries: list[Entry], number: int) -> list[Entry]:
    return sorted(entries, key=itemgetter("stars"), reverse=True)[:number]


def main() -> None:
    bucket = get_bucket()
    for visitor in (
        ("Ada", "What a lovely bucket!", 5),
        ("Linus", "Could be louder.", 3),
        ("Grace", "No bugs found.", 5),
    ):
        add_entry(bucket, *visitor)

    entries = load_entries(bucket)
    print(f"The guestbook has {len(entries)} entries. The best are:")
    for entry in best(entries, 2):
        print(f"    {'*' * entry['stars']} {entry['name']} - {entry['text']}")


if __name__ == "__main__":
    main()
