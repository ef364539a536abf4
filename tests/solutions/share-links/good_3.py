"""Share links: let friends read a file for a few minutes. BRIEF.md says what to do."""

from datetime import timedelta

import check_setup  # explains what goes wrong with your keys, your bucket or B2
from b2_client import get_bucket
from botocore.exceptions import ClientError

ONE_DAY = timedelta(days=1)
LONGEST = 7 * ONE_DAY // timedelta(minutes=1)


def seconds(minutes):
    return int(timedelta(minutes=minutes).total_seconds())


def file_is_there(bucket, name):
    client = bucket.meta.client
    try:
        client.head_object(Bucket=bucket.name, Key=name)
    except ClientError as error:
        if error.response['ResponseMetadata']['HTTPStatusCode'] == 404:
            return False
        raise  # a wrong key, no permission: not our business
    else:
        return True


def make_link(bucket, name, minutes):
    return bucket.meta.client.generate_presigned_url(
        ClientMethod='get_object',
        Params=dict(Bucket=bucket.name, Key=name),
        ExpiresIn=seconds(minutes),
        HttpMethod='GET',
    )


def why_not(bucket, name, minutes):
    """Return why there can be no link, or None."""
    if not file_is_there(bucket, name):
        return 'There is no file called {}.'.format(name)
    if minutes > LONGEST:
        return 'A link can last ' + str(LONGEST) + ' minutes at most.'
    return None


def share(bucket, name, minutes):
    return why_not(bucket, name, minutes) or make_link(bucket, name, minutes)


def names_in(bucket, folder):
    pages = bucket.meta.client.get_paginator('list_objects_v2').paginate(Bucket=bucket.name, Prefix=folder)
    return [found['Key'] for page in pages for found in page.get('Contents', [])]


def share_all(bucket, folder, minutes):
    return {name: share(bucket, name, minutes) for name in names_in(bucket, folder)}


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
