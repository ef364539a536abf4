"""Connect to your bucket.

    from b2_client import get_bucket

    bucket = get_bucket()          # boto3's own Bucket object

It reads its settings from .env. While the two key lines there are empty, you get the
practice bucket instead: the same object, but the files stay in this folder.

This file is given: a reset may replace it, so write your own code in main.py.
"""

import os
import sys
import threading
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent / "b2_inside"))  # or all are in one folder

import b2_causes

b2_causes.install()  # from here on, an import that fails is explained

from b2_guard import watch_answers
from b2_rules import region_of
from b2_settings import is_practice, practice_folder, read_settings

try:
    import botocore.session
    from boto3 import Session
    from botocore.config import Config
except Exception as error:
    raise b2_causes.explain_boto3(error) from None

# Checksums: B2 did not know boto3's newer ones until July 2025; without them every B2 does.
# Retries: B2 answers "500 InternalError, try again" in normal use.
CONFIG = Config(
    signature_version="s3v4",
    s3={"addressing_style": "path", "us_east_1_regional_endpoint": "regional"},
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
    retries={"mode": "standard", "total_max_attempts": 3},
    connect_timeout=5,
    read_timeout=60,
    user_agent_extra="b2-starter/0.2.0",
)


def get_bucket():
    """Return the bucket of .env as a boto3 Bucket (boto3 docs: S3, Resources, Bucket).

    Raises SetupError when .env is not right; its text says which line to change.
    Does not use the network: a wrong key shows at the first call to the bucket.
    """
    settings = read_settings()
    return connect(settings).Bucket(settings["B2_BUCKET_NAME"])


def get_client():
    """Return a boto3 S3 client for the account of .env (boto3 docs: S3, Client).

    Raises SetupError when .env is not right; its text says which line to change.
    """
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


# boto3 also reads the settings of Amazon's tools: variables called AWS_... and the folder
# ~/.aws. None of that is meant for B2. Only the certificates that a school may need stay.
NO_AWS_SETTINGS = {
    name: (None, None, default, convert)
    for name, (_, _, default, convert) in botocore.session.Session.SESSION_VARIABLES.items()
    if name != "ca_bundle"
}
NO_AWS_SETTINGS["config_file"] = (None, None, os.devnull, None)
NO_AWS_SETTINGS["credentials_file"] = (None, None, os.devnull, None)

_session = None
_one_at_a_time = threading.Lock()  # boto3 docs: a session is not for several threads at once


def connect(settings: dict[str, str], config: Config = CONFIG):
    """Return boto3's S3 resource; in practice, the practice bucket answers it.

    settings: what read_settings() returns. Raises SetupError where practice is not possible.
    """
    global _session
    with _one_at_a_time:
        if _session is None:
            core = botocore.session.Session(session_vars=NO_AWS_SETTINGS)
            _session = Session(botocore_session=core)
        s3 = _session.resource(
            "s3",
            endpoint_url=settings["B2_ENDPOINT"],
            region_name=region_of(settings["B2_ENDPOINT"]),
            aws_access_key_id=settings["B2_APPLICATION_KEY_ID"] or "practice",
            aws_secret_access_key=settings["B2_APPLICATION_KEY"] or "practice",
            config=config,
        )
    watch_answers(s3.meta.client)
    if is_practice(settings):
        try:
            from b2_practice import join_practice_bucket
        except (ImportError, AttributeError) as error:
            raise b2_causes.explain_practice(error) from None
        join_practice_bucket(s3.meta.client, practice_folder(), settings["B2_BUCKET_NAME"])
    return s3
