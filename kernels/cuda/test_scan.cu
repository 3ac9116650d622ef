// Checks the CUDA scan, forward and backward, against the definition evaluated on the host.
//
//     test_scan [--quick | --tiny] [--raw] [--json FILE]
//
// --quick leaves out the large shapes, for emulation. --tiny keeps a few shapes and two kinds of
// weights, for compute-sanitizer, which slows each launch a hundredfold. --raw leaves memory as it
// was allocated, for its initcheck. Exit status 0 when everything held, 1 when something did not, 2
// when CUDA failed.

#include <algorithm>
#include <cmath>
#include <string>

#include "test_reference.h"
#include "test_support.h"

using namespace inpaint::scan;

namespace {

enum class Weights { kContracting, kMixed, kLarge, kHuge };
const char* const kWeightNames[] = {"|w|<1", "|w|<1.6", "|w|<6", "w in {0,1e30,..}"};

struct Case {
  Shape shape;
  int dtype;
  int parameter_dtype;
  int strategy;
  Weights weights;
  bool specials;       // NaN and infinities in x
  std::size_t offset;  // elements that the tensors lie off their alignment
};

struct Tally {
  int cases = 0;
  int failures = 0;
  double worst = 0.0;  // error over tolerance
};

std::vector<float> make_weights(std::int64_t count, Weights kind, std::mt19937& generator) {
  const float reach = kind == Weights::kContracting ? 0.99f : kind == Weights::kMixed ? 1.6f : 6.0f;
  std::vector<float> weights = random_values(count, -reach, reach, generator);
  if (kind == Weights::kHuge) {
    const float some[] = {0.0f, 1e30f, -1e30f, 1.0f, -1.0f, -0.0f, 30000.0f, 1e-20f};
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = some[(i * 5 + 1) % 8];
  }
  return weights;
}

struct Precision {
  double relative, absolute, largest;
};

Precision precision_of(int dtype) {
  if (dtype == INPAINT_SCAN_CUDA_FLOAT16) return {1.0 / 2048, 1.0 / (1 << 25), 65504.0};
  if (dtype == INPAINT_SCAN_CUDA_BFLOAT16) return {1.0 / 256, 1e-40, 3.3895e38};
  return {reference::kUnit, 1e-44, FLT_MAX};
}

// Over 1: wrong. `fp32` says what an evaluation in fp32 gives, and decides what is NaN or infinite.
double compare_form(double got, float fp32, double exact, double error,
                    const Precision& precision) {
  const double tolerance = error + precision.relative * std::fabs(exact) + precision.absolute;
  if (std::isnan(fp32) || std::isnan(got)) return std::isnan(fp32) && std::isnan(got) ? 0.0 : 1e9;
  if (std::isinf(got)) {
    if (got == fp32 || std::isnan(tolerance)) return 0.0;
    const double toward = got > 0.0 ? exact : -exact;
    return toward + tolerance >= precision.largest * 0.999 ? 0.0 : 1e9;
  }
  if (std::isinf(exact)) return 1e9;
  if (std::isinf(tolerance) || std::isnan(tolerance)) return 0.0;
  // Past the type's largest value, a result that did not overflow must be at the edge.
  const double reachable = std::max(-precision.largest, std::min(exact, precision.largest));
  return std::fabs(got - reachable) / tolerance;
}

double compare(double got, const reference::Fp32& fp32, double exact, double error,
               const Precision& precision) {
  return std::min(compare_form(got, fp32.separate, exact, error, precision),
                  compare_form(got, fp32.contracted, exact, error, precision));
}

const char* strategy_name(int strategy) {
  return strategy == INPAINT_SCAN_CUDA_STREAMING ? "streaming"
         : strategy == INPAINT_SCAN_CUDA_CHUNKED ? "chunked"
                                                 : "auto";
}

void report_failure(const Case& c, const char* what, double worst, std::size_t where) {
  std::printf(
      "FAIL %-9s %lldx%lldx%lldx%lld %s %s %s%s offset %zu: %s, error/tolerance %.3g at %zu\n",
      strategy_name(c.strategy), (long long)c.shape.n, (long long)c.shape.c, (long long)c.shape.h,
      (long long)c.shape.w, dtype_name(c.dtype), dtype_name(c.parameter_dtype),
      kWeightNames[static_cast<int>(c.weights)], c.specials ? " specials" : "", c.offset, what,
      worst, where);
}

inpaint_scan_cuda_problem problem_of(const Case& c) {
  return {c.shape.n, c.shape.c, c.shape.h, c.shape.w, c.dtype, c.parameter_dtype, c.strategy};
}

bool judge(const Case& c, const char* what, double worst, std::size_t where, Tally& tally) {
  tally.worst = std::max(tally.worst, worst);
  if (worst <= 1.0) return true;
  report_failure(c, what, worst, where);
  return false;
}

bool run_backward(const Case& c, const std::vector<float>& weight, const DeviceBuffer& weight_on,
                  const DeviceBuffer& y_on, std::mt19937& generator, Tally& tally) {
  const inpaint_scan_cuda_problem problem = problem_of(c);
  const std::size_t size = dtype_size(c.dtype);
  const std::size_t count = y_on.size() / size / kDirections;
  const std::vector<float> grad_y =
      stored(random_values(count * kDirections, -1.0f, 1.0f, generator), c.dtype);
  const std::vector<float> y = decode(y_on.read(), c.dtype);

  std::size_t workspace_bytes = 0;
  CHECK_SCAN(inpaint_scan_cuda_workspace(&problem, &workspace_bytes));
  const std::size_t shift = c.offset * size;
  DeviceBuffer grad_y_on(encode(grad_y, c.dtype), shift), grad_x(count * size, shift);
  DeviceBuffer grad_weight(weight.size() * 4), grad_bias(weight.size() * 4);
  DeviceBuffer workspace(workspace_bytes);
  const auto run = [&] {
    workspace.poison();
    CHECK_SCAN(inpaint_scan_cuda_backward(
        &problem, y_on.data(), grad_y_on.data(), weight_on.data(), grad_x.data(),
        reinterpret_cast<float*>(grad_weight.data()), reinterpret_cast<float*>(grad_bias.data()),
        workspace.data(), workspace.size(), nullptr));
    CHECK_CUDA(cudaDeviceSynchronize());
  };
  run();
  const auto x_bytes = grad_x.read(), w_bytes = grad_weight.read(), b_bytes = grad_bias.read();
  for (DeviceBuffer* buffer : {&grad_x, &grad_weight, &grad_bias}) buffer->poison();
  run();
  bool good = true;
  if (x_bytes != grad_x.read() || w_bytes != grad_weight.read() || b_bytes != grad_bias.read()) {
    good = judge(c, "backward differs from run to run", 1e9, 0, tally);
  }
  for (const DeviceBuffer* buffer : {&grad_x, &grad_weight, &grad_bias, &workspace}) {
    if (!buffer->guards_intact()) good = judge(c, "backward wrote past an end", 1e9, 0, tally);
  }

  const reference::Backward want = reference::backward(c.shape, y, grad_y, weight);
  const auto check = [&](const char* what, const std::vector<float>& got,
                         const std::vector<reference::Fp32>& fp32, const std::vector<double>& exact,
                         const std::vector<double>& error, int dtype) {
    double worst = 0.0;
    std::size_t where = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
      const double ratio = compare(got[i], fp32[i], exact[i], error[i], precision_of(dtype));
      if (ratio > worst) worst = ratio, where = i;
    }
    good = judge(c, what, worst, where, tally) && good;
  };
  const auto check_sums = [&](const char* what, std::vector<float> got,
                              const std::vector<double>& exact, const std::vector<double>& error) {
    for (std::size_t i = 0; i < got.size(); ++i) {
      if (!std::isfinite(error[i])) got[i] = static_cast<float>(exact[i]);
    }
    std::vector<reference::Fp32> fp32(exact.size());
    for (std::size_t i = 0; i < exact.size(); ++i) fp32[i].set(static_cast<float>(exact[i]));
    check(what, got, fp32, exact, error, INPAINT_SCAN_CUDA_FLOAT32);
  };
  check("grad_x", decode(x_bytes, c.dtype), want.fp32_x, want.grad_x, want.grad_x_error, c.dtype);
  check_sums("grad_weight", decode(w_bytes, INPAINT_SCAN_CUDA_FLOAT32), want.grad_weight,
             want.grad_weight_error);
  check_sums("grad_bias", decode(b_bytes, INPAINT_SCAN_CUDA_FLOAT32), want.grad_bias,
             want.grad_bias_error);
  return good;
}

