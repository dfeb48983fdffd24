// The protocol loop of the C++ peers. bench/peers/README.md describes every message.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include <nlohmann/json.hpp>

namespace peer {

using Json = nlohmann::json;
using Path = std::filesystem::path;

enum class Direction { FWD, BWD_D, BWD_W };

struct Problem {
    int64_t g, mb, ic, ih, iw, oc, oh, ow, kh, kw, sh, sw, dh, dw, pt, pl, pb, pr;
    NLOHMANN_DEFINE_TYPE_INTRUSIVE(Problem, g, mb, ic, ih, iw, oc, oh, ow, kh, kw, sh, sw, dh, dw, pt, pl, pb, pr)

    // Throws unless the sizes fit together: OH = ⌊(IH + pt + pb − dh·(KH−1) − 1)/sh⌋ + 1, OW likewise, g divides IC and OC.
    void check() const {
        for (int64_t size : {g, mb, ic, ih, iw, oc, oh, ow, kh, kw, sh, sw, dh, dw})
            if (size < 1) throw std::invalid_argument("problem: every size, stride and dilation must be at least 1");
        if (ic % g != 0 || oc % g != 0) throw std::invalid_argument("problem: g must divide ic and oc");
        check_output("oh", oh, ih + pt + pb - dh * (kh - 1) - 1, sh);
        check_output("ow", ow, iw + pl + pr - dw * (kw - 1) - 1, sw);
    }

private:
    static void check_output(const std::string& name, int64_t actual, int64_t span, int64_t stride) {
        int64_t expected = span < 0 ? 0 : span / stride + 1;
        if (actual != expected)
            throw std::invalid_argument("problem: " + name + " is " + std::to_string(actual) + ", must be " + std::to_string(expected));
    }
};

struct Case {
    std::string mode;
    Direction direction;
    Problem problem;
    bool bias;
    Path data;  // folder of x.bin, w.bin, b.bin, dy.bin
};

// A case that the peer cannot compute at all: an answer, not an error.
struct Unsupported : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// A prepared case. Freed by its destructor when the next one is prepared.
struct Plan {
    std::string algorithm;
    double prepare_seconds = 0;
    std::optional<int64_t> workspace_bytes;

    virtual ~Plan() = default;
    virtual void run() = 0;
    // Writes the last run's result into the folder and returns the members of the reply: "files", perhaps "unchecked".
    virtual Json output(const Path& folder) = 0;
};

struct Peer {
    virtual ~Peer() = default;
    virtual Json describe() const = 0;
    virtual std::unique_ptr<Plan> prepare(const Case&) = 0;  // throws Unsupported
};

inline double seconds() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

inline void read_floats(const Path& file, float* values, int64_t count) {
    int64_t bytes = count * int64_t(sizeof(float));
    std::ifstream stream(file, std::ios::binary);
    if (!stream) throw std::runtime_error(file.string() + ": cannot be read");
    if (int64_t size = int64_t(std::filesystem::file_size(file)); size != bytes)
        throw std::runtime_error(file.string() + ": has " + std::to_string(size) + " bytes, must have " + std::to_string(bytes));
    if (!stream.read(reinterpret_cast<char*>(values), bytes)) throw std::runtime_error(file.string() + ": read failed");
}

inline void write_floats(const Path& file, const float* values, int64_t count) {
    std::ofstream stream(file, std::ios::binary);
    stream.write(reinterpret_cast<const char*>(values), count * int64_t(sizeof(float)));
    if (!stream.flush()) throw std::runtime_error(file.string() + ": cannot be written");
}

// VmHWM and not getrusage: ru_maxrss survives exec, so it would show the parent's peak.
inline int64_t peak_resident_bytes() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.rfind("VmHWM:", 0) == 0) return std::stoll(line.substr(6)) * 1024;
    throw std::runtime_error("/proc/self/status has no VmHWM");
}

// Worker threads spin on for up to 0.1 s after their last call (OpenBLAS): until they sleep, they take a core from the
// contestant that runs next. Gives up after a second.
inline void wait_until_idle() {
    for (int attempt = 0; attempt < 200; attempt++) {
        std::clock_t before = std::clock();
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        if (std::clock() - before < CLOCKS_PER_SEC / 2000) return;
    }
}

