# Wrong in TODO 3: a file whose name only begins with the name counts as the file.
def file_is_there(bucket, name):
    for obj in bucket.objects.all():
        if obj.key.startswith(name):
            return True
    return False
