"""The guard: an answer that is fake, cut off or altered becomes an error, and never your file.

On its own, boto3 mistakes a log-in page for success, and half an answer for an empty file.
This file is given: a reset may replace it, so write your own code in main.py.
"""

import collections
import functools
import hashlib
import io
import re
import sys
import zlib
from xml.etree import ElementTree

from b2_advice import tell_all
from b2_problems import SetupError

HASHED = 8 * 1024 * 1024  # bytes: a whole object up to this size is compared with its MD5
PIECE = 256 * 1024  # bytes
LONGEST_LINK = 7 * 24 * 60 * 60  # seconds (Backblaze docs, S3-compatible API: presigned URLs)
SECOND_TRY = "B2StarterSecondTry"  # an argument of ours; it is taken out before boto3 sees it
MOST_SHOWN = 100_000  # bytes of an object that are kept, in case that they explain an error
NOT_B2, CUT_OFF = "NotB2", "CutOff"  # codes of ours, in place of an answer that is refused

# The XML answers of S3: how the first element's name begins (rclone and moto differ at its end,
# moto also at its beginning), and an element in it that must not be empty.
# Source: AWS docs, S3 API Reference, Response Syntax of each action.
ROOTS = {
    "ListBuckets": ("ListAllMyBucketsResult", ""),
    "ListObjects": ("ListBucketResult", "Name"),
    "ListObjectsV2": ("ListBucketResult", "Name"),
    "ListObjectVersions": ("ListVersionsResult", "Name"),
    "ListMultipartUploads": ("ListMultipartUploadsResult", "Bucket"),
    "ListParts": ("ListParts", "UploadId"),
    "DeleteObjects": ("DeleteResult", ""),
    "CopyObject": ("CopyObjectResult", "ETag"),
    "UploadPartCopy": ("CopyPartResult", "ETag"),
    "CreateMultipartUpload": ("InitiateMultipartUpload", "UploadId"),
    "CompleteMultipartUpload": ("CompleteMultipartUploadResult", "ETag"),
    "GetBucketLocation": ("LocationConstraint", ""),
    "GetBucketVersioning": ("VersioningConfiguration|GetBucketVersioning", ""),
    "GetBucketCors": ("CORSConfiguration", ""),
    "GetBucketLifecycleConfiguration": ("LifecycleConfiguration", ""),
    "GetBucketEncryption": ("ServerSideEncryptionConfiguration", ""),
    "GetBucketAcl": ("AccessControlPolicy", ""),
    "GetObjectAcl": ("AccessControlPolicy", ""),
    "GetObjectLockConfiguration": ("ObjectLockConfiguration", ""),
    "GetObjectRetention": ("Retention", ""),
    "GetObjectLegalHold": ("LegalHold", ""),
}


# "name" and "content" of the small object that the program read last; "is_read_again": its bytes
# were asked for a second time.
LAST_READ: dict = {}
WRITTEN: set = set()  # the names of what the program has stored


def watch_answers(client):
    """Make this boto3 client refuse what boto3 alone would mistake for an answer from B2."""
    events = client.meta.events
    events.register("before-call.s3", _follow_no_redirect)
    events.register("provide-client-params.s3", _remember_call)
    events.register("before-parse.s3", _refuse_others)
    for name in ROOTS:  # before boto3 itself, which takes what is not XML for an error 500
        events.register_first(f"before-parse.s3.{name}", _refuse_what_is_not_b2)
    # Before boto3 looks for the place of a bucket in the answer.
    events.register_first("after-call.s3.*", functools.partial(_raise_refusal, client))
    events.register("after-call.s3.GetObject", functools.partial(_compare_object, client))
    client.generate_presigned_url = _limit_links(client.generate_presigned_url)
    client.generate_presigned_post = _refuse_form


def _follow_no_redirect(params, **_):
    """Tell boto3 that it was already redirected, or it would look for the region as on Amazon."""
    params["context"].setdefault("s3_redirect", {})["redirected"] = True


# Does a successful answer look like B2's?


def _refuse_what_is_not_b2(response_dict, operation_model, **_):
    """Turn an answer that cannot be B2's into an error 500, so that boto3 asks again.

    boto3 does the same with an error that comes with status 200 (handlers.py, _handle_200_error).
    """
    headers, body = response_dict["headers"], response_dict["body"]
    is_success = response_dict["status_code"] < 300
    flaw = is_success and _find_flaw(operation_model, response_dict["status_code"], headers, body)
    if not flaw:
        return
    if hasattr(body, "close"):
        body.close()  # the bytes of something else
    code = CUT_OFF if flaw == "it is cut off" else NOT_B2
    xml = f"<Error><Code>{code}</Code><Message>{flaw}</Message></Error>"
    response_dict.update(status_code=500, body=xml.encode())


