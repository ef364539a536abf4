"""Cloud notes: keep short texts in your bucket. BRIEF.md says what to do."""

import check_setup  # explains what goes wrong with your keys, your bucket or B2
from b2_client import get_bucket


def note_key(name):
    return 'notes/' + name + '.txt'


def save_note(bucket, name, text):
    body = text.encode('utf-8')
    bucket.put_object(Key=note_key(name), Body=body, ContentType='text/plain; charset=utf-8')


def read_note(bucket, name):
    obj = bucket.Object(note_key(name))
    try:
        content = obj.get()['Body'].read()
    except bucket.meta.client.exceptions.NoSuchKey:
        return 'There is no note called ' + name + '.'
    text = content.decode('utf-8')
    return text


def list_notes(bucket):
    names = []
    for obj in bucket.objects.filter(Prefix='notes/'):
        key = obj.key
        if key.endswith('.txt'):
            name = key[len('notes/'):-len('.txt')]
            names.append(name)
    names.sort()
    return names


def delete_note(bucket, name):
    key = note_key(name)
    bucket.Object(key).delete()


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
