"""OpenStack Swift on 127.0.0.1, in one process and one folder: a real S3 server with versions.

    python tests/swift_server.py FOLDER KEY_ID APPLICATION_KEY

Prints the port of its S3 API; ends when its standard input does, with whoever started it.
There are ACCOUNTS empty accounts, each with its own buckets. The access key of
account 7 is 7:KEY_ID, because tempauth knows its users as account:user.

Swift's own commands start daemons that read /etc/swift and leave their process group. Here
proxy, account, container and object server are green threads, as in Swift's own tests
(test/functional/__init__.py), and objects stay in memory (swift/obj/mem_server.py), so that the
folder needs no extended attributes. All other files of Swift are in FOLDER.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from swift.common import utils

ACCOUNTS = 100
SERVERS = ("account", "container", "object")

# In the order of Swift's etc/proxy-server.conf-sample; Swift adds what it cannot do without.
PIPELINE = ["s3api", "tempauth", "slo", "versioned_writes", "symlink"]
OPTIONS = {
    "s3api": "location = us-east-1",  # what b2_client signs with for a server on 127.0.0.1
    "versioned_writes": "allow_object_versioning = true",
}


class Cache:
    """Stands in for memcached, which remembers for each bucket whether it keeps versions.

    Swift works without one, but asks the container server about that at every step, and so takes
    twice as long. The methods are those of swift/common/memcached.py that the pipeline uses.
    Nothing here expires: all changes go through this one proxy, which deletes what they touch.
    """

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}

    def get(self, key: str, **_: Any) -> Any:
        return self.kept.get(key)

    def set(self, key: str, value: Any, **_: Any) -> None:
        self.kept[key] = value

    def delete(self, key: str, **_: Any) -> None:
        self.kept.pop(key, None)


def serve(folder: Path, key_id: str, key: str) -> int:
    """Start the four servers as green threads; return the port of the S3 API."""
    write_swift_conf(folder)
    from swift.account.server import AccountController
    from swift.common.wsgi import loadapp
    from swift.container.server import ContainerController
    from swift.obj.mem_server import ObjectController

    conf = {
        "swift_dir": str(folder),
        "devices": str(folder),
        "mount_check": "false",
        "account_autocreate": "true",
        "log_level": "CRITICAL",
    }  # it logs to the system's log
    controllers = (AccountController, ContainerController, ObjectController)
    for name, controller in zip(SERVERS, controllers, strict=True):
        write_ring(folder, name, listen(controller(conf)))
    return listen(s3_door(loadapp(write_proxy_conf(folder, key_id, key), global_conf=conf)))


def s3_door(proxy: Any) -> Any:
    """Return the proxy server with a cache, and without a content type that it sends by mistake.

    Swift sends text/html for whatever has no type, such as the empty answer to a PUT (Response in
    swift/common/swob.py). With B2, that means a log-in page on the way, and b2_client refuses it.
    """
    cache = Cache()

    def answer(env: dict[str, Any], start_response: Any) -> Any:
        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            if not reads:  # an object may be a page
                headers = [pair for pair in headers if not pair[1].startswith("text/html")]
            return start_response(status, headers, *more)

        reads = env["REQUEST_METHOD"] in ("GET", "HEAD")
        env["swift.cache"] = cache
        return proxy(env, start)

    return answer


def listen(app: Any) -> int:
    """Let a WSGI application answer on 127.0.0.1; return its port. Like Swift's run_server()."""
    from swift.common.concurrency import eventlet, wsgi
    from swift.common.http_protocol import SwiftHttpProtocol
    from swift.common.wsgi import get_socket

    socket = get_socket({"bind_ip": "127.0.0.1", "bind_port": 0})
    eventlet.spawn(
        wsgi.server,
        socket,
        app,
        utils.NullLogger(),
        protocol=SwiftHttpProtocol,
        capitalize_response_headers=False,
    )
    return socket.getsockname()[1]


def write_swift_conf(folder: Path) -> None:
    """Write swift.conf, and let the rest of Swift read that one, not /etc/swift/swift.conf."""
    text = "[swift-hash]\nswift_hash_path_suffix = tests\n"
    (folder / "swift.conf").write_text(text, encoding="utf-8")
    utils.set_swift_dir(str(folder))


def write_ring(folder: Path, name: str, port: int) -> None:
    """Say where all accounts, containers or objects are: in one place, with one copy."""
    from swift.common.ring import RingData

    place = {
        "id": 0,
        "region": 1,
        "zone": 1,
        "weight": 1,
        "device": "disk",
        "ip": "127.0.0.1",
        "port": port,
    }
    (folder / "disk").mkdir(exist_ok=True)
    RingData([[0]], [place], part_shift=32).save(str(folder / f"{name}.ring.gz"))


def write_proxy_conf(folder: Path, key_id: str, key: str) -> str:
    """Write the settings of the proxy server, with all accounts; return the file's name."""
    users = [f"user_{number}_{key_id} = {key} .admin" for number in range(ACCOUNTS)]
    options = {**OPTIONS, "tempauth": "\n".join(users)}
    sections = [
        f"[filter:{name}]\nuse = egg:swift#{name}\n{options.get(name, '')}" for name in PIPELINE
    ]
    file = folder / "proxy-server.conf"
    file.write_text(
        "\n".join(
            [
                "[pipeline:main]",
                f"pipeline = {' '.join(PIPELINE)} proxy-server",
                "[app:proxy-server]",
                "use = egg:swift#proxy",
                *sections,
            ]
        ),
        encoding="utf-8",
    )
    return str(file)


if __name__ == "__main__":
    utils.monkey_patch()
    print(serve(Path(sys.argv[1]), *sys.argv[2:4]), flush=True)
    from swift.common.concurrency import trampoline

    trampoline(sys.stdin, read=True)  # the servers answer until standard input ends
