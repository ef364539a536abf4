"""Lets the kernel confine a hand-in, with all that it starts: Linux 5.13 and later.

Sources: docs.kernel.org/userspace-api/landlock.html; include/uapi/linux/landlock.h.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

# System calls, with the same number on all processors.
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
GIVE_VERSION = 1  # a flag of CREATE_RULESET
PATH_BENEATH = 1  # the kind of a rule
NO_NEW_PRIVILEGES = 38  # for prctl(), which RESTRICT_SELF needs

# What may be done with files; later versions know more.
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, TRUNCATE = 1, 2, 4, 8, 1 << 14
READ = EXECUTE | READ_FILE | READ_DIR
WITH_A_FILE = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE  # the others are for folders
KNOWN = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1}
NETWORK = 3  # to bind and to connect (TCP), since version 4
SCOPE = 3  # abstract sockets and signals, since version 6 (Linux 6.12)

SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc", "/opt", "/dev", "/proc", "/sys")


def confine_by_kernel(own: Iterable[str], readable: Iterable[str]) -> None:
    """Allow this process to write in its own folders only, and to read little more, for good.

    own, readable: paths; the system's own folders can be read, too. What another process has open
    is out of reach then (/proc/N/fd), and since Linux 6.12 no other process gets a signal from
    here. Call this while there is one thread. Where the kernel cannot do it, nothing happens.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(CREATE_RULESET, None, 0, GIVE_VERSION)
    if version < 1:
        return
    handled = KNOWN[min(version, max(KNOWN))]
    attributes = struct.pack("=Q", handled)
    attributes += struct.pack("=Q", NETWORK) if version >= 4 else b""
    attributes += struct.pack("=Q", SCOPE) if version >= 6 else b""
    ruleset = libc.syscall(CREATE_RULESET, attributes, len(attributes), 0)
    rules = [(path, handled) for path in own] + [(os.devnull, handled)]
    rules += [(path, READ) for path in (*readable, *SYSTEM)]
    for path, allowed in rules:
        with contextlib.suppress(OSError):  # not every system has all of these folders
            place = os.open(path, os.O_PATH)
            possible = handled if Path(path).is_dir() else handled & WITH_A_FILE
            rule = struct.pack("=Qi", allowed & possible, place)
            libc.syscall(ADD_RULE, ruleset, PATH_BENEATH, rule, 0)
            os.close(place)
    libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    libc.syscall(RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)
