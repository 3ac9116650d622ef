// The CPU scan through its C interface, against the definition in scalar code, for every
// instruction set that the machine has. Small enough to run under an emulator of another processor.
// Prints what failed and exits with 1, or prints the number of checks.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "inpaint_scan.h"

namespace {

int checks = 0;
int failures = 0;
int openmp_threads = 0;

void check(bool condition, const std::string& what) {
  ++checks;
  if (condition) return;
  ++failures;
  std::printf("failed: %s (last error: %s)\n", what.c_str(), inpaint_scan_last_error());
}

float relu(float v) { return v < 0 ? 0 : v; }

struct Problem {
  int64_t n, c, h, w;
  std::vector<float> x, weight, bias, grad_out;
  int64_t x_shape[4], out_shape[4], parameter_shape[2];

  Problem(int64_t n_, int64_t c_, int64_t h_, int64_t w_, bool special)
      : n(n_),
        c(c_),
        h(h_),
        w(w_),
        x_shape{n, c, h, w},
        out_shape{n, 4 * c, h, w},
        parameter_shape{4, c} {
    std::mt19937 random(static_cast<unsigned>(h * 1000 + w));
    std::normal_distribution<float> normal;
    std::uniform_real_distribution<float> uniform(-1.0f, 0.95f);
    for (int64_t i = 0; i < n * c * h * w; ++i) x.push_back(normal(random));
    for (int64_t i = 0; i < 4 * c; ++i) weight.push_back(uniform(random));
    for (int64_t i = 0; i < 4 * c; ++i) bias.push_back(0.2f * normal(random));
    for (int64_t i = 0; i < 4 * n * c * h * w; ++i) grad_out.push_back(normal(random));
    if (special) {
      const float infinity = std::numeric_limits<float>::infinity();
      const float values[] = {std::nanf(""), infinity, -infinity};
      for (size_t i = 0; i < x.size(); i += 29) x[i] = values[i % 3];
    }
  }

  // Element i of a line, as an index into a plane.
  int64_t at(int direction, int64_t line, int64_t i) const {
    switch (direction) {
      case 0:
        return (h - 1 - i) * w + line;
      case 1:
        return line * w + i;
      case 2:
        return i * w + line;
      default:
        return line * w + w - 1 - i;
    }
  }

  template <class Visit>
  void each_line(const Visit& visit) const {
    for (int64_t plane = 0; plane < n * c; ++plane) {
      for (int d = 0; d < 4; ++d) {
        const int64_t out_plane = (plane / c * 4 + d) * c + plane % c;
        const int64_t lines = d % 2 == 0 ? w : h;
        for (int64_t line = 0; line < lines; ++line) {
          visit(plane * h * w, out_plane * h * w, d, d * c + plane % c, line, d % 2 == 0 ? h : w);
        }
      }
    }
  }

  std::vector<float> forward() const {
    std::vector<float> out(static_cast<size_t>(4 * n * c * h * w));
    each_line([&](int64_t from, int64_t to, int d, int64_t p, int64_t line, int64_t length) {
      float state = 0;
      for (int64_t i = 0; i < length; ++i) {
        const float value = x[from + at(d, line, i)];
        state = relu(i > 0 ? weight[p] * state + (bias[p] + value) : value);
        out[to + at(d, line, i)] = state;
      }
    });
    return out;
  }

