# Wrong in TODO 6: the links are the keys of the dictionary and the names are the values.
def share_all(bucket, folder, minutes):
    links = {}
    for obj in bucket.objects.filter(Prefix=folder):
        links[share(bucket, obj.key, minutes)] = obj.key
    return links
