"""Share links: let friends read a file for a few minutes. BRIEF.md says what to do."""

import check_setup  # explains what goes wrong with your keys, your bucket or B2
from b2_client import get_bucket

LONGEST = 7 * 24 * 60  # minutes


def seconds(minutes):
    return minutes * 60


def file_is_there(bucket, name):
    for obj in bucket.objects.all():
        if obj.key == name:
            return True
    return False


def share(bucket, name, minutes):
    if not file_is_there(bucket, name):
        return f'There is no file called {name}.'
    if minutes > LONGEST:
        return f'A link can last {LONGEST} minutes at most.'
    what = {'Bucket': bucket.name, 'Key': name}
    client = bucket.meta.client
    return client.generate_presigned_url('get_object', Params=what, ExpiresIn=seconds(minutes))


def share_all(bucket, folder, minutes):
    links = {}
    for obj in bucket.objects.filter(Prefix=folder):
        links[obj.key] = share(bucket, obj.key, minutes)
    return links


def main():
    bucket = get_bucket()
    for name in ('trip/plan.txt', 'trip/packing.txt', 'diary.txt'):
        bucket.put_object(Key=name, Body=b'Only for friends.', ContentType='text/plain')
    print('Three files are in the bucket.')

    print('A link for 10 minutes:', share(bucket, 'trip/plan.txt', 10))
    print('No such file:', share(bucket, 'secret.txt', 10))
    print('Too long:', share(bucket, 'trip/plan.txt', 8 * 24 * 60))
    for name, link in share_all(bucket, 'trip/', 60).items():
        print(name, '->', link)


if __name__ == '__main__':
    main()
