"""The boto3 objects that students get: how they are set up, and that nothing disturbs them."""

from __future__ import annotations

import os
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import b2_client
import botocore
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    ProxyConnectionError,
    SSLError,
)
from conftest import APPLICATION_KEY, KEY_ID, VERSION, Project
from moto.core.botocore_stubber import MockRawResponse

KEYS = {
    "B2_APPLICATION_KEY_ID": KEY_ID,
    "B2_APPLICATION_KEY": APPLICATION_KEY,
    "B2_BUCKET_NAME": "my-bucket",
    "B2_ENDPOINT": "s3.us-east-005.backblazeb2.com",
}


@pytest.fixture(autouse=True)
def keys(no_b2_variables: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    yield


def requests_of(client: Any) -> list[AWSPreparedRequest]:
    """Collect the requests of a client instead of sending them."""
    sent: list[AWSPreparedRequest] = []

    def keep(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        sent.append(request)
        return AWSResponse(request.url, 404, {}, MockRawResponse(b""))  # type: ignore[arg-type]

    client.meta.events.register_first("before-send.s3", keep)
    return sent


def use_everything(client: Any) -> list[tuple[str, str, dict[str, str]]]:
    """Make typical calls; return method, address and headers, without what changes with time."""
    sent = requests_of(client)
    place = {"Bucket": "my-bucket", "Key": "a b.txt"}
    for call in (
        lambda: client.put_object(**place, Body=b"text", ContentType="text/plain"),
        lambda: client.get_object(**place),
        lambda: client.list_objects_v2(Bucket="my-bucket"),
        lambda: client.delete_object(**place),
    ):
        with pytest.raises(ClientError):  # what requests_of() answers
            call()
    seen = []
    for request in sent:
        headers = {
            name.lower(): value.decode() if isinstance(value, bytes) else str(value)
            for name, value in request.headers.items()
        }
        for varying in ("amz-sdk-invocation-id", "x-amz-date", "user-agent"):
            headers.pop(varying, None)
        headers["authorization"] = headers["authorization"].split("Signature=")[0]
        seen.append((request.method, request.url, headers))
    return seen


def test_requests_carry_nothing_that_b2_refuses_or_does_not_need():
    for method, url, headers in use_everything(b2_client.get_client()):
        assert url.startswith("https://s3.us-east-005.backblazeb2.com/my-bucket"), method
        assert "/us-east-005/s3/aws4_request" in headers["authorization"]
        assert not [
            name
            for name in headers
            if re.search(
                "checksum|trailer|acl|tagging|sdk-checksum|if-none-match|security-token", name
            )
        ]


def test_bucket_and_client_are_boto3s_own():
    bucket = b2_client.get_bucket()

    assert type(bucket).__name__ == "s3.Bucket"
    assert bucket.name == "my-bucket"
    assert type(b2_client.get_client()).__name__ == "S3"
    assert bucket.meta.client.meta.config.user_agent.endswith(f"b2-starter/{VERSION}")


def test_links_are_signed_with_v4_for_the_region():
    link = b2_client.get_client().generate_presigned_url(
        "get_object", Params={"Bucket": "my-bucket", "Key": "ä b.txt"}, ExpiresIn=60
    )
    signed = parse_qs(urlsplit(link).query)

    assert signed["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert signed["X-Amz-Credential"][0].startswith(f"{KEY_ID}/")
    assert "/us-east-005/s3/" in signed["X-Amz-Credential"][0]
    assert APPLICATION_KEY not in link


def amazon_variables() -> list[str]:
    """Return every AWS_… variable that the installed botocore knows by name."""
    folder = Path(botocore.__file__).parent
    found = {
        name
        for file in folder.glob("*.py")
        for name in re.findall(r"""['"](AWS_[A-Z0-9_]+)['"]""", file.read_text("utf-8"))
    }
    assert len(found) > 40
    return sorted(found - {"AWS_CA_BUNDLE"})


def test_no_setting_of_amazons_tools_changes_a_request(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    plain = use_everything(b2_client.get_client())

    for name in amazon_variables():
        monkeypatch.setenv(name, "junk")
    monkeypatch.setattr(b2_client, "SESSION", b2_client.open_session())
    assert use_everything(b2_client.get_client()) == plain

    (tmp_path / ".aws").mkdir()
    for broken in (
        "[[[",
        "[default]\ns3 =\n  use_accelerate_endpoint = true\nregion = x\n"
        "endpoint_url = https://example.com\nca_bundle = /nowhere\n",
    ):
        (tmp_path / ".aws" / "config").write_text(broken, encoding="utf-8")
        (tmp_path / ".aws" / "credentials").write_text(broken, encoding="utf-8")
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("USERPROFILE", str(tmp_path))
        monkeypatch.setattr(b2_client, "SESSION", b2_client.open_session())
        assert use_everything(b2_client.get_client()) == plain


def test_the_environment_of_the_program_stays_as_it_is():
    before = dict(os.environ)
    b2_client.get_bucket()
    b2_client.get_client()

    assert dict(os.environ) == before


@pytest.mark.parametrize("name", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
def test_the_certificates_of_a_school_are_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, socket_enabled: None, name: str
):
    """boto3 complains that the file does not exist, so it would have used it."""
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv(name, str(tmp_path / "school.pem"))
    server = socket.create_server(("127.0.0.1", 0))
    host = f"https://127.0.0.1:{server.getsockname()[1]}"
    client = b2_client.get_client()

    with pytest.raises(SSLError, match="No such file"):
        client.meta.events.register("before-sign.s3", _address(host))
        client.list_objects_v2(Bucket="my-bucket")
    server.close()


def _address(host: str) -> Any:
    def change(request: Any, **_: Any) -> None:
        request.url = re.sub(r"^https://[^/]+", host, request.url)

    return change


def test_a_proxy_of_a_school_is_used(monkeypatch: pytest.MonkeyPatch, socket_enabled: None):
    proxy = socket.create_server(("127.0.0.1", 0))
    asked: list[bytes] = []

    def refuse() -> None:
        for _ in range(3):
            connection, _address = proxy.accept()
            asked.append(connection.recv(200))
            connection.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")
            connection.close()

    thread = threading.Thread(target=refuse, daemon=True)
    thread.start()
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.getsockname()[1]}")
    monkeypatch.delenv("NO_PROXY", raising=False)

    with pytest.raises((ProxyConnectionError, EndpointConnectionError)):
        b2_client.get_client().list_objects_v2(Bucket="my-bucket")
    proxy.close()

    assert asked[0].startswith(b"CONNECT s3.us-east-005.backblazeb2.com:443")


def test_importing_uses_no_network_and_reads_no_file(project: Project):
    done = project.python(
        "-c",
        """
import sys
events = []
sys.addaudithook(lambda event, args: events.append((event, args)))
import b2_client
assert not [e for e in events if e[0].startswith("socket.connect")], events
opened = [str(a[0]) for e, a in events if e == "open"]
assert not [name for name in opened if name.endswith((".env", "env.txt", "credentials"))], opened
assert "moto" not in sys.modules
""",
    )

    assert done.code == 0, done.err


def test_no_key_is_in_a_repr_or_an_error():
    bucket, client = b2_client.get_bucket(), b2_client.get_client()

    for shown in (bucket, client, bucket.meta, client.meta, client.meta.config, b2_client):
        assert APPLICATION_KEY not in repr(shown)
