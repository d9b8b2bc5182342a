"""Tasks in processes that begin with everything imported: a server forks itself for each. Imports are half their time.

The task runs as in `python -m invoke TASK`: its own process, environment, folder, output and exit code. Who interrupts
one, or reads its command line, starts a real one by `Project.popen`.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

IMPORTED = (
    "invoke.main",
    "pushproof.commands.mutate",
    "pushproof.commands.rls",
    "pushproof.commands.smoke",
    "pushproof.deploy.rehearsal",
    "pglast.parser",
    "psycopg",
    "pytest",
    "rich.table",
    "supabase",
    "supabase_auth.errors",
    "urllib3",
)
PROGRAM = str(Path(sys.prefix) / "lib" / "invoke" / "__main__.py")  # by its folder a task knows that it is invoke's


@dataclass(frozen=True)
class ForkServer:
    """Where the server listens."""

    name: str

    def run(self, words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> tuple[int, str, str]:
        """Run a task to its end: exit code, standard output, standard error."""
        request = json.dumps({"words": [*words], "folder": str(folder), "environment": dict(environment)}).encode()
        with socket.socket(socket.AF_UNIX) as line, _pipe() as (out, out_end), _pipe() as (err, err_end):
            line.connect(_address(self.name))
            socket.send_fds(line, [len(request).to_bytes(8)], [out_end, err_end])
            line.sendall(request)
            os.close(out_end)
            os.close(err_end)
            said, complaint = _read_both(out, err)
            code = line.recv(4)
        if not code:
            raise AssertionError(f"the task {' '.join(words)} ended without an exit code: {complaint}")
        return int.from_bytes(code, signed=True), said, complaint


@contextlib.contextmanager
def fork_server() -> Iterator[ForkServer]:
    """The server, for as long as the block lasts."""
    name = f"pushproof-{uuid.uuid4().hex}"
    program = [sys.executable, __file__, name]
    with subprocess.Popen(program, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        try:
            assert server.stdout.read(1) == b"!", "the server did not start"
            yield ForkServer(name)
        finally:
            server.terminate()


def _address(name: str) -> str:
    """Of a socket that has no file where Linux allows that: a folder's path may be too long for one."""
    return f"\0{name}" if sys.platform == "linux" else f"/tmp/{name}"  # noqa: S108 - the name is drawn


@contextlib.contextmanager
def _pipe() -> Iterator[tuple[int, int]]:
    """Both ends; the second is closed by who hands it on."""
    reading, writing = os.pipe()
    try:
        yield reading, writing
    finally:
        os.close(reading)


def _read_both(*ends: int) -> list[str]:
    """Everything that comes, of each, until nobody writes any more."""
    texts: list[str] = [""] * len(ends)

    def read(number: int, end: int) -> None:
        with open(end, "rb", closefd=False) as stream:
            texts[number] = stream.read().decode(errors="replace").replace("\r\n", "\n")

    readers = [threading.Thread(target=read, args=one) for one in enumerate(ends)]
    for one in readers:
        one.start()
    for one in readers:
        one.join()
    return texts


def serve(name: str) -> None:
    """In a process of its own: fork for each request."""
    import importlib
    import signal

    from pushproof.base.process import PRCTL, SET_PDEATHSIG

    PRCTL(SET_PDEATHSIG, signal.SIGKILL) if PRCTL else None
    for module in IMPORTED:
        importlib.import_module(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(_address(name))
        listener.listen(64)
        os.write(1, b"!")
        while True:
            line, _ = listener.accept()
            if _is_ours(line) and os.fork() == 0:
                listener.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _child(line)
            line.close()


def _is_ours(line: socket.socket) -> bool:
    """Whether the caller is the same user: such a socket is open to all."""
    if sys.platform != "linux":
        return True
    _, uid, _ = struct.unpack("3i", line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return bool(uid == os.geteuid())


def _child(line: socket.socket) -> None:
    """Become the task; never returns."""
    size, ends, _, _ = socket.recv_fds(line, 8, 2)
    length, text = int.from_bytes(size), b""
    while len(text) < length:
        text += line.recv(length - len(text))
    request = json.loads(text)
    for number, end in enumerate((os.open(os.devnull, os.O_RDONLY), *ends)):
        os.dup2(end, number)
        os.close(end)
    for name, number, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):  # the server's may be files
        setattr(sys, name, os.fdopen(number, mode, buffering=1 if name == "stderr" else -1, closefd=False))
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    code = _run(request["words"])
    line.sendall(code.to_bytes(4, signed=True))
    os._exit(code & 0xFF)


def _run(words: list[str]) -> int:
    """The task's exit code, once all that belongs to the end of an interpreter is done."""
    import traceback

    sys.argv = [PROGRAM, *words]
    code: Any = 0
    try:
        from invoke.main import program

        program.run()
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    return code if isinstance(code, int) else int(code is not None)


if __name__ == "__main__":
    serve(sys.argv[1])
