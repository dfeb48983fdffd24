"""PyTorch as a peer: torch.nn.functional.conv2d, and aten.convolution_backward for one direction at a time. NCHW tensors."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "common"))
import peer  # noqa: E402  (sets the thread count: before torch)
import torch  # noqa: E402


def tensor(array):
    return None if array is None else torch.from_numpy(array)


class Plan:
    algorithm = "torch"
    prepare_seconds = 0.0  # torch plans within each call

    def __init__(self, case):
        p = case.problem
        self.result = None
        stride, padding, dilation = (p.sh, p.sw), (p.pt, p.pl), (p.dh, p.dw)
        if case.direction == "FWD":
            x, w, b = tensor(case.x), tensor(case.w), tensor(case.b)
            self.names = ["y"]
            self.call = lambda: [torch.nn.functional.conv2d(x, w, b, stride, padding, dilation, p.g)]
            return
        data = case.direction == "BWD_D"
        mask = [data, not data, not data and case.bias]
        # The direction needs one of x and w only by its shape: the other is left empty of values, not read.
        x = torch.empty(p.mb, p.ic, p.ih, p.iw) if data else tensor(case.x)
        w = tensor(case.w) if data else torch.empty(p.oc, p.ic // p.g, p.kh, p.kw)
        dy = tensor(case.dy)
        self.names = [name for name, wanted in zip(("dx", "dw", "db"), mask) if wanted]

        def backward():
            gradients = torch.ops.aten.convolution_backward(dy, x, w, [p.oc] if case.bias else None, stride, padding, dilation,
                                                            False, [0, 0], p.g, mask)
            return [gradient for gradient, wanted in zip(gradients, mask) if wanted]

        self.call = backward

    def run(self):
        self.result = None
        with torch.no_grad():
            self.result = self.call()

    def output(self):
        return {name: result.numpy() for name, result in zip(self.names, self.result)}


class PyTorchPeer:
    name = "pytorch"
    modes = ["default"]

    def __init__(self):
        torch.set_num_threads(peer.THREADS)

    def describe(self):
        onednn = "with" if torch.backends.mkldnn.is_available() else "without"
        return torch.__version__, f"torch {torch.__version__} {onednn} oneDNN, {torch.get_num_threads()} threads"

    def prepare(self, case):
        p = case.problem
        if (p.pt, p.pl) != (p.pb, p.pr):
            raise peer.Unsupported("conv2d has no asymmetric padding")
        if min(p.pt, p.pl) < 0:
            raise peer.Unsupported("conv2d has no negative padding")
        return Plan(case)


if __name__ == "__main__":
    peer.serve(PyTorchPeer())
