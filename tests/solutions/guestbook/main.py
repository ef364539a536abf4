"""A guestbook: all entries in one JSON file in your bucket. BRIEF.md says what to do."""

import check_setup  # explains what goes wrong with your keys, your bucket or B2
import json

from b2_client import get_bucket

BOOK = 'guestbook.json'


def save_entries(bucket, entries):
    body = json.dumps(entries, indent=2, ensure_ascii=False).encode()
    bucket.put_object(Key=BOOK, Body=body, ContentType='application/json')


def load_entries(bucket):
    try:
        obj = bucket.Object(BOOK)
        return json.loads(obj.get()['Body'].read().decode())
    except bucket.meta.client.exceptions.NoSuchKey:
        return []


def add_entry(bucket, name, text, stars):
    entries = load_entries(bucket)
    entries.append({'name': name, 'text': text, 'stars': stars})
    save_entries(bucket, entries)


def best(entries, number):
    by_stars = sorted(entries, key=lambda entry: entry['stars'], reverse=True)
    return by_stars[:number]


def main():
    bucket = get_bucket()
    add_entry(bucket, 'Ada', 'What a lovely bucket!', 5)
    add_entry(bucket, 'Linus', 'Could be louder.', 3)
    add_entry(bucket, 'Grace', 'No bugs found.', 5)

    entries = load_entries(bucket)
    print('The guestbook has', len(entries), 'entries. The best are:')
    for entry in best(entries, 2):
        print('   ', '*' * entry['stars'], entry['name'], '-', entry['text'])


if __name__ == '__main__':
    main()
