// How fast the CUDA scan is.
//
//     bench_scan [--json FILE]
//
// For shapes from real models, forward and backward: median and 90th percentile of each strategy's
// time, the bytes that must move (forward: X and Y once; backward: Y, its gradient and X's once)
// over the median, and that as a share of what a device-to-device copy of as many bytes reaches in
// the same run, interleaved with it; and the number of launches, counted in a captured graph. Then
// the comparison with a kernel that walks its line again for each pixel. A time is that of a graph
// of many runs over their number. Inputs, the copy's too, are rotated among buffers larger together
// than the L2 cache.

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>

#include "bench_support.h"
#include "rewalk.cuh"
#include "test_support.h"

using namespace inpaint::scan;

namespace {

struct Bench {
  int n, c, h, w, dtype;
};

// A graph of many runs of some work. work(i, stream) queues the i-th.
class Batch {
 public:
  template <class Work>
  explicit Batch(Work&& work) {
    CHECK_CUDA(cudaStreamCreate(&stream_));
    CHECK_CUDA(cudaEventCreate(&begin_));
    CHECK_CUDA(cudaEventCreate(&end_));
    record(1, work);
    microseconds();  // the first run loads code
    const int count = batch_size(microseconds());
    CHECK_CUDA(cudaGraphExecDestroy(graph_));
    record(count, work);
  }
  ~Batch() {
    cudaGraphExecDestroy(graph_);
    cudaEventDestroy(begin_);
    cudaEventDestroy(end_);
    cudaStreamDestroy(stream_);
  }
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  // What a run takes, on average over those of one launch of the graph.
  double microseconds() {
    CHECK_CUDA(cudaEventRecord(begin_, stream_));
    CHECK_CUDA(cudaGraphLaunch(graph_, stream_));
    CHECK_CUDA(cudaEventRecord(end_, stream_));
    CHECK_CUDA(cudaEventSynchronize(end_));
    float milliseconds = 0.0f;
    CHECK_CUDA(cudaEventElapsedTime(&milliseconds, begin_, end_));
    return 1000.0 * milliseconds / count_;
  }

 private:
  template <class Work>
  void record(int count, Work&& work) {
    cudaGraph_t graph;
    CHECK_CUDA(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal));
    for (int i = 0; i < count; ++i) work(static_cast<std::size_t>(i), stream_);
    CHECK_CUDA(cudaStreamEndCapture(stream_, &graph));
    CHECK_CUDA(cudaGraphInstantiateWithFlags(&graph_, graph, 0));
    CHECK_CUDA(cudaGraphDestroy(graph));
    count_ = count;
  }

