// oneDNN as a peer, in two modes.
//   any    the primitive chooses its own layouts; everything is reordered before, only its execute is timed: its best case.
//   plain  NCHW in and out: the same primitive, with the reorders of inputs, weights and results counted in the time.
#include <cstdlib>
#include <unordered_map>

#include <oneapi/dnnl/dnnl.hpp>
#include <oneapi/dnnl/dnnl_version.h>

#include "peer.hpp"

namespace {

using dnnl::memory;
using peer::Direction;
using peer::Json;
using Arguments = std::unordered_map<int, memory>;

// oneDNN 3 dropped the operation descriptors of oneDNN 2: the same arguments make the primitive descriptor directly.
template <class Primitive, class... Args>
auto describe_forward(const dnnl::engine& cpu, const Args&... args) {
#if DNNL_VERSION_MAJOR >= 3
    return typename Primitive::primitive_desc(cpu, args...);
#else
    return typename Primitive::primitive_desc(typename Primitive::desc(args...), cpu);
#endif
}

template <class Primitive, class... Args>
auto describe_backward(const dnnl::engine& cpu, const dnnl::convolution_forward::primitive_desc& forward, const Args&... args) {
#if DNNL_VERSION_MAJOR >= 3
    return typename Primitive::primitive_desc(cpu, args..., forward);
#else
    return typename Primitive::primitive_desc(typename Primitive::desc(args...), cpu, forward);
#endif
}

// The problem in oneDNN's terms. Its dilation is zero-based.
struct Shape {
    memory::dims x, w, b, y, strides, dilates, pad_begin, pad_end;

    explicit Shape(const peer::Problem& p)
        : x{p.mb, p.ic, p.ih, p.iw},
          w{p.g, p.oc / p.g, p.ic / p.g, p.kh, p.kw},
          b{p.oc},
          y{p.mb, p.oc, p.oh, p.ow},
          strides{p.sh, p.sw},
          dilates{p.dh - 1, p.dw - 1},
          pad_begin{p.pt, p.pl},
          pad_end{p.pb, p.pr} {
        if (p.g == 1) w.erase(w.begin());
    }
};

memory::desc describe(const memory::dims& dims, memory::format_tag tag) {
    return memory::desc(dims, memory::data_type::f32, tag);
}

memory::desc any(const memory::dims& dims) { return describe(dims, memory::format_tag::any); }

memory::desc plain(const memory::dims& dims) {
    using tag = memory::format_tag;
    return describe(dims, dims.size() == 1 ? tag::x : dims.size() == 4 ? tag::nchw : tag::goihw);
}

// One tensor of the primitive: as the caller has it, and as the primitive wants it (the same memory if that is the same).
struct Tensor {
    const char* name;
    memory user, used;
};

class OneDnnPlan : public peer::Plan {
public:
    OneDnnPlan(const dnnl::engine& cpu, const peer::Case& c) : cpu_(cpu), stream_(cpu), reorder_in_run_(c.mode == "plain") {
        Shape shape(c.problem);
        double start = peer::seconds();
        create(c, shape);
        prepare_seconds = peer::seconds() - start;
        for (Tensor& input : inputs_) {
            peer::read_floats(c.data / (std::string(input.name) + ".bin"), values(input.user), length(input.user));
            if (!reorder_in_run_) copy(input.user, input.used);
        }
    }

    void run() override {
        if (reorder_in_run_)
            for (Tensor& input : inputs_) copy(input.user, input.used);
        primitive_.execute(stream_, arguments_);
        if (reorder_in_run_)
            for (Tensor& result : results_) copy(result.used, result.user);
        stream_.wait();
    }

    Json output(const peer::Path& folder) override {
        Json files = Json::array();
        for (Tensor& result : results_) {
            if (!reorder_in_run_) copy(result.used, result.user);
            stream_.wait();
            std::string file = std::string(result.name) + ".bin";
            peer::write_floats(folder / file, values(result.user), length(result.user));
            files.push_back(file);
        }
        return {{"files", files}};
    }

private:
    void create(const peer::Case& c, const Shape& s) {
        auto training = dnnl::prop_kind::forward_training;
        auto direct = dnnl::algorithm::convolution_direct;
        memory::desc bias = c.bias ? plain(s.b) : memory::desc();
        auto forward = describe_forward<dnnl::convolution_forward>(
            cpu_, training, direct, any(s.x), any(s.w), bias, any(s.y), s.strides, s.dilates, s.pad_begin, s.pad_end);

        if (c.direction == Direction::FWD) {
            add(inputs_, forward, "x", DNNL_ARG_SRC, s.x);
            add(inputs_, forward, "w", DNNL_ARG_WEIGHTS, s.w);
            if (c.bias) add(inputs_, forward, "b", DNNL_ARG_BIAS, s.b);
            add(results_, forward, "y", DNNL_ARG_DST, s.y);
            finish<dnnl::convolution_forward>(forward);
        } else if (c.direction == Direction::BWD_D) {
            auto backward = describe_backward<dnnl::convolution_backward_data>(
                cpu_, forward, direct, any(s.x), any(s.w), any(s.y), s.strides, s.dilates, s.pad_begin, s.pad_end);
            add(inputs_, backward, "dy", DNNL_ARG_DIFF_DST, s.y);
            add(inputs_, backward, "w", DNNL_ARG_WEIGHTS, s.w);
            add(results_, backward, "dx", DNNL_ARG_DIFF_SRC, s.x);
            finish<dnnl::convolution_backward_data>(backward);
        } else {
            auto backward = describe_backward<dnnl::convolution_backward_weights>(
                cpu_, forward, direct, any(s.x), any(s.w), bias, any(s.y), s.strides, s.dilates, s.pad_begin, s.pad_end);
            add(inputs_, backward, "x", DNNL_ARG_SRC, s.x);
            add(inputs_, backward, "dy", DNNL_ARG_DIFF_DST, s.y);
            add(results_, backward, "dw", DNNL_ARG_DIFF_WEIGHTS, s.w);
            if (c.bias) add(results_, backward, "db", DNNL_ARG_DIFF_BIAS, s.b);
            finish<dnnl::convolution_backward_weights>(backward);
        }
    }

