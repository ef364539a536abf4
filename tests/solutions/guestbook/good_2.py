"""A guestbook: all entries in one JSON file in your bucket. BRIEF.md says what to do."""

import json

import check_setup  # explains what goes wrong with your keys, your bucket or B2
from b2_client import get_bucket

BOOK = 'guestbook.json'


def save_entries(bucket, entries):
    body = json.dumps(entries, indent=2, ensure_ascii=False).encode()
    bucket.put_object(Key=BOOK, Body=body, ContentType='application/json')


def load_entries(bucket):
    obj = bucket.Object(BOOK)
    try:
        content = obj.get()['Body'].read()
    except bucket.meta.client.exceptions.NoSuchKey:
        return []
    text = content.decode()
    return json.loads(text)


def add_entry(bucket, name, text, stars):
    entry = {'name': name, 'text': text, 'stars': stars}
    entries = load_entries(bucket)
    entries.append(entry)
    save_entries(bucket, entries)
    return entry


def best(entries, number):
    # No sorted() here: take the best of the rest, again and again. This is max() by hand,
    # with > and not >=, so that the older one wins when the stars are equal.
    rest = []
    for entry in entries:
        rest.append(entry)
    result = []
    while len(result) < number and len(rest) > 0:
        place = 0
        for i in range(len(rest)):
            if rest[i]['stars'] > rest[place]['stars']:
                place = i
        result.append(rest.pop(place))
    return result


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
