# Wrong in TODO 3: the content type is not given.
def upload_photo(bucket, path):
    if path.suffix.lower() in TYPES:
        bucket.put_object(Key=photo_key(path.name), Body=path.read_bytes())
