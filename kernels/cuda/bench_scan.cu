// How fast the CUDA scan is.
//
//     bench_scan [--json FILE]
//
// For shapes from real models: median and 90th percentile of each strategy's time, the bytes that
// must move (X once, Y once) over the median, and that as a share of what a device-to-device copy
// of as many bytes reaches in the same run, interleaved with it. Then the comparison with a kernel
// that walks its line again for each pixel, and the number of launches of a forward pass, counted
// in a captured graph. Inputs are rotated among buffers larger together than the L2 cache.

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>

#include "rewalk.cuh"
#include "test_support.h"

using namespace inpaint::scan;

namespace {

struct Bench {
  int n, c, h, w, dtype;
};

class Timer {
 public:
  Timer() {
    CHECK_CUDA(cudaEventCreate(&begin_));
    CHECK_CUDA(cudaEventCreate(&end_));
  }
  ~Timer() {
    cudaEventDestroy(begin_);
    cudaEventDestroy(end_);
  }
  template <class Work>
  double microseconds(Work&& work) {
    CHECK_CUDA(cudaEventRecord(begin_));
    work();
    CHECK_CUDA(cudaEventRecord(end_));
    CHECK_CUDA(cudaEventSynchronize(end_));
    float milliseconds = 0.0f;
    CHECK_CUDA(cudaEventElapsedTime(&milliseconds, begin_, end_));
    return 1000.0 * milliseconds;
  }