def _refuse_others(operation_model, **details):
    """Do the same for the operations that are not in ROOTS."""
    if operation_model.name not in ROOTS:
        _refuse_what_is_not_b2(operation_model=operation_model, **details)


def _raise_refusal(client, parsed, context, **_):
    """Raise what _refuse_what_is_not_b2() found, if asking again did not help.

    With any other error, b2_refusals.py needs the names in the call to find the cause.
    """
    from botocore.exceptions import ConnectionClosedError

    error = parsed.get("Error", {})
    if error.get("Code") == NOT_B2:
        raise SetupError("not-b2", reason=error["Message"])
    if error.get("Code") == CUT_OFF:
        raise ConnectionClosedError(endpoint_url=client.meta.endpoint_url)
    if error:
        call = context["b2_call"]
        objects = call.get("Delete", {}).get("Objects", [call])
        parsed["ResponseMetadata"]["B2Names"] = [one["Key"] for one in objects if "Key" in one]


def _find_flaw(operation, status, headers, body):
    """Return what an answer with a status below 300 lacks if it is not whole or not B2's, or "".

    operation: boto3's description of the call. body: bytes, or the stream of an object.
    """
    if _is_page(operation, headers, body):
        return "it is a web page"
    flaw = _find_lack(operation, headers, body)
    if not flaw and status not in _list_statuses(operation):
        flaw = f"B2 never answers {operation.name} with status {status}"
    is_head = operation.name == "HeadObject"
    needs_length = is_head or (operation.name == "GetObject" and not _find_md5(headers))
    is_unreadable = "content-length" in headers and _read_length(headers) is None
    if is_unreadable or ((flaw or needs_length) and not _has_length(headers)):
        return "it is cut off"
    return flaw


def _find_lack(operation, headers, body):
    """Return what is missing in an answer to this operation, or ""."""
    if _promises_etag(operation):
        has_all = _has_etag(headers)
        return "" if has_all else "it has no ETag, the checksum that B2 gives to every object"
    if operation.name in ROOTS:
        has_all = _has_root(body, *ROOTS[operation.name])
        return "" if has_all else f"it is not an answer to {operation.name}"
    return "" if _has_request_id(headers) else "nothing in it is from B2"


def _list_statuses(operation):
    """Return the statuses of success: 204 for a deletion, and 206 for a part of an object."""
    if operation.http.get("responseCode") == 204:
        return [204]
    if operation.name in ("GetObject", "HeadObject"):
        return [200, 206]
    has_content = _promises_etag(operation) or operation.name in ROOTS
    return [200] if has_content else [200, 204]


def _is_page(operation, headers, body):
    """Tell whether an answer is a web page, and not an object."""
    is_html = "html" in headers.get("content-type", "")
    if operation.name in ("GetObject", "HeadObject"):
        return is_html and not _has_request_id(headers)
    if not isinstance(body, bytes):
        return is_html
    return is_html or bool(re.match(rb"\s*(<\?xml[^>]*>\s*)?<(!doctype|html)", body, re.IGNORECASE))


def _promises_etag(operation):
    """Tell whether boto3's description says that the headers of the answer have an ETag."""
    members = operation.output_shape.members if operation.output_shape else {}
    return "ETag" in members and members["ETag"].serialization.get("location") == "header"


def _has_etag(headers):
    """Tell whether the ETag of an object is there. A web server's files have one, too."""
    return "etag" in headers and (_has_request_id(headers) or bool(_find_md5(headers)))


def _has_request_id(headers):
    """Tell whether an answer has what only S3 servers send; moto uses another name for it."""
    names = ("x-amz-request-id", "x-amz-id-2", "x-amzn-requestid")
    return any(name in headers for name in names)


def _has_length(headers):
    """Tell whether an answer says where it ends (RFC 9112, 6.3): else half of it looks whole."""
    is_chunked = headers.get("transfer-encoding", "").lower() == "chunked"
    return is_chunked or _read_length(headers) is not None


def _read_length(headers):
    """Return the number of bytes that an answer promises, or None."""
    text = headers.get("content-length", "")
    return int(text) if re.fullmatch("[0-9]+", text) else None


