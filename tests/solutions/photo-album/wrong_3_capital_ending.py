# Wrong in TODO 3: it does not use lower(), so SUN.PNG is not uploaded.
def upload_photo(bucket, path):
    ending = path.suffix
    if ending in TYPES:
        bucket.put_object(Key=photo_key(path.name), Body=path.read_bytes(), ContentType=TYPES[ending])