 private:
  cudaEvent_t begin_, end_;
};

double percentile(std::vector<double> times, double p) {
  std::sort(times.begin(), times.end());
  return times[std::min(times.size() - 1, static_cast<std::size_t>(p * times.size()))];
}

// A tensor's worth of random numbers, made once and repeated: it is the device that is timed.
std::vector<unsigned char> random_tensor(std::size_t count, float low, float high, int dtype) {
  std::mt19937 generator(1);
  const std::size_t distinct = std::min<std::size_t>(count, 1 << 20);
  const auto some = encode(random_values(distinct, low, high, generator), dtype);
  std::vector<unsigned char> bytes(count * dtype_size(dtype));
  for (std::size_t i = 0; i < bytes.size(); i += some.size()) {
    std::memcpy(&bytes[i], some.data(), std::min(some.size(), bytes.size() - i));
  }
  return bytes;
}

struct Tensors {
  std::vector<std::unique_ptr<DeviceBuffer>> x, y;
  std::unique_ptr<DeviceBuffer> weight, bias;
};

Tensors make_tensors(const Bench& b, std::size_t cache_bytes) {
  const std::size_t count = std::size_t(b.n) * b.c * b.h * b.w;
  const std::size_t bytes = count * dtype_size(b.dtype);
  // Two caches' worth of X and Y together, so that a rotation never finds its data there.
  const std::size_t sets = std::min<std::size_t>(16, 1 + 2 * cache_bytes / (5 * bytes));
  Tensors t;
  const auto contents = random_tensor(count, -1.0f, 1.0f, b.dtype);
  for (std::size_t i = 0; i < sets; ++i) {
    t.x.push_back(std::make_unique<DeviceBuffer>(contents));
    t.y.push_back(std::make_unique<DeviceBuffer>(kDirections * bytes));
  }
  const std::size_t weights = std::size_t(kDirections) * b.c;
  t.weight = std::make_unique<DeviceBuffer>(random_tensor(weights, -0.9f, 0.9f, b.dtype));
  t.bias = std::make_unique<DeviceBuffer>(random_tensor(weights, -0.1f, 0.1f, b.dtype));
  return t;
}

inpaint_scan_cuda_problem problem_of(const Bench& b, int strategy) {
  return {b.n, b.c, b.h, b.w, b.dtype, b.dtype, strategy};
}

void run_forward(const Bench& b, int strategy, const Tensors& t, std::size_t i,
                 cudaStream_t stream = nullptr) {
  const inpaint_scan_cuda_problem problem = problem_of(b, strategy);
  CHECK_SCAN(inpaint_scan_cuda_forward(&problem, t.x[i % t.x.size()]->data(), t.weight->data(),
                                       t.bias->data(), t.y[i % t.y.size()]->data(), stream));
}

// Kernel nodes in a graph captured from one forward pass.
std::size_t count_launches(const Bench& b, const Tensors& t) {
  cudaStream_t stream;
  cudaGraph_t graph;
  CHECK_CUDA(cudaStreamCreate(&stream));
  CHECK_CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  run_forward(b, INPAINT_SCAN_CUDA_AUTO, t, 0, stream);
  CHECK_CUDA(cudaStreamEndCapture(stream, &graph));
  std::size_t count = 0;
  CHECK_CUDA(cudaGraphGetNodes(graph, nullptr, &count));
  std::vector<cudaGraphNode_t> nodes(count);
  CHECK_CUDA(cudaGraphGetNodes(graph, nodes.data(), &count));
  std::size_t kernels = 0;
  for (cudaGraphNode_t node : nodes) {
    cudaGraphNodeType type;
    CHECK_CUDA(cudaGraphNodeGetType(node, &type));
    kernels += type == cudaGraphNodeTypeKernel;
  }
  CHECK_CUDA(cudaGraphDestroy(graph));
  CHECK_CUDA(cudaStreamDestroy(stream));
  return kernels;
}

std::string bench_shape(const Bench& b, std::size_t cache_bytes) {
  constexpr int kWarmups = 5;
  constexpr int kRepeats = 40;
  const Tensors t = make_tensors(b, cache_bytes);
  const double bytes = static_cast<double>(t.x[0]->size()) * (1 + kDirections);
  // A copy reads as much as it writes: half of the bytes each way.
  const std::size_t copied = static_cast<std::size_t>(bytes / 2);
  DeviceBuffer from(copied), to(copied);

  // Interleaved, so that clocks and neighbours disturb all alike.
  std::vector<double> copy, streaming, chunked, automatic;
  Timer timer;
  for (int i = -kWarmups; i < kRepeats; ++i) {
    const std::size_t set = static_cast<std::size_t>(i + kWarmups);
    const double times[] = {
        timer.microseconds([&] {
          CHECK_CUDA(cudaMemcpyAsync(to.data(), from.data(), copied, cudaMemcpyDeviceToDevice));
        }),
        timer.microseconds([&] { run_forward(b, INPAINT_SCAN_CUDA_STREAMING, t, set); }),
        timer.microseconds([&] { run_forward(b, INPAINT_SCAN_CUDA_CHUNKED, t, set); }),
        timer.microseconds([&] { run_forward(b, INPAINT_SCAN_CUDA_AUTO, t, set); })};
    if (i < 0) continue;
    copy.push_back(times[0]);
    streaming.push_back(times[1]);
    chunked.push_back(times[2]);
    automatic.push_back(times[3]);
  }

  const double copy_time = percentile(copy, 0.5);
  const auto share = [&](const std::vector<double>& times) {
    return 100.0 * copy_time / percentile(times, 0.5);
  };
  const std::size_t launches = count_launches(b, t);
  std::printf("%dx%dx%dx%d %-5s %9.1f %9.1f %9.1f %9.1f %8.0f %6.1f%% %6.1f%% %6.1f%% %4zu\n", b.n,
              b.c, b.h, b.w, dtype_name(b.dtype), copy_time, percentile(streaming, 0.5),
              percentile(chunked, 0.5), percentile(automatic, 0.5),
              bytes / percentile(automatic, 0.5) / 1e3, share(streaming), share(chunked),
              share(automatic), launches);
  char row[1024];
  std::snprintf(
      row, sizeof(row),
      "{\"shape\": [%d, %d, %d, %d], \"dtype\": \"%s\", \"bytes\": %.0f, \"launches\": %zu, "
      "\"copy_us\": {\"p50\": %.3f, \"p90\": %.3f}, \"streaming_us\": {\"p50\": %.3f, \"p90\": "
      "%.3f}, "
      "\"chunked_us\": {\"p50\": %.3f, \"p90\": %.3f}, \"auto_us\": {\"p50\": %.3f, \"p90\": "
      "%.3f}, "
      "\"auto_share_of_copy\": %.4f}",
      b.n, b.c, b.h, b.w, dtype_name(b.dtype), bytes, launches, copy_time, percentile(copy, 0.9),
      percentile(streaming, 0.5), percentile(streaming, 0.9), percentile(chunked, 0.5),
      percentile(chunked, 0.9), percentile(automatic, 0.5), percentile(automatic, 0.9),
      share(automatic) / 100.0);
  return row;
}

std::string bench_rewalk(std::size_t cache_bytes) {
  const Bench b = {1, 32, 512, 512, INPAINT_SCAN_CUDA_FLOAT32};
  const Tensors t = make_tensors(b, cache_bytes);
  const std::int64_t count = std::int64_t(b.n) * b.c * b.h * b.w;
  const auto run_rewalk = [&](std::size_t i) {
    rewalk<<<static_cast<unsigned>((count + 255) / 256), 256>>>(
        reinterpret_cast<const float*>(t.x[i % t.x.size()]->data()),
        reinterpret_cast<const float*>(t.weight->data()),
        reinterpret_cast<const float*>(t.bias->data()),
        reinterpret_cast<float*>(t.y[i % t.y.size()]->data()), count, b.c, b.h, b.w);
    CHECK_CUDA(cudaGetLastError());
  };
  Timer timer;
  std::vector<double> rewalks, ours;
  for (int i = -3; i < 20; ++i) {
    const double slow = timer.microseconds([&] { run_rewalk(i + 3); });
    const double fast =
        timer.microseconds([&] { run_forward(b, INPAINT_SCAN_CUDA_AUTO, t, i + 3); });
    if (i >= 0) rewalks.push_back(slow), ours.push_back(fast);
  }
  // The two agree, or the comparison means nothing. The sums are the same up to contraction.
  run_rewalk(0);
  const auto slow = decode(t.y[0]->read(), b.dtype);
  t.y[0]->poison();
  run_forward(b, INPAINT_SCAN_CUDA_AUTO, t, 0);
  const auto fast = decode(t.y[0]->read(), b.dtype);
  double worst = 0.0;
  for (std::size_t i = 0; i < slow.size(); ++i) {
    const double difference = std::fabs(slow[i] - fast[i]);
    worst = difference <= worst ? worst : difference;  // NaN ends up in worst
  }
  const double ratio = percentile(rewalks, 0.5) / percentile(ours, 0.5);
  std::printf(
      "1x32x512x512 fp32: re-walking %.1f us, ours %.1f us, %.1f times faster; largest "
      "difference %.3g\n",
      percentile(rewalks, 0.5), percentile(ours, 0.5), ratio, worst);
  if (!(worst < 1e-4)) {
    std::fprintf(stderr, "the two kernels disagree\n");
    std::exit(1);
  }
  char row[256];
  std::snprintf(row, sizeof(row),
                "{\"shape\": [1, 32, 512, 512], \"dtype\": \"fp32\", \"rewalk_us\": %.3f, "
                "\"auto_us\": %.3f, \"speedup\": %.3f}",
                percentile(rewalks, 0.5), percentile(ours, 0.5), ratio);
  return row;
}

}  // namespace

