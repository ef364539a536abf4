"""Cloud notes: keep short texts in your bucket. BRIEF.md says what to do."""

import check_setup  # explains what goes wrong with your keys, your bucket or B2
from b2_client import get_bucket


def note_key(name):
    # TODO 1: all notes should be in the folder notes/ of the bucket.
    return name + '.txt'


def save_note(bucket, name, text):
    # TODO 2: keep every letter of the text, such as ü, é and 你.
    body = text.encode('ascii', errors='replace')
    bucket.put_object(Key=note_key(name), Body=body, ContentType='text/plain; charset=utf-8')


def read_note(bucket, name):
    # TODO 3: return the text of the note.
    # TODO 4: if there is no such note, return a sentence: There is no note called tea.
    return None


def list_notes(bucket):
    # TODO 5: return the names of all notes, such as ['shopping', 'tea'].
    return []


def delete_note(bucket, name):
    # TODO 6: delete the note.
    return None


def main():
    bucket = get_bucket()
    save_note(bucket, 'shopping', 'Milk, bread, 3 apples')
    save_note(bucket, 'greeting', 'Grüße und 你好')
    print('Two notes are saved. The bucket now contains:')
    for obj in bucket.objects.all():
        print('   ', obj.key)

    print('Your notes:', list_notes(bucket))
    print('shopping says:', read_note(bucket, 'shopping'))
    print('greeting says:', read_note(bucket, 'greeting'))
    print('homework says:', read_note(bucket, 'homework'))

    delete_note(bucket, 'greeting')
    print('Without greeting:', list_notes(bucket))


if __name__ == '__main__':
    main()