  cudaStream_t stream_;
  cudaEvent_t begin_, end_;
  cudaGraphExec_t graph_;
  int count_ = 0;
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
  const std::size_t sets = rotation_size((1 + kDirections) * bytes, cache_bytes);
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

// Kernel nodes in a graph captured from one call.
template <class Run>
std::size_t count_launches(Run&& run) {
  cudaStream_t stream;
  cudaGraph_t graph;
  CHECK_CUDA(cudaStreamCreate(&stream));
  CHECK_CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  run(stream);
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

// Times a copy and each strategy in turn, so that clocks and neighbours disturb all alike; prints a
// line and returns the JSON of it. run(strategy, i, stream) queues the i-th run. bytes: what must
// move.
template <class Run>
std::string bench(const Bench& b, const char* pass, double bytes, std::size_t cache_bytes,
                  std::size_t launches, Run&& run) {
  constexpr int kWarmups = 5;
  constexpr int kRepeats = 40;
  // A copy reads as much as it writes: half of the bytes each way.
  const std::size_t copied = static_cast<std::size_t>(bytes / 2);
  std::vector<std::unique_ptr<DeviceBuffer>> from, to;
  for (std::size_t i = 0; i < rotation_size(2 * copied, cache_bytes); ++i) {
    from.push_back(std::make_unique<DeviceBuffer>(copied));
    to.push_back(std::make_unique<DeviceBuffer>(copied));
  }
  const int strategies[] = {INPAINT_SCAN_CUDA_STREAMING, INPAINT_SCAN_CUDA_CHUNKED,
                            INPAINT_SCAN_CUDA_AUTO};
  std::vector<double> copies, times[3];
  Batch copy([&](std::size_t i, cudaStream_t stream) {
    CHECK_CUDA(cudaMemcpyAsync(to[i % to.size()]->data(), from[i % from.size()]->data(), copied,
                               cudaMemcpyDeviceToDevice, stream));
  });
  std::vector<std::unique_ptr<Batch>> runs;
  for (int strategy : strategies) {
    runs.push_back(std::make_unique<Batch>(
        [&](std::size_t i, cudaStream_t stream) { run(strategy, i, stream); }));
  }
  for (int i = -kWarmups; i < kRepeats; ++i) {
    const double copy_time = copy.microseconds();
    if (i >= 0) copies.push_back(copy_time);
    for (int k = 0; k < 3; ++k) {
      const double time = runs[k]->microseconds();
      if (i >= 0) times[k].push_back(time);
    }
  }

  const double copy_time = percentile(copies, 0.5);
  double median[3], share[3];
  for (int k = 0; k < 3; ++k) {
    median[k] = percentile(times[k], 0.5);
    share[k] = copy_time / median[k];
  }
  std::printf("%-8s %dx%dx%dx%d %-5s %9.1f %9.1f %9.1f %9.1f %8.0f %6.1f%% %6.1f%% %6.1f%% %4zu\n",
              pass, b.n, b.c, b.h, b.w, dtype_name(b.dtype), copy_time, median[0], median[1],
              median[2], bytes / median[2] / 1e3, 100 * share[0], 100 * share[1], 100 * share[2],
              launches);
  char row[1024];
  std::snprintf(
      row, sizeof(row),
      "{\"pass\": \"%s\", \"shape\": [%d, %d, %d, %d], \"dtype\": \"%s\", \"bytes\": %.0f, "
      "\"launches\": %zu, \"copy_us\": {\"p50\": %.3f, \"p90\": %.3f}, "
      "\"streaming_us\": {\"p50\": %.3f, \"p90\": %.3f}, "
      "\"chunked_us\": {\"p50\": %.3f, \"p90\": %.3f}, "
      "\"auto_us\": {\"p50\": %.3f, \"p90\": %.3f}, \"auto_share_of_copy\": %.4f}",
      pass, b.n, b.c, b.h, b.w, dtype_name(b.dtype), bytes, launches, copy_time,
      percentile(copies, 0.9), median[0], percentile(times[0], 0.9), median[1],
      percentile(times[1], 0.9), median[2], percentile(times[2], 0.9), share[2]);
  return row;
}

std::string bench_forward(const Bench& b, std::size_t cache_bytes) {
  const Tensors t = make_tensors(b, cache_bytes);
  const double bytes = static_cast<double>(t.x[0]->size()) * (1 + kDirections);
  const auto run = [&](int strategy, std::size_t i, cudaStream_t stream = nullptr) {
    run_forward(b, strategy, t, i, stream);
  };
  const std::size_t launches =
      count_launches([&](cudaStream_t stream) { run(INPAINT_SCAN_CUDA_AUTO, 0, stream); });
  return bench(b, "forward", bytes, cache_bytes, launches, run);
}

std::string bench_backward(const Bench& b, std::size_t cache_bytes) {
  const Tensors t = make_tensors(b, cache_bytes);
  const std::size_t x_bytes = t.x[0]->size();
  const auto contents =
      random_tensor(kDirections * x_bytes / dtype_size(b.dtype), -1.0f, 1.0f, b.dtype);
  std::vector<std::unique_ptr<DeviceBuffer>> grad_y;
  for (std::size_t i = 0; i < t.y.size(); ++i) {
    run_forward(b, INPAINT_SCAN_CUDA_AUTO, t, i);
    grad_y.push_back(std::make_unique<DeviceBuffer>(contents));
  }
  const inpaint_scan_cuda_problem any = problem_of(b, INPAINT_SCAN_CUDA_AUTO);
  std::size_t workspace_bytes = 0;
  CHECK_SCAN(inpaint_scan_cuda_workspace(&any, &workspace_bytes));
  DeviceBuffer grad_x(x_bytes), workspace(workspace_bytes);
  DeviceBuffer grad_weight(std::size_t(kDirections) * b.c * 4), grad_bias(grad_weight.size());
  const auto run = [&](int strategy, std::size_t i, cudaStream_t stream = nullptr) {
    const inpaint_scan_cuda_problem problem = problem_of(b, strategy);
    CHECK_SCAN(inpaint_scan_cuda_backward(
        &problem, t.y[i % t.y.size()]->data(), grad_y[i % grad_y.size()]->data(), t.weight->data(),
        grad_x.data(), reinterpret_cast<float*>(grad_weight.data()),
        reinterpret_cast<float*>(grad_bias.data()), workspace.data(), workspace.size(), stream));
  };
  const std::size_t launches =
      count_launches([&](cudaStream_t stream) { run(INPAINT_SCAN_CUDA_AUTO, 0, stream); });
  return bench(b, "backward", static_cast<double>(x_bytes) * (2 * kDirections + 1), cache_bytes,
               launches, run);
}

// Whether a shape's tensors, with the gradients' and the copy's, fit the device.
bool fits(const Bench& b) {
  std::size_t free_bytes = 0;
  std::size_t total_bytes = 0;
  CHECK_CUDA(cudaMemGetInfo(&free_bytes, &total_bytes));
  return 24.0 * b.n * b.c * b.h * b.w * dtype_size(b.dtype) < 0.9 * static_cast<double>(free_bytes);
}

std::string bench_rewalk(std::size_t cache_bytes) {
  const Bench b = {1, 32, 512, 512, INPAINT_SCAN_CUDA_FLOAT32};
  const Tensors t = make_tensors(b, cache_bytes);
  const std::int64_t count = std::int64_t(b.n) * b.c * b.h * b.w;
  const auto run_rewalk = [&](std::size_t i, cudaStream_t stream) {
    rewalk<<<static_cast<unsigned>((count + 255) / 256), 256, 0, stream>>>(
        reinterpret_cast<const float*>(t.x[i % t.x.size()]->data()),
        reinterpret_cast<const float*>(t.weight->data()),
        reinterpret_cast<const float*>(t.bias->data()),
        reinterpret_cast<float*>(t.y[i % t.y.size()]->data()), count, b.c, b.h, b.w);
    CHECK_CUDA(cudaGetLastError());
  };
  Batch rewalk_batch(run_rewalk);
  Batch our_batch([&](std::size_t i, cudaStream_t stream) {
    run_forward(b, INPAINT_SCAN_CUDA_AUTO, t, i, stream);
  });
  std::vector<double> rewalks, ours;
  for (int i = -3; i < 20; ++i) {
    const double slow = rewalk_batch.microseconds();
    const double fast = our_batch.microseconds();
    if (i >= 0) rewalks.push_back(slow), ours.push_back(fast);
  }
  // The two agree, or the comparison means nothing. The sums are the same up to contraction.
  run_rewalk(0, nullptr);
  const auto slow = decode(t.y[0]->read(), b.dtype);
  t.y[0]->poison();
  run_forward(b, INPAINT_SCAN_CUDA_AUTO, t, 0);
  const auto fast = decode(t.y[0]->read(), b.dtype);
  double worst = 0.0;
  for (std::size_t i = 0; i < slow.size(); ++i) {
    const double difference = std::fabs(slow[i] - fast[i]);
    if (!(difference <= worst)) worst = difference;
    if (std::isnan(worst)) break;
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
      "pass, shape and dtype; median us of copy, streaming, chunked, auto; auto GB/s; share of the "
      "copy's speed: streaming, chunked, auto; launches\n");
  std::string rows;
  for (const Bench& b :
       {Bench{1, 32, 128, 128, 0}, Bench{1, 32, 128, 128, 1}, Bench{1, 32, 256, 256, 0},
        Bench{1, 32, 256, 256, 1}, Bench{1, 32, 512, 512, 0}, Bench{1, 32, 512, 512, 1},
        Bench{1, 3, 1080, 1920, 1}, Bench{1, 1, 2048, 2048, 0}, Bench{2, 64, 256, 256, 1},
        Bench{8, 64, 512, 512, 0}, Bench{8, 64, 512, 512, 1}, Bench{8, 64, 512, 512, 2}}) {
    if (!fits(b)) {
      std::printf("%dx%dx%dx%d %s: left out, the device's memory is too small\n", b.n, b.c, b.h,
                  b.w, dtype_name(b.dtype));
      continue;
    }
    rows += (rows.empty() ? "" : ",\n    ") + bench_forward(b, cache);
    rows += ",\n    " + bench_backward(b, cache);
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
      "  \"passes\": [\n    %s\n  ],\n  \"rewalk\": %s\n}\n",
      device.name, device.major, device.minor, device.multiProcessorCount, cache, runtime, driver,
      rows.c_str(), comparison.c_str());
  std::fclose(file);
  return 0;
}
