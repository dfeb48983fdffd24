// The bound of any im2col method: the layer's bare cblas_sgemm calls, with the column matrix given for free.
//   image  one product per image and group; the columns of one image serve for all of them.
//   batch  one product per group over the whole batch (the article's shape, columns (oh, ow, n)).
// The column matrix is filled with values of x in any order, so the result is no convolution and cannot be checked.
// No bias is added and none is summed.
#include <cblas.h>

#include "peer.hpp"

namespace {

using peer::Direction;
using peer::Json;
using Floats = std::vector<float>;

constexpr int64_t MaxColumnBytes = int64_t(4) << 30;

Floats read(const peer::Path& file, int64_t count) {
    Floats values(count);
    peer::read_floats(file, values.data(), count);
    return values;
}

Floats repeat(const Floats& values, int64_t count) {
    Floats result(count);
    for (int64_t i = 0; i < count; i++) result[i] = values[i % values.size()];
    return result;
}

// Row-major matrices of one group: w (m × k), columns (k × n), y (m × n); M = OC/g, N = OH·OW (· images at once), K = IC/g·KH·KW.
class SgemmPlan : public peer::Plan {
public:
    explicit SgemmPlan(const peer::Case& c) : direction_(c.direction) {
        const peer::Problem& p = c.problem;
        int64_t at_once = c.mode == "batch" ? p.mb : 1;
        groups_ = p.g;
        products_ = p.mb / at_once;
        m_ = p.oc / p.g;
        n_ = p.oh * p.ow * at_once;
        k_ = p.ic / p.g * p.kh * p.kw;
        if (groups_ * k_ * n_ * int64_t(sizeof(float)) > MaxColumnBytes) throw peer::Unsupported("the column matrix exceeds 4 GiB");

        algorithm = "sgemm M=" + std::to_string(m_) + " N=" + std::to_string(n_) + " K=" + std::to_string(k_);
        int64_t columns = groups_ * k_ * n_, weights = groups_ * m_ * k_, outputs = products_ * groups_ * m_ * n_;
        columns_ = direction_ == Direction::BWD_D ? Floats(columns) : repeat(read(c.data / "x.bin", p.mb * p.ic * p.ih * p.iw), columns);
        weights_ = direction_ == Direction::BWD_W ? Floats(weights) : read(c.data / "w.bin", weights);
        outputs_ = direction_ == Direction::FWD ? Floats(outputs) : read(c.data / "dy.bin", outputs);
        workspace_bytes = columns * int64_t(sizeof(float));
    }

    void run() override {
        for (int64_t product = 0; product < products_; product++)
            for (int64_t group = 0; group < groups_; group++) multiply(product, group);
    }

    Json output(const peer::Path&) override { return {{"files", Json::array()}, {"unchecked", "bound only"}}; }

private:
    void multiply(int64_t product, int64_t group) {
        float* w = weights_.data() + group * m_ * k_;
        float* columns = columns_.data() + group * k_ * n_;
        float* y = outputs_.data() + (product * groups_ + group) * m_ * n_;
        int m = int(m_), n = int(n_), k = int(k_);
        float before = product == 0 ? 0.0f : 1.0f;  // dw is a sum over the images
        switch (direction_) {
        case Direction::FWD:  // y = w · columns
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1, w, k, columns, n, 0, y, n);
            break;
        case Direction::BWD_D:  // columns = wᵀ · dy, the weights stored k × m beforehand
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, k, n, m, 1, w, m, y, n, 0, columns, n);
            break;
        case Direction::BWD_W:  // dw += dy · columnsᵀ
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, k, n, 1, y, n, columns, n, before, w, k);
            break;
        }
    }

    Direction direction_;
    int64_t groups_, products_, m_, n_, k_;
    Floats weights_, columns_, outputs_;
};

class OpenBlasPeer : public peer::Peer {
public:
    explicit OpenBlasPeer(int threads) { openblas_set_num_threads(threads); }

    Json describe() const override {
        std::string config = openblas_get_config();
        std::string details = config + ", core " + openblas_get_corename() + ", " + std::to_string(openblas_get_num_threads()) + " threads";
        return {{"name", "openblas"}, {"version", version(config)}, {"details", details},
                {"modes", {"image", "batch"}}, {"directions", {"FWD", "BWD_D", "BWD_W"}}};
    }

    std::unique_ptr<peer::Plan> prepare(const peer::Case& c) override { return std::make_unique<SgemmPlan>(c); }

private:
    // The configuration reads "OpenBLAS 0.3.21 NO_LAPACKE …".
    static std::string version(const std::string& config) {
        size_t start = config.find(' ') + 1;
        return config.substr(start, config.find(' ', start) - start);
    }
};

}  // namespace

int main(int argc, char** argv) {
    try {
        OpenBlasPeer openblas(peer::threads(argc, argv));
        return peer::serve(openblas);
    } catch (const std::exception& failure) {
        std::cerr << failure.what() << "\n";
        return 2;
    }
}
