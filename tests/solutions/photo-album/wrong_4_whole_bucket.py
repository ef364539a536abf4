# Wrong in TODO 4: it lists the pictures of the whole bucket, not only those in photos/.
def list_photos(bucket):
    return sorted(obj.key for obj in bucket.objects.all() if Path(obj.key).suffix.lower() in TYPES)