class Session {
public:
    explicit Session(Peer& peer) : peer_(peer) {}

    Json reply(const Json& request) {
        std::string command = request.at("cmd");
        if (command == "describe") return peer_.describe();
        if (command == "prepare") return prepare(request);
        if (command == "run") return run(request.at("times"));
        if (command == "output") return output(request.at("dir").get<std::string>());
        if (command == "memory") return {{"peakBytes", peak_resident_bytes()}};
        if (command == "quit") return quit();
        throw std::invalid_argument("cmd: unknown command '" + command + "'");
    }

    bool done() const { return done_; }

private:
    Json prepare(const Json& request) {
        plan_.reset();
        has_run_ = false;
        try {
            plan_ = peer_.prepare(read_case(request));
        } catch (const Unsupported& reason) {
            return {{"supported", false}, {"reason", reason.what()}};
        }
        Json result{{"supported", true}, {"algorithm", plan_->algorithm}, {"prepareSeconds", plan_->prepare_seconds}};
        result["workspaceBytes"] = plan_->workspace_bytes ? Json(*plan_->workspace_bytes) : Json(nullptr);
        return result;
    }

    Json run(int64_t times) {
        if (!plan_) throw std::logic_error("run: nothing is prepared");
        if (times < 1) throw std::invalid_argument("times: is " + std::to_string(times) + ", must be at least 1");
        std::vector<double> measured;
        for (int64_t i = 0; i < times; i++) {
            double start = seconds();
            plan_->run();
            measured.push_back(seconds() - start);
        }
        has_run_ = true;
        wait_until_idle();
        return {{"seconds", measured}};
    }

    Json output(const Path& folder) {
        if (!has_run_) throw std::logic_error("output: nothing has run");
        return plan_->output(folder);
    }

    Json quit() {
        done_ = true;
        return Json::object();
    }

    Case read_case(const Json& request) const {
        std::string mode = request.at("mode"), direction = request.at("dir");
        Json known = peer_.describe();
        require(known.at("modes"), "mode", mode);
        require(known.at("directions"), "dir", direction);
        Problem problem = request.at("problem").get<Problem>();
        problem.check();
        Direction parsed = direction == "FWD" ? Direction::FWD : direction == "BWD_D" ? Direction::BWD_D : Direction::BWD_W;
        return {mode, parsed, problem, request.at("bias").get<bool>(), request.at("data").get<std::string>()};
    }

    static void require(const Json& known, const std::string& member, const std::string& value) {
        for (const Json& one : known)
            if (one == value) return;
        throw std::invalid_argument(member + ": is '" + value + "', must be one of " + known.dump());
    }

    Peer& peer_;
    std::unique_ptr<Plan> plan_;
    bool has_run_ = false;
    bool done_ = false;
};

// The value of --threads T, the only argument a peer is started with.
inline int threads(int argc, char** argv) {
    if (argc == 3 && std::string(argv[1]) == "--threads")
        if (int count = std::atoi(argv[2]); count >= 1) return count;
    throw std::invalid_argument(std::string("usage: ") + argv[0] + " --threads T");
}

// Answers requests until "quit" or the end of the input. Replies go to a private copy of stdout, and stdout itself to
// stderr, so that a chatty library (ONEDNN_VERBOSE) cannot break a line of the protocol.
inline int serve(Peer& peer) {
    FILE* replies = fdopen(dup(STDOUT_FILENO), "w");
    dup2(STDERR_FILENO, STDOUT_FILENO);
    Session session(peer);
    for (std::string line; !session.done() && std::getline(std::cin, line);) {
        Json reply;
        try {
            reply = session.reply(Json::parse(line));
            reply["ok"] = true;
        } catch (const std::exception& failure) {
            reply = {{"ok", false}, {"error", failure.what()}};
        }
        std::fprintf(replies, "%s\n", reply.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
        std::fflush(replies);
    }
    return 0;
}

}  // namespace peer
