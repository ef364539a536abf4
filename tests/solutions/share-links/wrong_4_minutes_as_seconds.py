# Wrong in TODO 4: ExpiresIn gets the minutes, so the link expires 60 times too early.
def share(bucket, name, minutes):
    if not file_is_there(bucket, name):
        return f'There is no file called {name}.'
    if minutes > LONGEST:
        return f'A link can last {LONGEST} minutes at most.'
    what = {'Bucket': bucket.name, 'Key': name}
    link = bucket.meta.client.generate_presigned_url('get_object', Params=what, ExpiresIn=minutes)
    return link
