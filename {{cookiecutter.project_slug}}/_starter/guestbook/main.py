"""A guestbook: all entries in one JSON file in your bucket. BRIEF.md says what to do."""

import check_setup  # explains what goes wrong with your keys, your bucket or B2
import json

from b2_client import get_bucket

BOOK = 'book.txt'  # TODO 1: the file should be called guestbook.json.


def save_entries(bucket, entries):
    # You do not need to change this line. It turns the list into text, and the text into bytes.
    body = json.dumps(entries, indent=2, ensure_ascii=False).encode()
    # TODO 2: give it the content type of JSON, which is application/json.
    bucket.put_object(Key=BOOK, Body=body, ContentType='text/plain')


def load_entries(bucket):
    # TODO 3: return the list that save_entries has saved; [] if there is no file yet.
    return []


def add_entry(bucket, name, text, stars):
    # TODO 4: so far, this only keeps the newest entry. Add it to the end of the saved list.
    entry = {'name': name, 'text': text, 'stars': stars}
    save_entries(bucket, [entry])


def best(entries, number):
    # TODO 5: return the best entries, most stars first; number says how many.
    return []


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
