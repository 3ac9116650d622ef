// The ONNX Runtime operator for the CPU, in 8 sessions at once, each in a thread of its own and
// with a pool of its own, after a registration whose calls fail one after the other. A stand-in
// takes ONNX Runtime's place. Prints what failed and exits with 1, or prints the number of runs.
#include <cstdio>
#include <cstring>
#include <thread>

#include "ort_stand_in.h"

namespace inpaint::ort {
namespace {

std::atomic<int> failures{0};

void check(bool condition, const char* what) {
  if (condition) return;
  ++failures;
  std::printf("failed: %s\n", what);
}

void two_threads(void (*task)(void*, size_t), size_t count, void* data) {
  std::atomic<size_t> next{0};
  const auto work = [&] {
    for (size_t i = next++; i < count; i = next++) task(data, i);
  };
  std::thread other(work);
  work();
  other.join();
}

Value tensor(ElementType type, const std::vector<int64_t>& sizes, unsigned seed) {
  Value value{{type, sizes, {}}, {}};
  value.data.resize(count_of(sizes) * bytes_of(type));
  // Small numbers in each of the types: the exponent's bits are what they are in 0.5.
  for (size_t i = 0; i < value.data.size(); ++i) {
    seed = seed * 1664525u + 1013904223u;
    value.data[i] = static_cast<unsigned char>(seed >> 24 & 0x37);
  }
  return value;
}

// By the C interface, in one thread.
std::vector<unsigned char> expected(KernelContext* context) {
  Value out = context->output;
  const inpaint_scan_tensor x = view(&context->inputs[0]), weight = view(&context->inputs[1]);
  const inpaint_scan_tensor bias = view(&context->inputs[2]), y = view(&out);
  inpaint_scan_options options = {};
  options.threads = 1;
  check(inpaint_scan_forward(&x, &weight, &bias, &y, &options) == INPAINT_SCAN_OK, "the scan");
  return out.data;
}

void run_node(const CustomOp* op, int64_t height, int64_t width, unsigned seed, bool has_pool) {
  void* kernel = nullptr;
  check(op->create_kernel_v2(op, nullptr, nullptr, &kernel) == nullptr, "a kernel is made");
  const ElementType image = op->input_type(op, 0), parameters = op->input_type(op, 1);
  KernelContext context;
  if (has_pool) context.pool = two_threads;
  context.inputs = {tensor(image, {1, 3, height, width}, seed),
                    tensor(parameters, {4, 3}, seed + 1), tensor(parameters, {4, 3}, seed + 2)};
  context.output.info.type = op->output_type(op, 0);
  check(op->compute_v2(kernel, &context) == nullptr, "a node runs");
  check(context.output.data == expected(&context), "its result is that of one thread");

  context.inputs[1].info.sizes = {4, 2};  // refused, in the words of this thread's own call
  Status* status = op->compute_v2(kernel, &context);
  check(status != nullptr && status->message.find("has shape [4, 2]") != std::string::npos,
        "a wrong shape is told");
  delete status;
  context.inputs[0] = tensor(image, {1, INT64_MAX, 0, 7}, seed);  // as a stranger's model may make
  status = op->compute_v2(kernel, &context);
  check(status != nullptr && status->message.find("too many channels") != std::string::npos,
        "channels whose number has no fourfold are told");
  delete status;
  op->destroy(kernel);
}

void infer(const CustomOp* op) {
  ShapeInferContext context;
  context.input = {kFloat, {1, 3, -1, 7}, {"", "", "height", ""}};
  check(op->infer_output_shape(op, &context) == nullptr, "a shape is inferred");
  check(context.output.sizes == std::vector<int64_t>{1, 12, -1, 7}, "of 4 times the channels");
  check(context.output.names[2] == "height", "with its names");
  context.output = {};
  context.input.sizes[1] = INT64_MAX;  // as a stranger's model may say
  check(op->infer_output_shape(op, &context) == nullptr, "too many channels are no failure here");
  check(context.output.sizes.empty(), "and nothing is known of them");
}

void session(unsigned seed) {
  SessionOptions options;
  check(RegisterCustomOps(&options, api_base()) == nullptr, "the library is registered");
  for (unsigned run = 0; run < 6; ++run) {
    for (const CustomOp* op : options.domain->ops) {
      infer(op);
      run_node(op, 5 + run, 30 + seed, 1000 * seed + run, run != 2);
    }
  }
}

// Each call that may fail does in turn, until the library is registered.
void fail_to_register() {
  const int before = living;
  for (int calls = 0; calls < 100; ++calls) {
    SessionOptions options;
    calls_that_succeed = calls;
    Status* status = RegisterCustomOps(&options, api_base());
    calls_that_succeed = -1;
    if (status == nullptr) {
      check(calls > 10, "a registration calls the runtime");
      check(living == before + 1, "it keeps its domain and nothing else");
      return;
    }
    check(options.domain == nullptr, "what is not registered adds nothing");
    delete status;
    check(living <= before + 1, "but for its domain, a registration that fails leaves nothing");
  }
  check(false, "the library is registered at last");
}

}  // namespace
}  // namespace inpaint::ort

int main() {
  inpaint::ort::fail_to_register();
  std::vector<std::thread> sessions;
  for (unsigned i = 0; i < 8; ++i) sessions.emplace_back(inpaint::ort::session, i);
  for (std::thread& session : sessions) session.join();
  if (inpaint::ort::failures > 0) return 1;
  std::printf("8 sessions\n");
}
