"""Makes one bucket and one key in a real account, uses them, and removes them: `nox -s live`.

The account is that of SCHOOL_KEY_ID and SCHOOL_KEY, which may make and delete buckets and keys.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from classroom.school_account import TO_END, TO_MAKE, SchoolAccount, is_key_of


def main() -> int:
    key_id, key = os.environ["SCHOOL_KEY_ID"], os.environ["SCHOOL_KEY"]
    account = SchoolAccount(key_id, key, "production", TO_MAKE | TO_END)
    bucket = account.make_bucket("starter-live-", "live", "s01")
    try:
        made = account.make_key(bucket, 600)
        client = boto3.client(
            "s3",
            endpoint_url=account.endpoint,
            aws_access_key_id=made.id_,
            aws_secret_access_key=made.application_key,
            config=Config(
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )
        client.put_object(Bucket=bucket.name, Key="a.txt", Body=b"one")
        assert client.get_object(Bucket=bucket.name, Key="a.txt")["Body"].read() == b"one"
        for other in account.list_buckets():
            if other.id_ != bucket.id_:
                try:
                    client.list_objects_v2(Bucket=str(other.name))
                    raise AssertionError("the key opens another bucket")
                except ClientError as error:
                    print(f"another bucket: {error.response['Error']['Code']}")
                break
    finally:
        for one in account.list_keys():
            if is_key_of(one, bucket):
                account.delete_key(one)
        account.delete_bucket(bucket)
    assert bucket.id_ not in [one.id_ for one in account.list_buckets()]
    print("1 passed, 0 failed")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