    void add(std::vector<Tensor>& tensors, const dnnl::primitive_desc_base& descriptor, const char* name, int argument,
             const memory::dims& dims) {
        memory::desc wanted = descriptor.query_md(dnnl::query::exec_arg_md, argument);
        memory user(plain(dims), cpu_);
        memory used = wanted == user.get_desc() ? user : memory(wanted, cpu_);
        if (wanted != user.get_desc()) reordered_bytes_ += int64_t(wanted.get_size());
        tensors.push_back({name, user, used});
        arguments_.emplace(argument, used);
    }

    template <class Primitive>
    void finish(const typename Primitive::primitive_desc& descriptor) {
        primitive_ = Primitive(descriptor);
        algorithm = descriptor.impl_info_str();
        workspace_bytes = int64_t(descriptor.scratchpad_desc().get_size()) + (reorder_in_run_ ? reordered_bytes_ : 0);
        for (const Tensor& input : inputs_) remember_reorder(input.user, input.used);
        for (const Tensor& result : results_) remember_reorder(result.used, result.user);
    }

    void remember_reorder(const memory& from, const memory& to) {
        if (from != to) reorders_.emplace(from.get(), dnnl::reorder(from, to));
    }

    // from must be the source of a remembered reorder, or the same memory as to.
    void copy(memory& from, memory& to) {
        if (from != to) reorders_.at(from.get()).execute(stream_, from, to);
    }

    static float* values(const memory& tensor) { return static_cast<float*>(tensor.get_data_handle()); }
    static int64_t length(const memory& tensor) { return int64_t(tensor.get_desc().get_size() / sizeof(float)); }

    dnnl::engine cpu_;
    dnnl::stream stream_;
    bool reorder_in_run_;
    dnnl::primitive primitive_;
    std::vector<Tensor> inputs_, results_;
    Arguments arguments_;
    std::unordered_map<dnnl_memory_t, dnnl::reorder> reorders_;
    int64_t reordered_bytes_ = 0;
};

class OneDnnPeer : public peer::Peer {
public:
    explicit OneDnnPeer(int threads) : threads_(threads) {}

    Json describe() const override {
        const dnnl_version_t* v = dnnl_version();
        std::string version = std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch);
        std::string details = "oneDNN " + version + " (" + v->hash + "), ISA " + std::to_string(int(dnnl::get_effective_cpu_isa())) +
                              ", " + std::to_string(threads_) + " threads, forward_training, convolution_direct";
        return {{"name", "onednn"}, {"version", version}, {"details", details},
                {"modes", {"any", "plain"}}, {"directions", {"FWD", "BWD_D", "BWD_W"}}};
    }

    std::unique_ptr<peer::Plan> prepare(const peer::Case& c) override {
        try {
            return std::make_unique<OneDnnPlan>(cpu_, c);
        } catch (const dnnl::error& failure) {
            if (failure.status == dnnl_unimplemented) throw peer::Unsupported(failure.what());
            throw;
        }
    }

private:
    int threads_;
    dnnl::engine cpu_{dnnl::engine::kind::cpu, 0};
};

}  // namespace

int main(int argc, char** argv) {
    try {
        int threads = peer::threads(argc, argv);
        const char* openmp = std::getenv("OMP_NUM_THREADS");
        // The OpenMP runtime has read it before main: too late to set it here.
        if (!openmp || openmp != std::to_string(threads))
            throw std::invalid_argument("OMP_NUM_THREADS must be set to the value of --threads");
        OneDnnPeer onednn(threads);
        return peer::serve(onednn);
    } catch (const std::exception& failure) {
        std::cerr << failure.what() << "\n";
        return 2;
    }
}
