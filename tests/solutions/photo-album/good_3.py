"""A photo album: pictures in a bucket, and a page that shows them. BRIEF.md says what to do."""

from pathlib import Path, PurePosixPath
from urllib.parse import quote
from xml.sax.saxutils import escape

import check_setup  # explains what goes wrong with your keys, your bucket or B2
from b2_client import get_bucket, practice_place

TYPES = {f'.{kind}': f'image/{kind}' for kind in ('png', 'jpeg', 'gif')}
TYPES['.jpg'] = TYPES['.jpeg']

FOLDER = 'photos'


def content_type(name):
    """Return the content type of a picture, None for a file of another kind."""
    return TYPES.get(PurePosixPath(name).suffix.lower())


def attribute(name, value):
    """Return name="value", fit for a tag."""
    safe = escape(value, {'"': '&quot;'})
    return f'{name}="{safe}"'


def photo_key(file_name):
    return str(PurePosixPath(FOLDER, file_name))


def upload_photo(bucket, path):
    kind = content_type(path.name)
    if kind is None:
        return
    with path.open('rb') as file:
        bucket.upload_fileobj(file, photo_key(path.name), ExtraArgs={'ContentType': kind})


def list_photos(bucket):
    pages = bucket.meta.client.get_paginator('list_objects_v2').paginate(
        Bucket=bucket.name, Prefix=f'{FOLDER}/')
    found = [entry['Key'] for page in pages for entry in page.get('Contents', [])]
    return sorted(key for key in found if content_type(key))


def photo_html(link, key):
    file_name = key.rpartition('/')[2]
    name = file_name.rpartition('.')[0] or file_name
    return f"<img {attribute('src', link)} {attribute('alt', name)}>"


def album_html(bucket):
    photos = [photo_html(photo_link(bucket, key), key) for key in list_photos(bucket)]
    return ('<!doctype html><html lang="en"><meta charset="utf-8"><title>My album</title>'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<style>img {max-width: 100%}</style><h1>My album</h1>' + '\n'.join(photos))


def photo_link(bucket, key):
    """Return where a browser finds the photo: next to the page, or at a one-hour link."""
    if practice_place(key):
        return quote(practice_place(key))
    file = {'Bucket': bucket.name, 'Key': key}
    return bucket.meta.client.generate_presigned_url('get_object', Params=file, ExpiresIn=3600)


def main():
    bucket = get_bucket()
    for path in sorted(Path(__file__).with_name('pictures').iterdir()):
        upload_photo(bucket, path)
    print('Photos:', list_photos(bucket))
    bucket.put_object(Key='album.html', Body=album_html(bucket).encode(), ContentType='text/html')
    folder = 'practice-bucket/' if practice_place('album.html') else ''
    print('Open this in a browser:', folder + photo_link(bucket, 'album.html'))


if __name__ == '__main__':
    main()