int main(int argc, char** argv) {
  std::string json;
  for (int i = 1; i < argc; ++i) {
    if (std::string(argv[i]) == "--json" && i + 1 < argc) {
      json = argv[++i];
    } else {
      std::fprintf(stderr, "usage: %s [--json FILE]\n", argv[0]);
      return 2;
    }
  }
  cudaDeviceProp device;
  CHECK_CUDA(cudaGetDeviceProperties(&device, 0));
  int driver = 0;
  int runtime = 0;
  CHECK_CUDA(cudaDriverGetVersion(&driver));
  CHECK_CUDA(cudaRuntimeGetVersion(&runtime));
  const std::size_t cache = static_cast<std::size_t>(device.l2CacheSize);

  std::printf("%s, sm_%d%d, %d multiprocessors, L2 %.0f MB, CUDA %d, driver %d\n", device.name,
              device.major, device.minor, device.multiProcessorCount, cache / 1e6, runtime, driver);
  std::printf(
      "shape and dtype; median us of copy, streaming, chunked, auto; auto GB/s; share of the "
      "copy's speed: streaming, chunked, auto; launches\n");
  std::string rows;
  for (const Bench& b :
       {Bench{1, 32, 128, 128, 0}, Bench{1, 32, 128, 128, 1}, Bench{1, 32, 256, 256, 0},
        Bench{1, 32, 256, 256, 1}, Bench{1, 32, 512, 512, 0}, Bench{1, 32, 512, 512, 1},
        Bench{1, 3, 1080, 1920, 1}, Bench{1, 1, 2048, 2048, 0}, Bench{2, 64, 256, 256, 1},
        Bench{8, 64, 512, 512, 0}, Bench{8, 64, 512, 512, 1}, Bench{8, 64, 512, 512, 2}}) {
    rows += (rows.empty() ? "" : ",\n    ") + bench_shape(b, cache);
  }
  const std::string comparison = bench_rewalk(cache);
  if (json.empty()) return 0;
  std::FILE* file = std::fopen(json.c_str(), "w");
  if (file == nullptr) {
    std::fprintf(stderr, "cannot write %s\n", json.c_str());
    return 2;
  }
  std::fprintf(
      file,
      "{\n  \"device\": {\"name\": \"%s\", \"compute_capability\": \"%d.%d\", "
      "\"multiprocessors\": %d, \"l2_bytes\": %zu, \"cuda_runtime\": %d, \"driver\": %d},\n"
      "  \"forward\": [\n    %s\n  ],\n  \"rewalk\": %s\n}\n",
      device.name, device.major, device.minor, device.multiProcessorCount, cache, runtime, driver,
      rows.c_str(), comparison.c_str());
  std::fclose(file);
  return 0;
}
