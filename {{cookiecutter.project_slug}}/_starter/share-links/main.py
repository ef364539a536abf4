"""Share links: let friends read a file for a few minutes. BRIEF.md says what to do."""

import check_setup  # explains what goes wrong with your keys, your bucket or B2
from b2_client import get_bucket

LONGEST = 24 * 60  # minutes. TODO 1: a link can last 7 days.


def seconds(minutes):
    # TODO 2: boto3 counts in seconds: seconds(2) should be 120.
    return minutes


def file_is_there(bucket, name):
    # TODO 3: return True if the bucket has a file with this name, else False.
    return False


def share(bucket, name, minutes):
    # TODO 4: return a link to the file that works for this number of minutes.
    # TODO 5: refuse a file that is not there, and a time that is too long.
    return ''


def share_all(bucket, folder, minutes):
    # TODO 6: return a dictionary: each name that begins with folder, and its link.
    return {}


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
