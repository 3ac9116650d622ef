// The ONNX Runtime operator for the CPU, in 8 sessions at once, each in a thread of its own and
// with a pool of its own. A stand-in takes ONNX Runtime's place: a sanitizer knows nothing of a
// runtime that was not built with it, and would report its pool's hand-overs as races. Prints what
// failed and exits with 1, or prints the number of runs.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "../../../kernels/ort/directional_scan.h"
#include "inpaint_scan.h"

extern "C" inpaint::ort::Status* RegisterCustomOps(inpaint::ort::SessionOptions* options,
                                                   const inpaint::ort::ApiBase* base);

namespace inpaint::ort {

struct Status {
  ErrorCode code;
  std::string message;
};
struct CustomOpDomain {
  std::vector<const CustomOp*> ops;
};
struct SessionOptions {
  const CustomOpDomain* domain = nullptr;
};
struct TensorInfo {
  ElementType type = kUndefined;
  std::vector<int64_t> sizes;
  std::vector<std::string> names;
};
struct Value {
  TensorInfo info;
  std::vector<unsigned char> data;
};
struct KernelContext {
  std::vector<Value> inputs;
  Value output;
  bool has_pool = true;
};
struct ShapeInferContext {
  TensorInfo input, output;
};

namespace {

std::atomic<int> failures{0};

void check(bool condition, const char* what) {
  if (condition) return;
  ++failures;
  std::printf("failed: %s\n", what);
}

size_t bytes_of(ElementType type) { return type == kDouble ? 8 : type == kFloat ? 4 : 2; }

size_t count_of(const std::vector<int64_t>& sizes) {
  size_t count = 1;
  for (const int64_t size : sizes) count *= static_cast<size_t>(size);
  return count;
}

Status* parallel_for(const KernelContext* context, void (*task)(void*, size_t), size_t count,
                     size_t, void* data) {
  if (!context->has_pool) return new Status{kFail, "there is no pool"};
  std::atomic<size_t> next{0};
  const auto work = [&] {
    for (size_t i = next++; i < count; i = next++) task(data, i);
  };
  std::thread other(work);
  work();
  other.join();
  return nullptr;
}

template <class Returned, class... Given>
Function erased(Returned (*function)(Given...)) {
  return reinterpret_cast<Function>(function);
}

// What of ONNX Runtime's table the operator calls.
const Table* make_table() {
  static Function functions[kKernelContextParallelFor + 1] = {};
  const auto set = [](Slot slot, auto function) { functions[slot] = erased(+function); };
  set(kCreateStatus, [](ErrorCode code, const char* text) { return new Status{code, text}; });
  set(kGetErrorCode, [](const Status* status) { return status->code; });
  set(kGetErrorMessage, [](const Status* status) { return status->message.c_str(); });
  set(kReleaseStatus, [](Status* status) { delete status; });
  set(kCreateCustomOpDomain, [](const char*, CustomOpDomain** domain) -> Status* {
    *domain = new CustomOpDomain;
    return nullptr;
  });
  set(kCustomOpDomainAdd, [](CustomOpDomain* domain, const CustomOp* op) -> Status* {
    domain->ops.push_back(op);
    return nullptr;
  });
  set(kAddCustomOpDomain, [](SessionOptions* options, CustomOpDomain* domain) -> Status* {
    options->domain = domain;
    return nullptr;
  });
  set(kReleaseCustomOpDomain, [](CustomOpDomain* domain) { delete domain; });
  set(kCreateTensorInfo, [](TensorInfo** info) -> Status* {
    *info = new TensorInfo;
    return nullptr;
  });
  set(kReleaseTensorInfo, [](TensorInfo* info) { delete info; });
  set(kSetTensorElementType, [](TensorInfo* info, ElementType type) -> Status* {
    info->type = type;
    return nullptr;
  });
  set(kGetTensorElementType, [](const TensorInfo* info, ElementType* type) -> Status* {
    *type = info->type;
    return nullptr;
  });
  set(kSetDimensions, [](TensorInfo* info, const int64_t* sizes, size_t count) -> Status* {
    info->sizes.assign(sizes, sizes + count);
    info->names.resize(count);
    return nullptr;
  });
  set(kGetDimensionsCount, [](const TensorInfo* info, size_t* rank) -> Status* {
    *rank = info->sizes.size();
    return nullptr;
  });
  set(kGetDimensions, [](const TensorInfo* info, int64_t* sizes, size_t count) -> Status* {
    std::copy_n(info->sizes.begin(), count, sizes);
    return nullptr;
  });
  set(kSetSymbolicDimensions, [](TensorInfo* info, const char** names, size_t count) -> Status* {
    info->names.assign(names, names + count);
    return nullptr;
  });
  set(kGetSymbolicDimensions,
      [](const TensorInfo* info, const char** names, size_t count) -> Status* {
        for (size_t i = 0; i < count; ++i) names[i] = info->names[i].c_str();
        return nullptr;
      });
  set(kGetTensorTypeAndShape, [](const Value* value, TensorInfo** info) -> Status* {
    *info = new TensorInfo(value->info);
    return nullptr;
  });
  set(kGetTensorMutableData, [](Value* value, void** data) -> Status* {
    *data = value->data.data();
    return nullptr;
  });
  set(kKernelContextGetInputCount, [](const KernelContext* context, size_t* count) -> Status* {
    *count = context->inputs.size();
    return nullptr;
  });
  set(kKernelContextGetInput,
      [](const KernelContext* context, size_t index, const Value** value) -> Status* {
        *value = &context->inputs[index];
        return nullptr;
      });
  set(kKernelContextGetOutput,
      [](KernelContext* context, size_t, const int64_t* sizes, size_t rank,
         Value** value) -> Status* {
        context->output.info.sizes.assign(sizes, sizes + rank);
        context->output.data.assign(
            count_of(context->output.info.sizes) * bytes_of(context->output.info.type), 0);
        *value = &context->output;
        return nullptr;
      });
  set(kShapeInferContextGetInputTypeShape,
      [](const ShapeInferContext* context, size_t, TensorInfo** info) -> Status* {
        *info = const_cast<TensorInfo*>(&context->input);
        return nullptr;
      });
  set(kShapeInferContextSetOutputTypeShape,
      [](ShapeInferContext* context, size_t, const TensorInfo* info) -> Status* {
        context->output = *info;
        return nullptr;
      });
  set(kKernelContextParallelFor, &parallel_for);
  return reinterpret_cast<const Table*>(functions);
}

const ApiBase* api_base() {
  static const Table* const table = make_table();
  static const ApiBase base = {
      [](uint32_t version) -> const Table* { return version <= kApiVersion ? table : nullptr; },
      [] { return "of these tests"; }};
  return &base;
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

int32_t dtype_of(ElementType type) {
  switch (type) {
    case kFloat:
      return INPAINT_SCAN_FLOAT32;
    case kFloat16:
      return INPAINT_SCAN_FLOAT16;
    case kBfloat16:
      return INPAINT_SCAN_BFLOAT16;
    default:
      return INPAINT_SCAN_FLOAT64;
  }
}

// By the C interface, in one thread.
std::vector<unsigned char> expected(KernelContext* context) {
  const auto view = [](Value& value) {
    return inpaint_scan_tensor{value.data.data(), value.info.sizes.data(),
                               static_cast<int32_t>(value.info.sizes.size()),
                               dtype_of(value.info.type)};
  };
  Value out = context->output;
  const inpaint_scan_tensor x = view(context->inputs[0]), weight = view(context->inputs[1]);
  const inpaint_scan_tensor bias = view(context->inputs[2]), y = view(out);
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
  context.has_pool = has_pool;
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

}  // namespace
}  // namespace inpaint::ort

int main() {
  std::vector<std::thread> sessions;
  for (unsigned i = 0; i < 8; ++i) sessions.emplace_back(inpaint::ort::session, i);
  for (std::thread& session : sessions) session.join();
  if (inpaint::ort::failures > 0) return 1;
  std::printf("8 sessions\n");
}
