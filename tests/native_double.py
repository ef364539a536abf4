"""A double of the calls of B2's own API that nox -s accounts makes, on 127.0.0.1.

b2sdk brings a simulator, which is kinder than B2: it deletes full buckets, and a session goes on
after its key was deleted. Sources: backblaze.com/apidocs, the page of each call; what errors are
called: b2sdk, _internal/exception.py.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

ACCOUNT = "0123456789ab"
MASTER_ID, MASTER_KEY = ACCOUNT, "K004MasterKeyOfTheSchool0000000"
ALL = [
    *("listKeys", "writeKeys", "deleteKeys", "listBuckets", "listAllBucketNames"),
    *("readBuckets", "writeBuckets", "deleteBuckets", "listFiles", "readFiles"),
    *("shareFiles", "writeFiles", "deleteFiles"),
]
MOST_BUCKETS = 100
PAGE = 100  # of keys: B2 gives 100 unless it is asked for more, and at most 10,000
S3_URL = "https://s3.us-west-004.backblazeb2.com"


class Refused(Exception):  # noqa: N818
    """What B2 answers: the status, and the code and message in the body."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(code)
        self.status = status
        self.body = {"status": status, "code": code, "message": message or code}


Json = dict[str, Any]


class NativeDouble:
    """One account. What it knows can be looked at, and changed.

    buckets, keys, files: {id: what B2 lists}; calls: the names of the calls so far; before,
    after: called with the name of each call, before and after it is done; what they raise is the
    answer, and ConnectionError means that there is none. clock: what the server's clock says.
    """

    def __init__(self) -> None:
        self.url = ""
        self.s3_url: str | None = S3_URL
        self.cluster = "004"
        self.numbers = itertools.count(1)
        self.buckets: dict[str, Json] = {}
        self.keys: dict[str, Json] = {}
        self.files: dict[str, Json] = {}
        self.contents: dict[str, bytes] = {}
        self.tokens: dict[str, str] = {}  # token: the id of its key
        self.calls: list[str] = []
        self.before: Callable[[str], None] = lambda _: None
        self.after: Callable[[str], None] = lambda _: None
        self.clock = time.time
        self.lock = threading.Lock()
        self.add_key(MASTER_ID, MASTER_KEY, ALL)

    # For tests.

    def add_key(self, key_id: str, key: str, capabilities: list[str], **more: Any) -> Json:
        self.keys[key_id] = {
            "accountId": ACCOUNT,
            "applicationKeyId": key_id,
            "applicationKey": key,
            "keyName": "master",
            "capabilities": capabilities,
            "bucketIds": None,
            "namePrefix": None,
            "expirationTimestamp": None,
            **more,
        }
        return self.keys[key_id]

    def add_bucket(self, name: str, info: Json | None = None) -> Json:
        bucket_id = secrets.token_hex(12)
        self.buckets[bucket_id] = {
            "accountId": ACCOUNT,
            "bucketId": bucket_id,
            "bucketName": name,
            "bucketType": "allPrivate",
            "bucketInfo": info or {},
            "corsRules": [],
            "lifecycleRules": [],
            "options": ["s3"],
            "revision": 1,
            "defaultServerSideEncryption": {
                "isClientAuthorizedToRead": True,
                "value": {"mode": None, "algorithm": None},
            },
            "fileLockConfiguration": {
                "isClientAuthorizedToRead": True,
                "value": {
                    "isFileLockEnabled": False,
                    "defaultRetention": {"mode": None, "period": None},
                },
            },
            "replicationConfiguration": None,
        }
        return self.buckets[bucket_id]

    def add_file(self, bucket: str, name: str, content: bytes, action: str = "upload") -> None:
        """Add a version of a file; action "start" means an upload of parts that has not ended."""
        file_id = f"4_z{len(self.files):06}_{secrets.token_hex(8)}"
        self.files[file_id] = {
            "accountId": ACCOUNT,
            "bucketId": self.find(bucket)["bucketId"],
            "fileId": file_id,
            "fileName": name,
            "action": action,
            "contentLength": len(content),
            "contentSha1": hashlib.sha1(content).hexdigest(),
            "contentType": "application/octet-stream",
            "fileInfo": {},
            "fileRetention": {"isClientAuthorizedToRead": False, "value": None},
            "legalHold": {"isClientAuthorizedToRead": False, "value": None},
            "uploadTimestamp": int(time.time() * 1000) + len(self.files),
        }
        self.contents[file_id] = content

    def find(self, name: str) -> Json:
        return next(one for one in self.buckets.values() if one["bucketName"] == name)

    @property
    def students_keys(self) -> list[Json]:
        return [key for key in self.keys.values() if key["bucketIds"]]

    @contextmanager
    def serve(self) -> Iterator[str]:
        """Yield the address at which the double answers."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), make_handler(self))
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self.url
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    # The calls.

    def answer(self, name: str, token: str, asked: Json) -> Json:
        """Do one call, and return its answer; raise Refused."""
        self.calls.append(name)
        self.before(name)
        with self.lock:
            if name == "b2_authorize_account":
                answer = self.authorize_account(token)
            else:
                key = self.find_key_of(token)
                answer = getattr(self, name.removeprefix("b2_"))(key, **asked)
        self.after(name)
        return answer

    def authorize_account(self, basic: str) -> Json:
        key_id, _, secret = base64.b64decode(basic.removeprefix("Basic ")).decode().partition(":")
        key = self.keys.get(key_id)
        if key is None or key["applicationKey"] != secret or is_over(key):
            raise Refused(401, "unauthorized")
        token = f"4_{secrets.token_hex(20)}"
        self.tokens[token] = key_id
        bucket_ids = key["bucketIds"]
        named = bucket_ids and [
            {"id": one, "name": self.buckets.get(one, {}).get("bucketName")} for one in bucket_ids
        ]
        storage = {
            "apiUrl": self.url,
            "downloadUrl": self.url,
            "s3ApiUrl": self.s3_url,
            "absoluteMinimumPartSize": 5_000_000,
            "recommendedPartSize": 100_000_000,
            "allowed": {
                "buckets": named,
                "capabilities": key["capabilities"],
                "namePrefix": key["namePrefix"],
            },
        }
        if self.s3_url is None:
            del storage["s3ApiUrl"]
        return {
            "accountId": ACCOUNT,
            "authorizationToken": token,
            "apiInfo": {"storageApi": storage, "groupsApi": {}},
        }

    def find_key_of(self, token: str) -> Json:
        """Return the key of a session, which ends with its key."""
        key = self.keys.get(self.tokens.get(token, ""))
        if key is None or is_over(key):
            raise Refused(401, "bad_auth_token")
        return key

    def list_buckets(self, key: Json, bucketName: str | None = None, **_: Any) -> Json:  # noqa: N803
        need(key, "listBuckets")
        found = [one for one in self.buckets.values() if bucketName in (None, one["bucketName"])]
        return {"buckets": found}

    def create_bucket(self, key: Json, bucketName: str, **asked: Any) -> Json:  # noqa: N803
        need(key, "writeBuckets")
        if any(one["bucketName"].lower() == bucketName.lower() for one in self.buckets.values()):
            raise Refused(400, "duplicate_bucket_name")
        if len(self.buckets) >= MOST_BUCKETS:
            raise Refused(400, "too_many_buckets")
        bucket = self.add_bucket(bucketName, asked["bucketInfo"])
        bucket.update(lifecycleRules=asked["lifecycleRules"], bucketType=asked["bucketType"])
        return bucket

    def delete_bucket(self, key: Json, bucketId: str, **_: Any) -> Json:  # noqa: N803
        need(key, "deleteBuckets")
        if bucketId not in self.buckets:
            raise Refused(400, "bad_bucket_id")
        if any(file["bucketId"] == bucketId for file in self.files.values()):
            raise Refused(400, "cannot_delete_non_empty_bucket")
        return self.buckets.pop(bucketId)

    def list_keys(
        self,
        key: Json,
        maxKeyCount: int = PAGE,  # noqa: N803
        startApplicationKeyId: str | None = None,  # noqa: N803
        **_: Any,
    ) -> Json:
        need(key, "listKeys")
        ids = sorted(one for one in self.keys if one != MASTER_ID and not is_over(self.keys[one]))
        ids = [one for one in ids if one >= (startApplicationKeyId or "")]
        page, rest = ids[: min(maxKeyCount, PAGE)], ids[min(maxKeyCount, PAGE) :]
        return {
            "keys": [without_secret(self.keys[one]) for one in page],
            "nextApplicationKeyId": rest[0] if rest else None,
        }

    def create_key(self, key: Json, **asked: Any) -> Json:
        need(key, "writeKeys")
        seconds = asked["validDurationInSeconds"]
        if not 0 < seconds < 1000 * 24 * 3600 or not set(asked["capabilities"]) <= set(ALL):
            raise Refused(400, "bad_request", "invalid duration or capabilities")
        if any(one not in self.buckets for one in asked["bucketIds"]):
            raise Refused(400, "bad_bucket_id")
        return self.add_key(
            f"{self.cluster}{ACCOUNT}{next(self.numbers):010}",
            f"K{self.cluster}" + secrets.token_urlsafe(24)[:27].replace("-", "a").replace("_", "b"),
            asked["capabilities"],
            keyName=asked["keyName"],
            bucketIds=asked["bucketIds"],
            expirationTimestamp=int((time.time() + seconds) * 1000),
        )

    def delete_key(self, key: Json, applicationKeyId: str) -> Json:  # noqa: N803
        need(key, "deleteKeys")
        if applicationKeyId not in self.keys:
            raise Refused(400, "bad_request", "application key does not exist")
        return without_secret(self.keys.pop(applicationKeyId))

    def list_file_versions(self, key: Json, bucketId: str, **asked: Any) -> Json:  # noqa: N803
        need(key, "listFiles")
        return self.list_files(bucketId, asked, only_newest=False)

    def list_file_names(self, key: Json, bucketId: str, **asked: Any) -> Json:  # noqa: N803
        need(key, "listFiles")
        return self.list_files(bucketId, asked, only_newest=True)

    def list_files(self, bucket_id: str, asked: Json, only_newest: bool) -> Json:
        """Return a page of versions: by name, and the newest of each first."""
        found = [one for one in self.files.values() if one["bucketId"] == bucket_id]
        found.sort(key=lambda one: (one["fileName"], -one["uploadTimestamp"]))
        if only_newest:
            newest: dict[str, Json] = {}
            for one in found:
                newest.setdefault(one["fileName"], one)
            found = [one for one in newest.values() if one["action"] == "upload"]
        start = asked.get("startFileName") or "", asked.get("startFileId")
        names = [(one["fileName"], one["fileId"]) for one in found]
        first = next((n for n, (name, _) in enumerate(names) if name >= start[0]), len(names))
        if start[1] and start in names:
            first = names.index(start)  # type: ignore[arg-type]
        page = found[first : first + asked.get("maxFileCount", 100)]
        rest = found[first + len(page) :]
        return {
            "files": page,
            "nextFileName": rest[0]["fileName"] if rest else None,
            "nextFileId": rest[0]["fileId"] if rest else None,
        }

    def delete_file_version(self, key: Json, fileId: str, fileName: str, **_: Any) -> Json:  # noqa: N803
        need(key, "deleteFiles")
        if fileId not in self.files:
            raise Refused(400, "file_not_present")
        self.files.pop(fileId)
        return {"fileId": fileId, "fileName": fileName}

    def list_unfinished_large_files(self, key: Json, bucketId: str, **_: Any) -> Json:  # noqa: N803
        need(key, "listFiles")
        found = [one for one in self.files.values() if one["action"] == "start"]
        return {"files": [one for one in found if one["bucketId"] == bucketId], "nextFileId": None}

    def cancel_large_file(self, key: Json, fileId: str) -> Json:  # noqa: N803
        need(key, "writeFiles")
        return self.files.pop(fileId)

    def download(self, token: str, file_id: str) -> tuple[bytes, Json]:
        need(self.find_key_of(token), "readFiles")
        return self.contents[file_id], self.files[file_id]


def need(key: Json, capability: str) -> None:
    if capability not in key["capabilities"]:
        raise Refused(401, "unauthorized")


def is_over(key: Json) -> bool:
    return bool(key["expirationTimestamp"]) and key["expirationTimestamp"] / 1000 < time.time()


def without_secret(key: Json) -> Json:
    return {name: value for name, value in key.items() if name != "applicationKey"}


def make_handler(double: NativeDouble) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            name = urlsplit(self.path).path.rpartition("/")[2]
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or "{}")
            asked.pop("accountId", None)
            try:
                body = double.answer(name, self.headers["Authorization"], asked)
            except Refused as refused:
                self.send(refused.status, json.dumps(refused.body).encode())
            except ConnectionError:
                self.close_connection = True
            else:
                self.send(200, json.dumps(body).encode())

        def do_GET(self) -> None:
            file_id = parse_qs(urlsplit(self.path).query)["fileId"][0]
            content, file = double.download(self.headers["Authorization"], file_id)
            headers = {
                "X-Bz-File-Id": file_id,
                "X-Bz-File-Name": file["fileName"],
                "X-Bz-Content-Sha1": file["contentSha1"],
                "X-Bz-Upload-Timestamp": str(file["uploadTimestamp"]),
                "Content-Type": file["contentType"],
            }
            self.send(200, content, headers)

        def send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in (headers or {"Content-Type": "application/json"}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def date_time_string(self, timestamp: float | None = None) -> str:
            return super().date_time_string(int(timestamp or double.clock()))

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
