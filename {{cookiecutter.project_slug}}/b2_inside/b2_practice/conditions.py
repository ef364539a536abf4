"""If-Match and the other three conditions of a call.

This file is given: a reset may replace it, so write your own code in main.py.
"""

from collections.abc import Mapping

from moto.core.utils import str_to_rfc_1123_datetime
from moto.s3.exceptions import PreconditionFailed
from moto.s3.models import FakeKey

CONDITIONS = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")


def is_unchanged(stored: FakeKey, asked: Mapping[str, str]) -> bool:
    """Tell whether an object is still the one that the asking program knows.

    asked: the four headers, in small letters; a condition on the ETag counts more than one on
    the time. Raises PreconditionFailed if it is not the object that the program wants.
    Source: RFC 9110, 13.2.2; AWS docs, S3 API Reference, GetObject and CopyObject.
    """
    changed = stored.last_modified.replace(microsecond=0)
    wanted, unwanted = asked.get("if-match"), asked.get("if-none-match")
    before, after = asked.get("if-unmodified-since"), asked.get("if-modified-since")
    if wanted and not _names(wanted, stored):
        raise PreconditionFailed("If-Match")
    if before and not wanted and changed > str_to_rfc_1123_datetime(before):
        raise PreconditionFailed("If-Unmodified-Since")
    if unwanted:
        return _names(unwanted, stored)
    return bool(after) and changed <= str_to_rfc_1123_datetime(after)


def _names(condition: str, stored: FakeKey) -> bool:
    """Tell whether an ETag, a list of them, or * is about this object."""
    etags = [etag.strip().strip('"') for etag in condition.split(",")]
    return "*" in etags or stored.etag.strip('"') in etags
