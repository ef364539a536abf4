# Wrong in TODO 3: the else inside the loop returns False after the first file.
def file_is_there(bucket, name):
    for obj in bucket.objects.all():
        if obj.key == name:
            return True
        else:
            return False
    return False
