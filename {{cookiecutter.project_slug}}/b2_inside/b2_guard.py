"""The guard: it turns a fake or cut-off answer into an error, so that you never save it as a file.

On its own, boto3 mistakes a log-in page for success, and half an answer for an empty file.
This file is given: a reset may replace it, so write your own code in main.py.
"""

from b2_problems import SetupError

GATEWAY = (429, 502, 503, 504)  # from what is in front of a server that is too busy


def watch_answers(client):
    """Make this boto3 client refuse what boto3 alone would mistake for an answer from B2."""
    most_attempts = client.meta.config.retries["total_max_attempts"]
    events = client.meta.events
    events.register("before-call.s3", _follow_no_redirect)
    events.register("after-call.s3", _refuse_web_page)
    events.register(
        "needs-retry.s3", lambda **details: _refuse_half_answer(most_attempts, **details)
    )


def _follow_no_redirect(params, **_):
    """Tell boto3 that it was already redirected, or it would look for the region as on Amazon."""
    params["context"].setdefault("s3_redirect", {})["redirected"] = True


def _refuse_web_page(http_response, model, **_):
    """Notice a log-in page instead of B2: boto3 would call it success, but nothing is stored."""
    if http_response.status_code in GATEWAY:
        return  # too busy, whatever the page says
    is_page = "html" in http_response.headers.get("content-type", "")
    if is_page and model.name not in ("GetObject", "HeadObject"):  # a file may be a page, too
        raise SetupError("not-b2", reason="it is a web page")


def _refuse_half_answer(most_attempts, response, operation, attempts, endpoint, **_):
    """Ask again if the connection ended in the headers of an answer, or right after them.

    boto3 mistakes that for an empty file, or an empty bucket.
    """
    from botocore.exceptions import ConnectionClosedError

    if response is None or _is_whole(response[0], operation):
        return None
    if attempts < most_attempts:
        return 1  # second to wait
    raise ConnectionClosedError(endpoint_url=endpoint.host)


def _is_whole(answer, operation):
    """Tell whether all of an answer came, going by its stated length (RFC 9112, 6.3 and 9.6).

    Without a length, it ends with the connection. Either it says so, or it was cut off.
    """
    if answer.status_code not in (200, 206) or operation.name == "HeadBucket":
        return True  # it failed anyway, or there is nothing after the headers
    if getattr(answer.raw, "version", 0) != 11:
        return True  # not HTTP/1.1; or moto, in one of your tests
    length = answer.headers.get("content-length", "")
    if not length.isdigit():
        return "transfer-encoding" in answer.headers or answer.headers.get("connection") == "close"
    if operation.name == "HeadObject" or operation.has_streaming_output:
        return True  # a size; or a file, whose bytes boto3 counts
    return len(answer.content) == int(length)


class Answer:
    """What is in the ClientError that boto3 makes from an answer with an error."""

    def __init__(self, error):
        reply = error.response.get("Error", {})
        about = error.response.get("ResponseMetadata", {})
        self.operation = error.operation_name  # such as "PutObject"
        self.code = str(reply.get("Code", ""))  # such as "AccessDenied"
        self.message = " ".join(str(reply.get("Message", "")).split())
        self.status = about.get("HTTPStatusCode", 0)
        self.headers = about.get("HTTPHeaders", {})


def find_another_server(answer):
    """Return the problem of an answer that is not from B2, or None."""
    if answer.headers.get("server") == "AmazonS3" or "AWS Access Key" in answer.message:
        return SetupError("no-keys-given", reason="talks to Amazon: it gives no endpoint_url")
    if answer.status in GATEWAY:
        return None  # it is busy, whatever the page says
    if "html" in answer.headers.get("content-type", ""):
        return SetupError("not-b2", reason="it is a web page")
    has_no_words = answer.code in ("", str(answer.status))
    if has_no_words and not answer.operation.startswith("Head"):
        # B2 gives its reasons in XML. If the code is not a word, boto3 found no XML.
        reason = f"it is error {answer.status}, without a readable reason"
        return SetupError("not-b2", reason=reason)
    return None
