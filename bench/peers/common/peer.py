"""The protocol loop of the Python peers. bench/peers/README.md describes every message.

A peer is a class with
    name, modes   its name, and the names of its ways of running
    describe()    -> (version, details)
    prepare(case) -> a plan; raises Unsupported
A plan has
    algorithm, prepare_seconds    (what was prepared, and how long that took without the reading of the data)
    run()
    output()                      -> the last run's arrays, {"y": …}, {"dx": …} or {"dw": …, "db": …}
"""
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

if len(sys.argv) != 3 or sys.argv[1] != "--threads" or not sys.argv[2].isdigit() or int(sys.argv[2]) < 1:
    sys.exit(f"usage: {sys.argv[0]} --threads T")
THREADS = int(sys.argv[2])
# BLAS and OpenMP read these once, when numpy or torch loads them: set before the first import of either.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = str(THREADS)

import numpy as np  # noqa: E402

DIRECTIONS = ["FWD", "BWD_D", "BWD_W"]


class Unsupported(Exception):
    """A case that the peer cannot compute at all: an answer, not an error."""


@dataclass(frozen=True)
class Problem:
    g: int
    mb: int
    ic: int
    ih: int
    iw: int
    oc: int
    oh: int
    ow: int
    kh: int
    kw: int
    sh: int
    sw: int
    dh: int
    dw: int
    pt: int
    pl: int
    pb: int
    pr: int

    def check(self):
        """Raises unless OH = ⌊(IH + pt + pb − dh·(KH−1) − 1)/sh⌋ + 1, OW likewise, and g divides IC and OC."""
        for name, size in vars(self).items():
            if not isinstance(size, int) or (size < 1 and name not in ("pt", "pl", "pb", "pr")):
                raise ValueError(f"problem: {name} is {size!r}, must be a whole number of at least 1")
        if self.ic % self.g or self.oc % self.g:
            raise ValueError("problem: g must divide ic and oc")
        oh = (self.ih + self.pt + self.pb - self.dh * (self.kh - 1) - 1) // self.sh + 1
        ow = (self.iw + self.pl + self.pr - self.dw * (self.kw - 1) - 1) // self.sw + 1
        if (self.oh, self.ow) != (oh, ow):
            raise ValueError(f"problem: oh×ow is {self.oh}×{self.ow}, must be {oh}×{ow}")


@dataclass(frozen=True)
class Case:
    mode: str
    direction: str
    problem: Problem
    bias: bool
    data: Path

    @property
    def x(self):
        return self._read("x", self.problem.mb, self.problem.ic, self.problem.ih, self.problem.iw)

    @property
    def w(self):
        return self._read("w", self.problem.oc, self.problem.ic // self.problem.g, self.problem.kh, self.problem.kw)

    @property
    def b(self):
        return self._read("b", self.problem.oc) if self.bias else None

    @property
    def dy(self):
        return self._read("dy", self.problem.mb, self.problem.oc, self.problem.oh, self.problem.ow)

    def _read(self, name, *shape):
        values = np.fromfile(self.data / f"{name}.bin", dtype="<f4")
        if values.size != np.prod(shape):
            raise ValueError(f"{name}.bin has {values.size} values, must have {np.prod(shape)}")
        return values.reshape(shape)


def wait_until_idle():
    """Worker threads spin on for up to 0.1 s after their last call (OpenBLAS): until they sleep, they take a core from the
    contestant that runs next. Gives up after a second."""
    for _ in range(200):
        before = time.process_time()
        time.sleep(0.005)
        if time.process_time() - before < 0.0005:
            return


class Session:
    def __init__(self, peer):
        self.peer = peer
        self.plan = None
        self.has_run = False
        self.done = False

    def reply(self, request):
        commands = {"describe": self.describe, "prepare": self.prepare, "run": self.run,
                    "output": self.output, "memory": self.memory, "quit": self.quit}
        if request["cmd"] not in commands:
            raise ValueError(f"cmd: unknown command {request['cmd']!r}")
        return commands[request["cmd"]](request)

    def describe(self, _):
        version, details = self.peer.describe()
        return {"name": self.peer.name, "version": version, "details": details, "modes": self.peer.modes, "directions": DIRECTIONS}

    def prepare(self, request):
        self.plan = None
        self.has_run = False
        for member, known in (("mode", self.peer.modes), ("dir", DIRECTIONS)):
            if request[member] not in known:
                raise ValueError(f"{member}: is {request[member]!r}, must be one of {known}")
        case = Case(request["mode"], request["dir"], Problem(**request["problem"]), request["bias"], Path(request["data"]))
        case.problem.check()
        try:
            self.plan = self.peer.prepare(case)
        except Unsupported as reason:
            return {"supported": False, "reason": str(reason)}
        return {"supported": True, "algorithm": self.plan.algorithm, "prepareSeconds": self.plan.prepare_seconds,
                "workspaceBytes": None}

    def run(self, request):
        if self.plan is None:
            raise RuntimeError("run: nothing is prepared")
        if request["times"] < 1:
            raise ValueError(f"times: is {request['times']}, must be at least 1")
        seconds = []
        for _ in range(request["times"]):
            start = time.perf_counter()
            self.plan.run()
            seconds.append(time.perf_counter() - start)
        self.has_run = True
        wait_until_idle()
        return {"seconds": seconds}

    def output(self, request):
        if not self.has_run:
            raise RuntimeError("output: nothing has run")
        files = []
        for name, array in self.plan.output().items():
            np.ascontiguousarray(array, dtype="<f4").tofile(Path(request["dir"]) / f"{name}.bin")
            files.append(f"{name}.bin")
        return {"files": files}

    def memory(self, _):
        # VmHWM and not getrusage: ru_maxrss survives exec, so it would show the parent's peak.
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return {"peakBytes": int(line.split()[1]) * 1024}
        raise RuntimeError("/proc/self/status has no VmHWM")

    def quit(self, _):
        self.done = True
        return {}


def serve(peer):
    """Answers requests until "quit" or the end of the input. Stray output of libraries goes to stderr."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    session = Session(peer)
    for line in sys.stdin:
        try:
            reply = {"ok": True, **session.reply(json.loads(line))}
        except Exception as failure:  # whatever it was, the peer lives and says so
            reply = {"ok": False, "error": f"{type(failure).__name__}: {failure}"}
        print(json.dumps(reply), file=replies, flush=True)
        if session.done:
            break