void run_case(const Case& c, std::mt19937& generator, Tally& tally) {
  ++tally.cases;
  const std::size_t count = static_cast<std::size_t>(c.shape.n * c.shape.c * c.shape.h * c.shape.w);
  std::vector<float> x = random_values(count, -1.0f, 1.0f, generator);
  if (c.specials) {
    const float some[] = {NAN, INFINITY, -INFINITY, -INFINITY, INFINITY};
    // Where states overflow, enough of them that some stand where a product does.
    const std::size_t rarity = c.weights == Weights::kHuge ? 30 : 150;
    for (std::size_t i = 0; i < 1 + count / rarity; ++i) x[generator() % count] = some[i % 5];
  }
  x = stored(x, c.dtype);
  const std::vector<float> weight =
      stored(make_weights(kDirections * c.shape.c, c.weights, generator), c.parameter_dtype);
  const std::vector<float> bias =
      stored(random_values(weight.size(), -0.5f, 0.5f, generator), c.parameter_dtype);

  const inpaint_scan_cuda_problem problem = problem_of(c);
  const std::size_t size = dtype_size(c.dtype);
  const std::size_t shift = c.offset * size;
  DeviceBuffer x_on(encode(x, c.dtype), shift), y_on(kDirections * count * size, shift);
  DeviceBuffer weight_on(encode(weight, c.parameter_dtype)),
      bias_on(encode(bias, c.parameter_dtype));
  CHECK_SCAN(inpaint_scan_cuda_forward(&problem, x_on.data(), weight_on.data(), bias_on.data(),
                                       y_on.data(), nullptr));
  CHECK_CUDA(cudaDeviceSynchronize());

  bool good = true;
  if (!y_on.guards_intact()) good = judge(c, "forward wrote past an end", 1e9, 0, tally);
  const std::vector<float> got = decode(y_on.read(), c.dtype);
  const reference::Forward want = reference::forward(c.shape, x, weight, bias);
  double worst = 0.0;
  std::size_t where = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double ratio =
        compare(got[i], want.y[i], want.exact[i], want.error[i], precision_of(c.dtype));
    if (ratio > worst) worst = ratio, where = i;
  }
  good = judge(c, "forward", worst, where, tally) && good;
  if (good) good = run_backward(c, weight, weight_on, y_on, generator, tally);
  if (!good) ++tally.failures;
}

