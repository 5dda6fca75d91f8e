"""The store as files of this machine: who may read them, where they lie, who holds the lock.

The rules are functions of numbers; what is asked of the system stands beside them.
"""

import os
import pwd
import re
import shlex
import shutil
import stat
from collections.abc import Generator, Iterator
from pathlib import Path

import humanize

from craftsync.health.findings import Finding, ok, or_ok, problem, warning
from craftsync.store.lock import is_file_held

MB = 10**6
LEAST_FREE = 100 * MB
CALM_FREE = 1000 * MB
LARGE_WAL = 256 * MB  # a writer cuts it back to a quarter of that, unless somebody reads on

_BESIDE = ("", "-wal", "-shm", ".lock")
_NETWORK = frozenset(
    {
        *("9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "drvfs", "glusterfs", "gpfs"),
        *("lustre", "ncpfs", "nfs", "nfs4", "orangefs", "prl_fs", "smb3", "smbfs", "vboxsf"),
        *("fuse.blobfuse", "fuse.ceph", "fuse.davfs", "fuse.gcsfuse", "fuse.glusterfs"),
        *("fuse.gvfsd-fuse", "fuse.juicefs", "fuse.mount-s3", "fuse.rclone", "fuse.s3fs"),
        *("fuse.sshfs", "fuse.vmhgfs-fuse", "virtiofs"),
    }
)
_MOUNTS = Path("/proc/self/mounts")
_LOCKS = Path("/proc/locks")


def files(path: str) -> Iterator[Finding]:
    """Look at the modes and owners of a store's files and of its folder."""
    folder = Path(path).parent
    its = _stat(folder)
    there = [Path(path + ending) for ending in _BESIDE]
    there += sorted(folder.glob(f"{Path(path).name}.at-*")) if its else []
    modes = {file: found for file in there if (found := _stat(file)) is not None}
    yield from or_ok(
        _permissions(modes, folder, its),
        "permissions",
        "The store and its folder are this user's alone."
        if modes
        else "There is no file yet that others could read.",
    )


def _permissions(
    modes: dict[Path, os.stat_result], folder: Path, its: os.stat_result | None
) -> Iterator[Finding]:
    loose = [file for file, found in modes.items() if found.st_mode & 0o077]
    if loose:
        told = ", ".join(f"{file.name} ({_mode(modes[file])})" for file in loose)
        names = " ".join(shlex.quote(str(file)) for file in loose)
        yield warning("permissions", f"Open to others: {told}.", f"chmod 600 {names}")
    if its is not None and modes and its.st_mode & 0o077:
        quoted = shlex.quote(str(folder))
        own = its.st_uid == os.geteuid() and not its.st_mode & stat.S_ISVTX
        yield warning(
            "permissions",
            f"The folder {folder} is open to others ({_mode(its)}).",
            f"chmod 700 {quoted}"
            if own
            else f"Keep the store in a folder of its own: install -d -m 700 {quoted}/craftsync",
        )
    foreign = next((found for found in modes.values() if found.st_uid != os.geteuid()), None)
    if foreign is not None:
        owner = _user(foreign.st_uid)
        yield warning(
            "permissions",
            f"The store is {owner}'s: what this user makes beside it, {owner} cannot write.",
            f"sudo -u {owner} craftsync doctor",
        )
    first = next(iter(modes), None)
    if first is not None and not os.access(first, os.W_OK):
        yield problem(
            "permissions",
            f"{first} cannot be written by this user.",
            f"ls -ld {shlex.quote(str(first))}",
        )


def disk(path: str) -> Iterator[Finding]:
    """Look for room beside a store, and at what kind of disk it lies on."""
    folder = next(above for above in Path(path).parents if _stat(above) is not None)
    found = _stat(Path(path))
    yield room(folder, free=shutil.disk_usage(folder).free, size=found.st_size if found else 0)
    kind = file_system(_text(_MOUNTS), os.path.realpath(folder))
    if kind in _NETWORK:
        yield warning(
            "file system",
            f"{folder} is a network file system ({kind}), where SQLite's write-ahead log and"
            " locks cannot be relied on.",
            "Keep the store on a local disk: export CRAFTSYNC_STORE=/path/to/history.db",
        )
    else:
        yield ok("file system", f"It is {kind}." if kind else "Its kind is not known here.")


def room(folder: Path, *, free: int, size: int) -> Finding:
    """Judge the room beside a store of `size` bytes: an upgrade copies it first."""
    told = f"{humanize.naturalsize(free)} free in {folder}"
    fix = f"df -h {shlex.quote(str(folder))}"
    if free < LEAST_FREE:
        return problem("disk", f"Only {told}.", fix)
    if free < max(CALM_FREE, size):
        return warning("disk", f"Only {told}; the store has {humanize.naturalsize(size)}.", fix)
    return ok("disk", f"{told}.")


def file_system(mounts: str, path: str) -> str:
    """Return the kind of file system `path` lies on, from a mount table; '' where it tells none."""
    best, kind = "", ""
    for line in mounts.splitlines():
        words = line.split()
        if len(words) > 2:  # noqa: PLR2004 - device, place, kind
            place = re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), words[1])
            within = path == place or path.startswith(place.rstrip("/") + "/")
            if within and len(place) >= len(best):  # a later mount covers an earlier one
                best, kind = place, words[2]
    return kind


def write_ahead_log(path: str) -> Iterator[Finding]:
    """Look at the size of a store's write-ahead log."""
    found = _stat(Path(f"{path}-wal"))
    size = found.st_size if found else 0
    told = f"The write-ahead log has {humanize.naturalsize(size)}"
    if size > LARGE_WAL:
        yield warning(
            "wal",
            f"{told}: somebody has been reading for long, and keeps it from being cut back.",
            f"fuser -v {shlex.quote(path)}",
        )
    else:
        yield ok("wal", f"{told}.")


def lock(path: str) -> Generator[Finding, None, bool]:
    """Tell who holds the lock of a store; return whether somebody does."""
    file = Path(f"{path}.lock")
    pid = holder(file, _text(_LOCKS))
    if pid is None and not is_file_held(file):
        yield ok("lock", "Nobody holds it.")
        return False
    who = f"process {pid} ({_text(Path(f'/proc/{pid}/comm')).strip()})" if pid else "somebody"
    yield ok("lock", f"A craftsync is at work: {who} holds it.")
    return True


def holder(file: Path, locks: str) -> int | None:
    """Return the process that holds a file's lock, from the kernel's table; None if none there."""
    found = _stat(file)
    if found is None:
        return None
    device = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}"
    for line in locks.splitlines():
        words = line.split()
        if "FLOCK" in words and f"{device}:{found.st_ino}" in words:
            pid = words[words.index(f"{device}:{found.st_ino}") - 1]
            return int(pid) if pid.isdecimal() and int(pid) else None
    return None


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _mode(found: os.stat_result) -> str:
    return f"{stat.S_IMODE(found.st_mode):04o}"


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"#{uid}"
