# Wrong in TODO 5: refuses exactly LONGEST minutes, too.
def share(bucket, name, minutes):
    if not file_is_there(bucket, name):
        return f'There is no file called {name}.'
    if minutes >= LONGEST:
        return f'A link can last {LONGEST} minutes at most.'
    what = {'Bucket': bucket.name, 'Key': name}
    link = bucket.meta.client.generate_presigned_url('get_object', Params=what, ExpiresIn=seconds(minutes))
    return link
