# Wrong in TODO 6: it deletes everything that begins with notes/tea, so teapot is gone, too.
def delete_note(bucket, name):
    for obj in bucket.objects.filter(Prefix='notes/' + name):
        obj.delete()
