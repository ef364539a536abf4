"""Cloud notes: keep short texts in your bucket. BRIEF.md says what to do."""

import check_setup  # explains what goes wrong with your keys, your bucket or B2
from b2_client import get_bucket
from botocore.exceptions import ClientError

FOLDER = 'notes/'
ENDING = '.txt'


def note_key(name):
    return f'{FOLDER}{name}{ENDING}'


def note_name(key):
    """The way back: notes/tea.txt -> tea."""
    return key.removeprefix(FOLDER).removesuffix(ENDING)


def is_note(key):
    return key.startswith(FOLDER) and key.endswith(ENDING)


def where(bucket, name):
    """What each call of the client wants to know."""
    return {'Bucket': bucket.name, 'Key': note_key(name)}


def save_note(bucket, name, text):
    bucket.meta.client.put_object(
        **where(bucket, name),
        Body=bytes(text, encoding='utf-8'),
        ContentType='text/plain; charset=utf-8',
    )


def read_note(bucket, name):
    try:
        answer = bucket.meta.client.get_object(**where(bucket, name))
    except ClientError as error:
        if error.response['Error']['Code'] != 'NoSuchKey':
            raise
        return f'There is no note called {name}.'
    with answer['Body'] as body:
        return str(body.read(), encoding='utf-8')


def list_notes(bucket):
    pages = bucket.meta.client.get_paginator('list_objects_v2').paginate(Bucket=bucket.name)
    keys = [found['Key'] for page in pages for found in page.get('Contents', [])]
    return sorted((note_name(key) for key in keys if is_note(key)), key=str.casefold)


def delete_note(bucket, name):
    bucket.meta.client.delete_object(**where(bucket, name))


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