def _find_md5(headers):
    """Return the MD5 of an object's bytes, if its ETag looks like one, else "".

    With a key of the customer's, it may be that of the encrypted bytes (AWS docs, Common
    Response Headers).
    """
    if "x-amz-server-side-encryption-customer-algorithm" in headers:
        return ""
    found = re.fullmatch(r'(W/)?"?([0-9a-f]{32})"?', headers.get("etag", ""), re.IGNORECASE)
    return found[2].lower() if found else ""


def _has_root(body, root, needed):
    """Tell whether an XML answer has this first element, and in it one that is not empty.

    An error that comes with status 200 is fine: boto3 notices it on its own.
    """
    try:
        found = ElementTree.fromstring(body.strip())
    except ElementTree.ParseError:
        return False
    name = found.tag.rpartition("}")[2]
    is_complete = not needed or bool(found.findtext("{*}" + needed))
    return name == "Error" or (bool(re.match(root, name)) and is_complete)


# What boto3 does without a word, although B2 will refuse it.


def _limit_links(make_link):
    """Return boto3's generate_presigned_url(), which now refuses a link of more than a week."""

    @functools.wraps(make_link)
    def generate_presigned_url(*values, **named):
        seconds = named.get("ExpiresIn", values[2] if len(values) > 2 else 0)
        if isinstance(seconds, (int, float)) and seconds > LONGEST_LINK:
            raise SetupError("link-too-long", seconds=seconds, most=LONGEST_LINK)
        return make_link(*values, **named)

    return generate_presigned_url


def _refuse_form(*_, **__):
    """Refuse boto3's generate_presigned_post(): a form of it would fail only when it is used."""
    raise SetupError("form-not-on-b2")


# Is what came of an object what was promised?


def _remember_call(params, context, **_):
    """Keep the arguments of a call: they explain errors, and get_object() may be called again."""
    if isinstance(params.get("Body"), bytearray):
        params["Body"] = bytes(params["Body"])  # moto, in the tests, cannot take it
    tell_all()  # what shows errors may have been imported since then: a window, a framework
    context["b2_is_second_try"] = params.pop(SECOND_TRY, False)
    context["b2_call"] = dict(params)
    if "Body" in params and "Key" in params:
        WRITTEN.add(params["Key"])


def _compare_object(client, parsed, context, **_):
    """Compare what came with its length, range and MD5; if they differ, fetch it once more.

    Nobody knows whether every ETag of B2 is an MD5. So the same bytes, with the same ETag, are
    accepted if they come twice. Raises SetupError if something else comes.
    """
    if "Body" not in parsed or context["b2_is_second_try"]:
        return
    call = context["b2_call"]
    LAST_READ.clear()
    LAST_READ["name"] = call["Key"]
    first = _is_as_promised(client, call, parsed)
    if first is True:
        return
    again = client.get_object(**call, **{SECOND_TRY: True})
    second = _is_as_promised(client, call, again)
    is_same_object = parsed.get("ETag") == again.get("ETag")
    parsed.update(again)
    if second is True and is_same_object:
        return
    if not (first and first == second):
        raise SetupError("bytes-altered", name=call["Key"])
    print(f"Note: the checksum of {call['Key']} is not that of its bytes.", file=sys.stderr)


def _is_as_promised(client, call, got):
    """Tell whether get_object() brought what the headers of its answer promise.

    Returns True, or, if only the MD5 differs, both: (as promised, of the bytes). False if it
    differs in another way. Puts the bytes of a small object, which it has read, in got["Body"]
    again.
    """
    headers = got["ResponseMetadata"]["HTTPHeaders"]
    length = _read_length(headers)
    is_part = got["ResponseMetadata"]["HTTPStatusCode"] == 206 or "ContentRange" in got
    is_whole = not is_part
    is_empty = length == 0 and _find_md5(headers) == _md5(b"")  # has no part to send
    if is_part or (_is_plain_range(call.get("Range", "")) and not is_empty):
        start, end, size = _read_range(got.get("ContentRange", ""))
        if not _is_wanted(call, start, end, size):
            return False
        is_whole = end - start + 1 == size  # a small object may come as one part
        length = end - start + 1
    if is_whole and _find_md5(headers) and (length is None or length <= HASHED):
        return _has_its_md5(got, length)
    if is_part:
        return _count(got, length)
    if "content-encoding" not in headers:
        return True  # boto3 counts the bytes while they are read
    return _has_size(client, call, length)  # or else it was compressed on the way