  void backward(const std::vector<float>& out, std::vector<double>* grad_x,
                std::vector<double>* grad_weight, std::vector<double>* grad_bias) const {
    grad_x->assign(x.size(), 0);
    grad_weight->assign(weight.size(), 0);
    grad_bias->assign(bias.size(), 0);
    each_line([&](int64_t from, int64_t to, int d, int64_t p, int64_t line, int64_t length) {
      double next = 0;
      for (int64_t i = length - 1; i >= 0; --i) {
        const int64_t here = at(d, line, i);
        const double grad = grad_out[to + here] + (i < length - 1 ? weight[p] * next : 0);
        next = out[to + here] <= 0 ? 0 : grad;
        (*grad_x)[from + here] += next;
        if (i > 0) {
          (*grad_weight)[p] += next * out[to + at(d, line, i - 1)];
          (*grad_bias)[p] += next;
        }
      }
    });
  }
};

inpaint_scan_tensor view(const std::vector<float>& values, const int64_t* shape, int32_t rank) {
  return {const_cast<float*>(values.data()), shape, rank, INPAINT_SCAN_FLOAT32};
}

template <class T>
bool close(const std::vector<float>& found, const std::vector<T>& expected, double tolerance) {
  for (size_t i = 0; i < found.size(); ++i) {
    const double a = found[i], b = expected[i];
    if (std::isnan(a) != std::isnan(b) || std::isinf(a) != std::isinf(b)) return false;
    if (std::isfinite(a) && std::fabs(a - b) > tolerance * (1 + std::fabs(b))) return false;
    if (std::isinf(a) && a != b) return false;
  }
  return true;
}

void check_problem(const Problem& p, const char* isa, int threads, const std::string& name) {
  const std::vector<float> expected = p.forward();
  std::vector<float> out(expected.size(), -1);
  const inpaint_scan_tensor x = view(p.x, p.x_shape, 4);
  const inpaint_scan_tensor weight = view(p.weight, p.parameter_shape, 2);
  const inpaint_scan_tensor bias = view(p.bias, p.parameter_shape, 2);
  const inpaint_scan_tensor result = view(out, p.out_shape, 4);
  inpaint_scan_options options = {};
  options.threads = threads;
  options.isa = isa;
  check(inpaint_scan_forward(&x, &weight, &bias, &result, &options) == INPAINT_SCAN_OK,
        name + " forward runs");
  check(close(out, expected, 2e-5), name + " forward");

  std::vector<double> grad_x, grad_weight, grad_bias;
  p.backward(out, &grad_x, &grad_weight, &grad_bias);
  std::vector<float> found_x(p.x.size()), found_weight(p.weight.size()), found_bias(p.bias.size());
  const inpaint_scan_tensor grad = view(p.grad_out, p.out_shape, 4);
  const inpaint_scan_tensor gx = view(found_x, p.x_shape, 4);
  const inpaint_scan_tensor gw = view(found_weight, p.parameter_shape, 2);
  const inpaint_scan_tensor gb = view(found_bias, p.parameter_shape, 2);
  check(inpaint_scan_backward(&weight, &result, &grad, &gx, &gw, &gb, &options) == INPAINT_SCAN_OK,
        name + " backward runs");
  const double scale = std::sqrt(static_cast<double>(p.n * p.h * p.w));
  check(close(found_x, grad_x, 1e-4), name + " grad_x");
  check(close(found_weight, grad_weight, 1e-5 * scale), name + " grad_weight");
  check(close(found_bias, grad_bias, 1e-5 * scale), name + " grad_bias");
}

// A 16-bit scan is the fp32 scan of what 16 bits hold, rounded once.
void check_16_bits(const char* isa, int32_t dtype) {
  const int64_t shape[4] = {1, 2, 19, 37}, out_shape[4] = {1, 8, 19, 37}, parameters[2] = {4, 2};
  std::vector<uint16_t> x(2 * 19 * 37), out(8 * 19 * 37);
  std::mt19937 random(1);
  for (uint16_t& value : x) {
    // Between 2^-3 and 2^3 in either type, of either sign.
    const uint32_t r = static_cast<uint32_t>(random());
    value = dtype == INPAINT_SCAN_FLOAT16
                ? static_cast<uint16_t>((r & 0x8000) | (0x3000 + (r & 0x17ff)))
                : static_cast<uint16_t>((r & 0x8000) | (0x3e00 + (r & 0x02ff)));
  }
  const std::vector<float> zero(8, 0.0f);
  inpaint_scan_tensor tx = {x.data(), shape, 4, dtype}, to = {out.data(), out_shape, 4, dtype};
  inpaint_scan_tensor weight = view(zero, parameters, 2), bias = view(zero, parameters, 2);
  inpaint_scan_options options = {};
  options.isa = isa;
  check(inpaint_scan_forward(&tx, &weight, &bias, &to, &options) == INPAINT_SCAN_OK, "16 bits run");
  bool same = true;
  for (size_t d = 0; d < 4; ++d) {
    for (size_t i = 0; i < x.size(); ++i) {
      same = same && out[d * x.size() + i] == (x[i] & 0x8000 ? 0 : x[i]);
    }
  }
  check(same, std::string(isa) + " 16 bits, dtype " + std::to_string(dtype));
}

void check_refusals() {
  const int64_t shape[4] = {1, 2, 3, 4}, out_shape[4] = {1, 8, 3, 4}, parameters[2] = {4, 2};
  std::vector<float> x(24), out(96), weight(8), bias(8);
  const inpaint_scan_tensor good_x = view(x, shape, 4), good_out = view(out, out_shape, 4);
  const inpaint_scan_tensor good_weight = view(weight, parameters, 2);
  const inpaint_scan_tensor good_bias = view(bias, parameters, 2);
  const auto forward = [&](const inpaint_scan_tensor* tx, const inpaint_scan_tensor* tw,
                           const inpaint_scan_tensor* to, inpaint_scan_options options = {}) {
    return inpaint_scan_forward(tx, tw, &good_bias, to, &options);
  };
  check(forward(&good_x, &good_weight, &good_out) == INPAINT_SCAN_OK, "good input");
  check(forward(nullptr, &good_weight, &good_out) == INPAINT_SCAN_ERROR_NULL, "null tensor");
  inpaint_scan_tensor bad = good_x;
  bad.data = nullptr;
  check(forward(&bad, &good_weight, &good_out) == INPAINT_SCAN_ERROR_NULL, "null data");
  bad = good_x;
  bad.shape = nullptr;
  check(forward(&bad, &good_weight, &good_out) == INPAINT_SCAN_ERROR_NULL, "null shape");
  bad = good_x;
  bad.rank = 3;
  check(forward(&bad, &good_weight, &good_out) == INPAINT_SCAN_ERROR_SHAPE, "rank");
  bad = good_x;
  bad.dtype = 9;
  check(forward(&bad, &good_weight, &good_out) == INPAINT_SCAN_ERROR_DTYPE, "dtype");
  const int64_t huge[4] = {int64_t{1} << 40, int64_t{1} << 40, 1, 1};
  bad = good_x;
  bad.shape = huge;
  check(forward(&bad, &good_weight, &good_out) == INPAINT_SCAN_ERROR_OVERFLOW, "overflow");
  const int64_t wrong[2] = {4, 3};
  bad = good_weight;
  bad.shape = wrong;
  check(forward(&good_x, &bad, &good_out) == INPAINT_SCAN_ERROR_SHAPE, "channels");
  bad = good_out;
  bad.data = x.data();
  check(forward(&good_x, &good_weight, &bad) == INPAINT_SCAN_ERROR_OVERLAP, "overlap");
  check(std::strstr(inpaint_scan_last_error(), "out") != nullptr, "a message");
  check(forward(&good_x, &good_weight, &good_out, {-1, nullptr, nullptr, nullptr}) ==
            INPAINT_SCAN_ERROR_OPTION,
        "threads");
  check(forward(&good_x, &good_weight, &good_out, {0, nullptr, nullptr, "mmx"}) ==
            INPAINT_SCAN_ERROR_OPTION,
        "instruction set");
}

// The caller's threads, here none: in reverse order, which must not matter.
void check_parallel_for(const char* isa) {
  const Problem p(2, 3, 160, 130, false);
  std::vector<float> out(static_cast<size_t>(4 * 2 * 3 * 160 * 130));
  const inpaint_scan_tensor x = view(p.x, p.x_shape, 4), result = view(out, p.out_shape, 4);
  const inpaint_scan_tensor weight = view(p.weight, p.parameter_shape, 2);
  const inpaint_scan_tensor bias = view(p.bias, p.parameter_shape, 2);
  size_t tasks = 0;
  inpaint_scan_options options = {};
  options.threads = 8;
  options.isa = isa;
  options.pool = &tasks;
  options.parallel_for = [](void* pool, inpaint_scan_task task, size_t count, void* data) {
    *static_cast<size_t*>(pool) += count;
    for (size_t i = count; i > 0; --i) task(data, i - 1);
  };
  check(inpaint_scan_forward(&x, &weight, &bias, &result, &options) == INPAINT_SCAN_OK,
        "parallel_for runs");
  check(tasks > 1, "parallel_for is used");
  check(close(out, p.forward(), 2e-5), std::string(isa) + " parallel_for");
}

// Threads of an OpenMP runtime, for which the function at the end of this file stands in.
void check_openmp() {
  const Problem p(2, 3, 160, 130, false);
  std::vector<float> out(static_cast<size_t>(4 * 2 * 3 * 160 * 130));
  const inpaint_scan_tensor x = view(p.x, p.x_shape, 4), result = view(out, p.out_shape, 4);
  const inpaint_scan_tensor weight = view(p.weight, p.parameter_shape, 2);
  const inpaint_scan_tensor bias = view(p.bias, p.parameter_shape, 2);
  int32_t threads = 5;
  inpaint_scan_options options = {};
  options.threads = threads;
  options.parallel_for = inpaint_scan_openmp_parallel_for();
  options.pool = &threads;
  check(options.parallel_for != nullptr, "OpenMP is found");
  if (options.parallel_for == nullptr) return;
  check(inpaint_scan_forward(&x, &weight, &bias, &result, &options) == INPAINT_SCAN_OK,
        "OpenMP runs");
  check(openmp_threads == 5, "OpenMP is asked for as many threads as were given");
  check(close(out, p.forward(), 2e-5), "OpenMP");
}

}  // namespace

