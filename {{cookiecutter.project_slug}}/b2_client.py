"""Connect to your bucket.

    from b2_client import get_bucket

    bucket = get_bucket()          # a Bucket of boto3, the library that talks to B2

It reads its settings from .env. While the two key lines there are empty, you get the
practice bucket: it works the same way, but your files go into the folder practice-bucket.

This file is given: a reset may replace it, so write your own code in main.py.
"""

import os
import sys

# Files in b2_inside can be imported now.
sys.path.append(os.path.join(os.path.dirname(os.path.realpath(__file__)), "b2_inside"))

try:
    import b2_causes
except Exception as error:  # without this file, nothing else can explain what is wrong
    raise SystemExit(
        f"\nPROBLEM [given-file-missing]\nA file in b2_inside is missing or damaged: {error}.\n"
        "Bring back that folder: README.md says how, under Reset."
    ) from None

b2_causes.install()  # from here on, a failed import shows advice

import threading

from b2_advice import tell_all
from b2_guard import watch_answers
from b2_rules import region_of
from b2_settings import is_practice, practice_folder, read_settings

try:
    import botocore.session
    from boto3 import Session
    from botocore.config import Config
except Exception as error:
    raise b2_causes.explain_boto3(error) from None

tell_all()  # from here on, a log, a notebook or a window shows advice, too

CONFIG = Config(
    # How a request is signed, and that the bucket's name comes after the endpoint.
    signature_version="s3v4",
    s3={"addressing_style": "path", "us_east_1_regional_endpoint": "regional"},
    # Newer boto3 adds checksums that B2 refused until July 2025. B2 does not need them.
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
    # B2 answers "500 InternalError, try again" in normal use, so boto3 tries three times.
    retries={"mode": "standard", "total_max_attempts": 3},
    connect_timeout=5,  # seconds
    read_timeout=60,
    user_agent_extra="b2-starter/0.2.0",
)


def get_bucket():
    """Return the bucket that .env names, as a boto3 Bucket (boto3 docs: S3, Resources, Bucket).

    Raises SetupError (see b2_problems.py) if .env is not right; its text says what to change.
    Does not use the network: a wrong key shows at the first call to the bucket.
    """
    tell_all()
    settings = read_settings()
    return connect(settings).Bucket(settings["B2_BUCKET_NAME"])


def get_client():
    """Return a boto3 S3 client for the account of .env (boto3 docs: S3, Client).

    Raises SetupError if .env is not right; its text says what to change.
    """
    tell_all()
    return connect(read_settings()).meta.client


def practice_place(key: str) -> str | None:
    """Return the file in practice-bucket that holds an object, for a link to it from a page.

    None with a real bucket, or if there is no such object. Raises SetupError.
    """
    settings = read_settings()
    if not is_practice(settings):
        return None
    connect(settings)
    from b2_practice import find_file  # it needs moto, which only practice has

    return find_file(practice_folder(), settings["B2_BUCKET_NAME"], key)


def connect(settings: dict[str, str], config: Config = CONFIG):
    """Return boto3's S3 resource. With empty keys, the practice bucket replies instead of B2.

    settings: what read_settings() returns. Raises SetupError if practice is not possible.
    """
    with ONE_AT_A_TIME:
        s3 = SESSION.resource(
            "s3",
            endpoint_url=settings["B2_ENDPOINT"],
            region_name=region_of(settings["B2_ENDPOINT"]),
            aws_access_key_id=settings["B2_APPLICATION_KEY_ID"] or "practice",
            aws_secret_access_key=settings["B2_APPLICATION_KEY"] or "practice",
            config=config,
        )
    watch_answers(s3.meta.client)  # an answer that is not B2's becomes an error
    if is_practice(settings):
        try:
            from b2_practice import join_practice_bucket
        except (ImportError, AttributeError) as error:
            raise b2_causes.explain_practice(error) from None
        join_practice_bucket(s3.meta.client, practice_folder(), settings["B2_BUCKET_NAME"])
    return s3


def open_session():
    """Return a boto3 session that ignores Amazon's own settings.

    These are variables called AWS_... and files in ~/.aws, which are not meant for B2. The one
    that stays, ca_bundle, is where a school's network may need its own certificates.
    """
    ignored = {}
    for name, setting in botocore.session.Session.SESSION_VARIABLES.items():
        default, convert = setting[2:]
        if name != "ca_bundle":
            ignored[name] = (None, None, default, convert)
    ignored["config_file"] = (None, None, os.devnull, None)
    ignored["credentials_file"] = (None, None, os.devnull, None)
    return Session(botocore_session=botocore.session.Session(session_vars=ignored))


SESSION = open_session()
ONE_AT_A_TIME = threading.Lock()  # boto3 docs: a session is not for several threads at once

if hasattr(os, "register_at_fork"):
    # A fork waits until no thread has the lock. (A function of this file would do, too, but it
    # would keep boto3's large objects until the very end of Python, which takes 20 ms.)
    os.register_at_fork(
        before=ONE_AT_A_TIME.acquire,
        after_in_parent=ONE_AT_A_TIME.release,
        after_in_child=ONE_AT_A_TIME.release,
    )
