# Wrong in TODO 5: it returns the whole keys, with notes/ and .txt.
def list_notes(bucket):
    names = []
    for obj in bucket.objects.filter(Prefix='notes/'):
        if obj.key.endswith('.txt'):
            names.append(obj.key)
    return sorted(names)