// What dlsym finds, since no OpenMP runtime is linked: all threads' work on this one.
extern "C" __attribute__((visibility("default"))) void GOMP_parallel(void (*run)(void*), void* data,
                                                                     unsigned threads, unsigned) {
  openmp_threads = static_cast<int>(threads);
  for (unsigned i = 0; i < threads; ++i) run(data);
}

int main() {
  check(inpaint_scan_abi_version() == INPAINT_SCAN_ABI_VERSION, "version");
  check(inpaint_scan_isa_name(-1) == nullptr, "no instruction set before the first");
  const int64_t sizes[][4] = {{1, 1, 1, 1},   {1, 2, 2, 63},   {2, 3, 17, 16}, {1, 1, 129, 2},
                              {1, 2, 33, 64}, {1, 1, 1, 1025}, {1, 1, 80, 131}};
  for (int32_t i = 0; inpaint_scan_isa_name(i) != nullptr; ++i) {
    const char* isa = inpaint_scan_isa_name(i);
    std::printf("%s\n", isa);
    for (const auto& s : sizes) {
      const Problem problem(s[0], s[1], s[2], s[3], false);
      const std::string name =
          std::string(isa) + " " + std::to_string(s[2]) + "x" + std::to_string(s[3]);
      check_problem(problem, isa, 1, name);
      check_problem(problem, isa, 3, name + " threads");
    }
    check_problem(Problem(1, 2, 37, 45, true), isa, 1, std::string(isa) + " non-finite");
    check_16_bits(isa, INPAINT_SCAN_FLOAT16);
    check_16_bits(isa, INPAINT_SCAN_BFLOAT16);
    check_parallel_for(isa);
  }
  check_openmp();
  check_refusals();
  std::printf("%d checks, %d failed\n", checks, failures);
  return failures > 0 ? 1 : 0;
}
