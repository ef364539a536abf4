"""A photo album: pictures in a bucket, and a page that shows them. BRIEF.md says what to do."""

import check_setup  # explains what goes wrong with your keys, your bucket or B2
import html
from pathlib import Path
from urllib.parse import quote

from b2_client import get_bucket, practice_place

TYPES = {'.png': 'image/png'}  # TODO 1: the types of .jpg, .jpeg and .gif are missing.


def photo_key(file_name):
    # TODO 2: all photos should be in the folder photos/ of the bucket.
    return file_name


def upload_photo(bucket, path):
    # TODO 3: upload the file with its content type, under its photo_key.
    return None


def list_photos(bucket):
    # TODO 4: return the keys of all pictures in the folder photos/.
    return []


def photo_html(link, key):
    # TODO 5: return <img src="..." alt="..."> for one picture.
    return '<p>' + html.escape(key) + '</p>'


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
