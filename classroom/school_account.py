"""The school's account on B2: its buckets and keys, by Backblaze's own library.

What it knows is kept in memory only: b2sdk would else write the teacher's key into a file.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import string
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from b2sdk.v3 import (
    ApplicationKey,
    B2Api,
    Bucket,
    FullApplicationKey,
    InMemoryAccountInfo,
)
from b2sdk.v3 import exception as b2

from classroom.tables import ClassError
from classroom.template import b2_rules

# What a student's key may do: what the tests and assignments need, and nothing with other buckets.
OF_A_STUDENT = [
    *("listBuckets", "listAllBucketNames", "listFiles", "readFiles"),
    *("shareFiles", "writeFiles", "deleteFiles"),
]
TO_MAKE = {"listBuckets", "writeBuckets", "listKeys", "writeKeys", "deleteKeys", *OF_A_STUDENT}
TO_END = {"listBuckets", "deleteBuckets", "listKeys", "deleteKeys", "listFiles", "deleteFiles"}
TO_LOOK = {"listBuckets", "listKeys"}
# Source: Backblaze, "Lifecycle Rules": what the console calls "Keep only the last version".
LAST_VERSION_ONLY: list[Any] = [
    {"daysFromHidingToDeleting": 1, "daysFromUploadingToHiding": None, "fileNamePrefix": ""}
]
USUAL_MOST_BUCKETS = 100  # source: Backblaze, "Buckets"
LONGEST_KEY = 1000 * 24 * 3600 - 1  # seconds; source: Backblaze, b2_create_key
CLASS, ALIAS = "b2-starter-class", "b2-starter-alias"  # in a bucket's info: that it is ours
KEY_NAME = "b2-starter-"  # and the bucket's name
RANDOM = string.ascii_lowercase + string.digits

# What B2 calls an error, and a sentence for the teacher. Sources: b2sdk, _internal/exception.py;
# backblaze.com/apidocs, b2_create_bucket.
BY_CODE = {
    "email_not_verified": (
        "Confirm the e-mail address of the account first: Backblaze has sent you an e-mail."
    ),
    "no_payment_history": "The account needs a payment method first: in the console, Billing.",
    "storage_cap_exceeded": (
        "The account has reached its storage cap. In the console: Caps & Alerts."
    ),
    "transaction_cap_exceeded": (
        "The account has reached its cap of requests for today. In the console: Caps & Alerts."
    ),
    "too_many_buckets": (
        "The account has as many buckets as it may have. Delete some in the console."
    ),
}
# What b2sdk raises without such a name; the first that fits counts.
BY_KIND: list[tuple[tuple[type[Exception], ...], str]] = [
    ((b2.StorageCapExceeded,), BY_CODE["storage_cap_exceeded"]),
    ((b2.TransactionCapExceeded,), BY_CODE["transaction_cap_exceeded"]),
    ((b2.ClockSkew,), "This computer's clock is wrong. Set its date and time, and try again."),
    ((b2.TooManyRequests, b2.ServiceError), "B2 is busy. Run the same command again in a minute."),
    (
        (b2.B2ConnectionError, b2.B2RequestTimeout, b2.ConnectionReset, b2.BrokenPipe),
        "The connection to B2 was cut off. Run the command again; --status shows how far it got.",
    ),
    ((b2.UnknownHost,), "There is no network, or it does not let you reach B2."),
    (
        (b2.Unauthorized,),
        "B2 refuses this key. Is it complete? Was it not deleted?",
    ),
]


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Raise a ClassError with a sentence in place of what b2sdk raises."""
    try:
        yield
    except b2.B2Error as error:
        by_kind = [sentence for kinds, sentence in BY_KIND if isinstance(error, kinds)]
        sentences = [BY_CODE.get(getattr(error, "code", ""), ""), *by_kind, f"B2 answered: {error}"]
        raise ClassError(next(filter(None, sentences))) from None