int expect(int got, int want, const char* what) {
  if (got == want) return 0;
  std::printf("FAIL %s: status %d, expected %d\n", what, got, want);
  return 1;
}

// Bad input gets its status and no launch.
int run_refusals(Tally& tally) {
  DeviceBuffer buffer(std::vector<unsigned char>(4096, 0xff));
  void* p = buffer.data();
  float* f = reinterpret_cast<float*>(p);
  const inpaint_scan_cuda_problem good = {1, 2, 3, 4, 0, 0, 0};
  const auto forward = [&](inpaint_scan_cuda_problem q) {
    return inpaint_scan_cuda_forward(&q, p, p, p, p, nullptr);
  };
  const auto with = [&](auto member, auto value) {
    inpaint_scan_cuda_problem q = good;
    q.*member = value;
    return forward(q);
  };
  using Problem = inpaint_scan_cuda_problem;
  int failures = 0;
  failures += expect(inpaint_scan_cuda_forward(nullptr, p, p, p, p, nullptr), 1, "null problem");
  failures += expect(inpaint_scan_cuda_forward(&good, nullptr, p, p, p, nullptr), 1, "null x");
  failures += expect(inpaint_scan_cuda_forward(&good, p, p, p, nullptr, nullptr), 1, "null y");
  failures += expect(with(&Problem::n, -1), 2, "negative N");
  failures += expect(with(&Problem::w, -5), 2, "negative W");
  failures += expect(with(&Problem::h, INT64_C(1) << 40), 3, "H of 2^40");
  failures += expect(with(&Problem::n, INT64_MAX), 3, "N of 2^63-1");
  failures += expect(with(&Problem::c, INT64_C(1) << 31), 3, "C of 2^31");
  failures += expect(with(&Problem::dtype, 3), 4, "dtype 3");
  failures += expect(with(&Problem::dtype, -1), 4, "dtype -1");
  failures += expect(with(&Problem::parameter_dtype, 1), 4, "fp16 weights for fp32 X");
  failures += expect(with(&Problem::strategy, 7), 5, "strategy 7");
  failures += expect(with(&Problem::n, 0), 0, "empty N");
  failures += expect(with(&Problem::w, 0), 0, "empty W");
  failures += expect(inpaint_scan_cuda_forward(&good, buffer.data() + 1, p, p, p, nullptr), 6,
                     "misaligned x");
  std::size_t bytes = 0;
  failures += expect(inpaint_scan_cuda_workspace(&good, nullptr), 1, "null bytes");
  failures += expect(inpaint_scan_cuda_workspace(&good, &bytes), 0, "workspace");
  failures += expect(inpaint_scan_cuda_backward(&good, p, p, p, p, f, f, p, bytes - 1, nullptr), 7,
                     "workspace");
  failures += expect(inpaint_scan_cuda_backward(&good, p, p, p, nullptr, f, f, p, bytes, nullptr),
                     1, "null grad");
  for (unsigned char byte : buffer.read()) {
    if (byte != 0xff) {
      ++failures;
      std::printf("FAIL a refused call wrote something\n");
      break;
    }
  }
  inpaint_scan_cuda_problem empty = good;
  empty.n = 0;
  failures += expect(inpaint_scan_cuda_backward(&empty, nullptr, nullptr, nullptr, nullptr, f,
                                                f + 8, nullptr, 0, nullptr),
                     0, "empty backward");
  CHECK_CUDA(cudaDeviceSynchronize());
  const std::vector<float> zeros = decode(buffer.read(), INPAINT_SCAN_CUDA_FLOAT32);
  for (int i = 0; i < 16; ++i) {
    if (zeros[i] != 0.0f)
      ++failures, std::printf("FAIL empty backward left a gradient unwritten\n");
  }
  tally.cases += 1;
  tally.failures += failures > 0;
  return failures;
}

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // a killed run should show how far it came
  bool quick = false;
  bool tiny = false;
  std::string json;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--quick") {
      quick = true;
    } else if (argument == "--tiny") {
      tiny = true;
    } else if (argument == "--raw") {
      DeviceBuffer::raw = true;
    } else if (argument == "--json" && i + 1 < argc) {
      json = argv[++i];
    } else {
      std::fprintf(stderr, "usage: %s [--quick | --tiny] [--raw] [--json FILE]\n", argv[0]);
      return 2;
    }
  }
  cudaDeviceProp device;
  CHECK_CUDA(cudaGetDeviceProperties(&device, 0));

  // N, C, H, W: each length of 1, 2, 63, 129, 1025 along either axis, and widths that are and are
  // not multiples of the vectors and tiles.
  std::vector<Shape> shapes = {{1, 1, 1, 1},    {1, 1, 2, 2},    {2, 5, 9, 13},   {1, 3, 63, 129},
                               {1, 2, 129, 63}, {1, 1, 1, 1025}, {1, 1, 1025, 1}, {1, 1, 2, 1025},
                               {1, 1, 1025, 2}, {3, 3, 33, 32},  {1, 2, 65, 72},  {2, 1, 40, 200}};
  if (tiny) {
    shapes = {{2, 3, 9, 13}, {1, 1, 2, 600}, {1, 1, 300, 6}, {1, 2, 33, 40}};
  } else if (!quick) {
    const Shape large[] = {{1, 1, 1025, 1025}, {1, 3, 63, 1025}, {1, 3, 1025, 63},
                           {1, 32, 128, 128},  {1, 2, 300, 520}, {1, 1, 63, 4100},
                           {1, 1, 4100, 62},   {3, 1, 257, 258}};
    shapes.insert(shapes.end(), std::begin(large), std::end(large));
  }
  std::mt19937 generator(20250101);
  std::printf("%s\n%-10s %-6s %-8s %8s %8s %12s\n", device.name, "strategy", "dtype", "weights",
              "cases", "failed", "worst/tol");
  std::string rows;
  Tally total;
  run_refusals(total);
  for (int strategy : {INPAINT_SCAN_CUDA_STREAMING, INPAINT_SCAN_CUDA_CHUNKED}) {
    for (int dtype = 0; dtype < 3; ++dtype) {
      for (int parameters = 0; parameters <= dtype; parameters += dtype == 0 ? 1 : dtype) {
        Tally tally;
        for (const Shape& shape : shapes) {
          for (int kind = 0; kind < 4; ++kind) {
            if (tiny && (kind == 1 || kind == 2)) continue;
            // The host evaluates the definition; large shapes need not take long for each kind.
            const bool large = shape.n * shape.c * shape.h * shape.w > 200000;
            if (large && (kind == 1 || kind == 2)) continue;
            const auto weights = static_cast<Weights>(kind);
            run_case({shape, dtype, parameters, strategy, weights, false, 0}, generator, tally);
            run_case({shape, dtype, parameters, strategy, weights, true, 0}, generator, tally);
          }
          run_case({shape, dtype, parameters, strategy, Weights::kMixed, false, 1}, generator,
                   tally);
        }
        const char* parameter_name = dtype_name(parameters);
        std::printf("%-10s %-6s %-8s %8d %8d %12.4f\n", strategy_name(strategy), dtype_name(dtype),
                    parameter_name, tally.cases, tally.failures, tally.worst);
        char row[256];
        std::snprintf(row, sizeof(row),
                      "%s{\"strategy\": \"%s\", \"dtype\": \"%s\", \"weights\": \"%s\", "
                      "\"cases\": %d, \"failures\": %d, \"worst_over_tolerance\": %.6g}",
                      rows.empty() ? "" : ",\n    ", strategy_name(strategy), dtype_name(dtype),
                      parameter_name, tally.cases, tally.failures, tally.worst);
        rows += row;
        total.cases += tally.cases;
        total.failures += tally.failures;
      }
    }
  }
  std::printf("%d cases, %d failed\n", total.cases, total.failures);
  if (!json.empty()) {
    std::FILE* file = std::fopen(json.c_str(), "w");
    if (file == nullptr) {
      std::fprintf(stderr, "cannot write %s\n", json.c_str());
      return 2;
    }
    std::fprintf(file,
                 "{\n  \"device\": \"%s\",\n  \"compute_capability\": \"%d.%d\",\n"
                 "  \"cases\": %d,\n  \"failures\": %d,\n  \"rows\": [\n    %s\n  ]\n}\n",
                 device.name, device.major, device.minor, total.cases, total.failures,
                 rows.c_str());
    std::fclose(file);
  }
  return total.failures == 0 ? 0 : 1;
}
