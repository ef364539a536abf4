# Wrong in TODO 5: rstrip('.txt') takes away single letters, so the note text becomes te.
def list_notes(bucket):
    names = []
    for obj in bucket.objects.filter(Prefix='notes/'):
        if obj.key.endswith('.txt'):
            names.append(obj.key.replace('notes/', '', 1).rstrip('.txt'))
    return sorted(names)