class SchoolAccount:
    """An account that a teacher's key leads to. Each method may raise ClassError."""

    def __init__(self, key_id: str, key: str, realm: str, needed: set[str]) -> None:
        """Log in. realm: "production", or the address of a server; needed: capabilities."""
        logging.disable()  # b2sdk's log of each call would have keys in it
        warnings.simplefilter("ignore")  # it warns of errors that it does not know
        self.api = B2Api(InMemoryAccountInfo())
        with explained():
            try:
                self.api.authorize_account(
                    application_key_id=key_id, application_key=key, realm=realm
                )
            except (KeyError, TypeError):  # b2sdk takes it for granted
                raise ClassError(
                    "This account has no address for S3, so boto3 cannot use it. Accounts from"
                    " before May 2020 may lack it: make a new account."
                ) from None
        allowed: Any = self.api.account_info.get_allowed()
        missing = sorted(needed - set(allowed["capabilities"]))
        if missing or allowed.get("buckets") or allowed.get("namePrefix"):
            what = f"It lacks: {', '.join(missing)}." if missing else "It is for some buckets only."
            raise ClassError(
                f"This key may not do that. {what} Use the master application key of the account"
                " (in the console: Application Keys), or make a key with all capabilities:"
                " b2 key create --all-capabilities school"
            )

    @property
    def endpoint(self) -> str:
        """The address for boto3, as in .env."""
        return str(b2_rules.clean_endpoint(self.api.account_info.get_s3_api_url()))

    def list_buckets(self) -> list[Bucket]:
        with explained():
            return list(self.api.list_buckets())

    def list_keys(self) -> list[ApplicationKey]:
        with explained():
            return list(self.api.list_keys())

    def make_bucket(self, start: str, class_id: str, alias: str) -> Bucket:
        """Make a private bucket for a student; start: how its name begins."""
        info = {CLASS: class_id, ALIAS: alias}
        while True:
            name = start + "".join(secrets.choice(RANDOM) for _ in range(8))
            with explained():
                try:
                    return self.api.create_bucket(
                        name, "allPrivate", bucket_info=info, lifecycle_rules=LAST_VERSION_ONLY
                    )
                except b2.DuplicateBucketName:
                    # Somebody else's, or ours: b2sdk asks again when an answer is lost.
                    for bucket in self.api.list_buckets(bucket_name=name):
                        if whose(bucket) == (class_id, alias):
                            return bucket

    def make_key(self, bucket: Bucket, seconds: int) -> FullApplicationKey:
        """Make a key for one bucket, which expires after so many seconds."""
        with explained():
            return self.api.create_key(
                OF_A_STUDENT,
                KEY_NAME + str(bucket.name),
                valid_duration_seconds=seconds,
                bucket_ids=[str(bucket.id_)],
            )

    def delete_key(self, key: ApplicationKey) -> None:
        """Delete a key; one that is not there any more is no fault."""
        with explained(), contextlib.suppress(b2.BadRequest):
            self.api.delete_key(key)

    def measure(self, bucket: Bucket) -> tuple[int, int]:
        """Return (number, bytes) of all versions in a bucket."""
        with explained():
            sizes = [
                version.size or 0 for version, _ in bucket.ls(latest_only=False, recursive=True)
            ]
        return len(sizes), sum(sizes)

    def delete_bucket(self, bucket: Bucket) -> None:
        """Delete a bucket with all that is in it. What is not there any more is no fault."""
        with explained(), contextlib.suppress(b2.BucketIdNotFound, b2.NonExistentBucket):
            for upload in bucket.list_unfinished_large_files():
                with contextlib.suppress(b2.BadRequest, b2.FileNotPresent):
                    bucket.cancel_large_file(upload.file_id)
            for version, _ in bucket.ls(latest_only=False, recursive=True):
                with contextlib.suppress(b2.FileNotPresent):
                    bucket.delete_file_version(version.id_, version.file_name)
            self.api.delete_bucket(bucket)

    def save_files(self, bucket: Bucket, folder: Path) -> int:
        """Save the files of a bucket, the newest version of each; return how many."""
        from b2_practice.names import escape, fold, has_safe_name  # it imports moto: slow

        taken: set[str] = set()
        number = 0
        with explained():
            for version, _ in bucket.ls(latest_only=True, recursive=True):
                key = version.file_name
                parts = [fold("/".join(key.split("/")[:n])) for n in range(1, key.count("/") + 2)]
                is_free = has_safe_name(key) and not taken & {
                    *parts[:-1],
                    f"{parts[-1]}/",
                    parts[-1],
                }
                target = folder / (key if is_free else escape(key))
                taken |= {f"{part}/" for part in parts[:-1]} | {parts[-1]}
                target.parent.mkdir(parents=True, exist_ok=True)
                bucket.download_file_by_id(version.id_).save_to(target)
                number += 1
        return number


def whose(bucket: Bucket) -> tuple[str, str]:
    """Return (class, alias) of the student for whom a bucket was made; "" for another one."""
    info = bucket.bucket_info or {}
    return str(info.get(CLASS, "")), str(info.get(ALIAS, ""))


def is_key_of(key: ApplicationKey, bucket: Bucket) -> bool:
    """Tell whether a key was made here for this bucket."""
    return key.bucket_ids == [bucket.id_] and key.key_name == KEY_NAME + str(bucket.name)