def _has_size(client, call, length):
    """Tell whether the object has this size, going by a HEAD; True if that gets no answer."""
    names = ("Bucket", "Key", "VersionId", "SSECustomerAlgorithm", "SSECustomerKey")
    call = {name: call[name] for name in names if name in call}
    try:
        return client.head_object(**call)["ContentLength"] == length
    except client.exceptions.ClientError:
        return True


def _has_its_md5(got, length):
    """Read a whole object, and compare it with its ETag. Returns as _is_as_promised().

    length: in bytes, as it was promised; None if it was not.
    """
    from botocore.response import StreamingBody

    headers = got["ResponseMetadata"]["HTTPHeaders"]
    promised = _find_md5(headers)
    came = _read_and_hash(got["Body"])
    if came is None:
        return False
    pieces, size, found = came
    if found != promised and "ContentEncoding" in got:
        unpacked = _unpack(b"".join(pieces))
        if _md5(unpacked) == promised:  # not stored like that: compressed on the way
            pieces, size, found = [unpacked], len(unpacked), promised
            del got["ContentEncoding"]
    LAST_READ["content"] = b"".join(pieces) if size <= MOST_SHOWN else b""
    got["ContentLength"] = size
    got["Body"] = StreamingBody(io.BufferedReader(Pieces(pieces)), size)
    if found == promised:
        return True
    return (_has_length(headers) and length in (None, size)) and (promised, found)


def _read_and_hash(stream):
    """Return all bytes in pieces, their number and their MD5.

    None if they are cut off, or altered, which ends a TLS connection. Hashing piece by piece costs
    little time: meanwhile, the next piece comes.
    """
    from botocore.exceptions import HTTPClientError, IncompleteReadError
    from urllib3.exceptions import HTTPError

    found = hashlib.md5(usedforsecurity=False)
    try:
        pieces = [stream.read(PIECE)]
        while pieces[-1]:
            found.update(pieces[-1])
            pieces.append(stream.read(PIECE))
    except (HTTPClientError, IncompleteReadError, HTTPError):
        return None
    return pieces, sum(map(len, pieces)), found.hexdigest()


class Pieces(io.RawIOBase):
    """A stream of bytes that are there in pieces; to join them would take as long as to hash."""

    def __init__(self, pieces):
        self.pieces = collections.deque(pieces)
        self.offset = 0
        self.has_ended = False

    def tell(self):
        return self.offset

    def readable(self):
        return True

    def readinto(self, buffer):
        while self.pieces and not self.pieces[0]:
            self.pieces.popleft()
        if not self.pieces:
            LAST_READ["is_read_again"] = self.has_ended and self.offset > 0
            self.has_ended = True
            return 0
        piece = memoryview(self.pieces.popleft())
        size = min(len(piece), len(buffer))
        buffer[:size] = piece[:size]
        self.pieces.appendleft(piece[size:])
        self.offset += size
        return size


def _count(got, length):
    """Let boto3 count the bytes of a part; tell whether their number can be right."""
    from botocore.response import StreamingBody

    is_right = got.get("ContentLength", length) == length  # else it was compressed on the way
    got["Body"] = StreamingBody(got["Body"], length)
    return is_right


def _md5(content):
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _unpack(content):
    """Undo gzip or deflate; return the bytes as they are if they are neither."""
    try:
        return zlib.decompress(content, wbits=47)  # 47: both, told apart by their first bytes
    except zlib.error:
        return content


def _is_plain_range(text):
    """Tell whether a Range is like bytes=0-9, bytes=5- or bytes=-5: then a part must come."""
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", text)
    if not found or not (found[1] or found[2]):
        return False
    return not (found[1] and found[2]) or int(found[1]) <= int(found[2])


def _read_range(text):
    """Return the first byte, the last byte and the size of the object in a Content-Range.

    Source: RFC 9110, 14.4. Without them: (0, -1, -1).
    """
    found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", text)
    return tuple(map(int, found.groups())) if found else (0, -1, -1)


def _is_wanted(call, start, end, size):
    """Tell whether this is the part of an object that get_object() was called for."""
    wanted = call.get("Range", "")
    if not 0 <= start <= end < size:
        return False
    if "PartNumber" in call or not _is_plain_range(wanted):
        return "PartNumber" in call or bool(wanted)  # the server knows what is meant
    first, last = wanted.removeprefix("bytes=").split("-")
    if not first:
        return (start, end) == (max(size - int(last), 0), size - 1)
    return (start, end) == (int(first), min(int(last or size), size - 1))
