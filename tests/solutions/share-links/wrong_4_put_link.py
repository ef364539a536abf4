# Wrong in TODO 4: makes a link for put_object, which uploads and does not read.
def share(bucket, name, minutes):
    if not file_is_there(bucket, name):
        return f'There is no file called {name}.'
    if minutes > LONGEST:
        return f'A link can last {LONGEST} minutes at most.'
    what = {'Bucket': bucket.name, 'Key': name}
    link = bucket.meta.client.generate_presigned_url('put_object', Params=what, ExpiresIn=seconds(minutes))
    return link
