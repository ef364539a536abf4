"""Hello, bucket: save some text, list the bucket, read the text back, make a link.

README.md says how to run it. Three things that you can change are marked 1, 2 and 3.
"""

import check_setup  # explains what goes wrong with your keys, your bucket or B2
from b2_client import get_bucket


def save_text(bucket, name, text):
    """Save the text as a file. encode() turns text into bytes; ContentType says what they are."""
    bucket.put_object(Key=name, Body=text.encode(), ContentType='text/plain; charset=utf-8')


def list_names(bucket):
    """Return a list of the names of all files in the bucket. boto3 calls a file's name its key."""
    return [obj.key for obj in bucket.objects.all()]


def read_text(bucket, name):
    """Return the text in a file. read() gives its bytes; decode() turns them into text."""
    obj = bucket.Object(name)
    obj_content = obj.get()['Body'].read().decode()
    return obj_content


def make_link(bucket, name, seconds):
    """Return a link that opens the file for this many seconds: a week (604800) at most."""
    file = {'Bucket': bucket.name, 'Key': name}
    return bucket.meta.client.generate_presigned_url('get_object', Params=file, ExpiresIn=seconds)


def main():
    bucket = get_bucket()
    number = len(list_names(bucket)) + 1

    name = f'hello-{number}.txt'                 # 1. Change the file's name.
    text = f'Hello, bucket! Visit {number}.'     # 2. Change the text that is saved.
    save_text(bucket, name, text)
    print('Saved', name)

    print('In the bucket:', list_names(bucket))
    print('Read back:', read_text(bucket, name))

    link = make_link(bucket, name, seconds=600)  # 3. Change it: how many seconds are in a day?
    print('A link to it:', link)


if __name__ == '__main__':
    main()
