"""The article's method in numpy: im2col by index arrays, one matrix product, col2im by np.add.at.

Columns are (oh, ow, n) with n fastest. x and dy are laid out anew in every call, and BWD_W builds the column matrix itself:
the article keeps it from the forward pass, but a caller who has x and dy only must pay for it. Groups are refused.
"""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "common"))
import peer  # noqa: E402  (sets the thread count: before numpy)
import numpy as np  # noqa: E402


class Columns:
    """The index arrays (channel, row, column) that pick X_col (IC·KH·KW × OH·OW) out of the padded image."""

    def __init__(self, p):
        self.p = p
        channel, kh, kw = (axis.reshape(-1, 1) for axis in np.indices((p.ic, p.kh, p.kw)))
        oh, ow = (axis.reshape(1, -1) for axis in np.indices((p.oh, p.ow)))
        self.index = (slice(None), channel, p.sh * oh + p.dh * kh, p.sw * ow + p.dw * kw)

    def im2col(self, x):
        p = self.p
        padded = np.pad(x, ((0, 0), (0, 0), (p.pt, p.pb), (p.pl, p.pr)))
        return padded[self.index].transpose(1, 2, 0).reshape(p.ic * p.kh * p.kw, -1)

    def col2im(self, columns):
        p = self.p
        padded = np.zeros((p.mb, p.ic, p.ih + p.pt + p.pb, p.iw + p.pl + p.pr), dtype=np.float32)
        patches = columns.reshape(p.ic * p.kh * p.kw, p.oh * p.ow, p.mb).transpose(2, 0, 1)
        np.add.at(padded, self.index, patches)
        return padded[:, :, p.pt:p.pt + p.ih, p.pl:p.pl + p.iw]


class Plan:
    algorithm = "im2col, matmul, np.add.at"

    def __init__(self, case):
        self.p = case.problem
        self.result = None
        if case.direction == "FWD":
            x, w, b = case.x, case.w, case.b
            self.call = lambda: {"y": self.forward(x, w, b)}
        elif case.direction == "BWD_D":
            dy, w = case.dy, case.w
            self.call = lambda: {"dx": self.backward_data(dy, w)}
        else:
            x, dy, bias = case.x, case.dy, case.bias
            self.call = lambda: self.backward_weights(x, dy, bias)
        start = time.perf_counter()
        self.columns = Columns(case.problem)
        self.prepare_seconds = time.perf_counter() - start

    def run(self):
        self.result = None
        self.result = self.call()

    def output(self):
        return self.result

    def forward(self, x, w, b):
        p = self.p
        y = w.reshape(p.oc, -1) @ self.columns.im2col(x)
        if b is not None:
            y += b[:, None]
        return np.ascontiguousarray(y.reshape(p.oc, p.oh, p.ow, p.mb).transpose(3, 0, 1, 2))

    def backward_data(self, dy, w):
        return np.ascontiguousarray(self.columns.col2im(w.reshape(self.p.oc, -1).T @ self.rows(dy)))

    def backward_weights(self, x, dy, bias):
        p = self.p
        dw = (self.rows(dy) @ self.columns.im2col(x).T).reshape(p.oc, p.ic, p.kh, p.kw)
        return {"dw": dw, "db": dy.sum(axis=(0, 2, 3))} if bias else {"dw": dw}

    def rows(self, dy):
        """dY_col: OC × (oh, ow, n)."""
        return dy.transpose(1, 2, 3, 0).reshape(self.p.oc, -1)


def loaded_blas():
    """numpy does not name the BLAS it runs on: the distribution's alternatives decide. The process map does."""
    with open("/proc/self/maps", encoding="utf-8") as maps:
        return ", ".join(sorted({line.split()[-1] for line in maps if "blas" in os.path.basename(line.split()[-1])}))


class NumpyPeer:
    name = "numpy"
    modes = ["default"]

    def describe(self):
        return np.__version__, f"numpy {np.__version__}, BLAS {loaded_blas() or 'built in'}, {peer.THREADS} threads in the product"

    def prepare(self, case):
        if case.problem.g != 1:
            raise peer.Unsupported("the article's method has no groups")
        if min(case.problem.pt, case.problem.pl, case.problem.pb, case.problem.pr) < 0:
            raise peer.Unsupported("np.pad has no negative padding")
        return Plan(case)


if __name__ == "__main__":
    peer.serve(NumpyPeer())
