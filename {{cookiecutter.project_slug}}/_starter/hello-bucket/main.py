"""Hello, bucket: save a text, list the bucket, read the text back, make a link.

README.md says how to run it. Three things that you can change are marked 1, 2 and 3.
"""

import check_setup  # explains what goes wrong with your keys, your bucket or B2
from b2_client import get_bucket


def save_text(bucket, name, text):
    bucket.put_object(Key=name, Body=text.encode(), ContentType='text/plain; charset=utf-8')


def list_names(bucket):
    return [obj.key for obj in bucket.objects.all()]


def read_text(bucket, name):
    obj = bucket.Object(name)
    obj_content = obj.get()['Body'].read().decode()
    return obj_content


def make_link(bucket, name, seconds):
    what = {'Bucket': bucket.name, 'Key': name}
    return bucket.meta.client.generate_presigned_url('get_object', Params=what, ExpiresIn=seconds)


def main():
    bucket = get_bucket()
    number = len(list_names(bucket)) + 1

    name = f'hello-{number}.txt'                 # 1. Change what the file is called.
    text = f'Hello, bucket! Visit {number}.'     # 2. Change the text: what do you want to keep?
    save_text(bucket, name, text)
    print('Saved', name)

    print('In the bucket:', list_names(bucket))
    print('Read back:', read_text(bucket, name))

    link = make_link(bucket, name, seconds=600)  # 3. Change the time: how many seconds are a day?
    print('A link to it:', link)


if __name__ == '__main__':
    main()
