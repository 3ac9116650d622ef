// A stand-in for ONNX Runtime: what of its table the operator calls. A sanitizer knows nothing of a
// runtime that was not built with it, and would report its pool's hand-overs as races.
#ifndef INPAINT_TESTS_ORT_STAND_IN_H_
#define INPAINT_TESTS_ORT_STAND_IN_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "../../../kernels/ort/directional_scan.h"
#include "inpaint_scan.h"

extern "C" inpaint::ort::Status* RegisterCustomOps(inpaint::ort::SessionOptions* options,
                                                   const inpaint::ort::ApiBase* base);

namespace inpaint::ort {

// Of statuses, tensor infos and domains, how many there are.
inline std::atomic<int> living{0};

struct Counted {
  Counted() { ++living; }
  Counted(const Counted&) { ++living; }
  Counted& operator=(const Counted&) = default;
  ~Counted() { --living; }
};

struct Status {
  ErrorCode code;
  std::string message;
  Counted counted = {};
};
struct CustomOpDomain {
  std::vector<const CustomOp*> ops;
  Counted counted = {};
};
struct SessionOptions {
  const CustomOpDomain* domain = nullptr;
};
struct TensorInfo {
  ElementType type = kUndefined;
  std::vector<int64_t> sizes;
  std::vector<std::string> names;
  Counted counted = {};
};
// Memory has just the size that the shape says, so that a sanitizer sees what is beside it.
struct Value {
  TensorInfo info;
  std::vector<unsigned char> data;
};
struct KernelContext {
  std::vector<Value> inputs;
  Value output;
  // Of a node's work; null: the pool refuses it.
  void (*pool)(void (*task)(void*, size_t), size_t count, void* data) = nullptr;
  bool has_output = false;
};
struct ShapeInferContext {
  TensorInfo input;
  mutable TensorInfo output;  // ONNX Runtime's is const where it is set
};

constexpr unsigned char kUntouched = 0x5a;  // what an output's memory holds at first

// This thread's calls that may fail: that many more succeed, and the next fails; -1: none fails.
inline thread_local int calls_that_succeed = -1;

inline Status* fault() {
  if (calls_that_succeed < 0 || calls_that_succeed-- > 0) return nullptr;
  return new Status{kFail, "a fault"};
}

inline size_t bytes_of(ElementType type) { return type == kDouble ? 8 : type == kFloat ? 4 : 2; }

inline size_t count_of(const std::vector<int64_t>& sizes) {
  if (std::find(sizes.begin(), sizes.end(), 0) != sizes.end()) return 0;
  size_t count = 1;
  for (const int64_t size : sizes) count *= static_cast<size_t>(size);
  return count;
}

inline int32_t dtype_of(ElementType type) {
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

inline inpaint_scan_tensor view(Value* value) {
  static const int64_t no_size = 0;  // a rank of 0 is refused, and so is a null pointer
  const std::vector<int64_t>& sizes = value->info.sizes;
  return {value->data.data(), sizes.empty() ? &no_size : sizes.data(),
          static_cast<int32_t>(sizes.size()), dtype_of(value->info.type)};
}

// What of a runtime the operator calls.
inline const Table* make_table() {
  static Function functions[kKernelContextParallelFor + 1] = {};
  const auto set = [](Slot slot, auto function) {
    functions[slot] = reinterpret_cast<Function>(+function);
  };
  set(kCreateStatus, [](ErrorCode code, const char* text) { return new Status{code, text}; });
  set(kGetErrorCode, [](const Status* status) { return status->code; });
  set(kGetErrorMessage, [](const Status* status) { return status->message.c_str(); });
  set(kReleaseStatus, [](Status* status) { delete status; });
  set(kCreateCustomOpDomain, [](const char*, CustomOpDomain** domain) -> Status* {
    if (Status* status = fault()) return status;
    *domain = new CustomOpDomain;
    return nullptr;
  });
  set(kCustomOpDomainAdd, [](CustomOpDomain* domain, const CustomOp* op) -> Status* {
    if (Status* status = fault()) return status;
    domain->ops.push_back(op);
    return nullptr;
  });
  set(kAddCustomOpDomain, [](SessionOptions* options, CustomOpDomain* domain) -> Status* {
    if (Status* status = fault()) return status;
    options->domain = domain;
    return nullptr;
  });
  set(kReleaseCustomOpDomain, [](CustomOpDomain* domain) { delete domain; });
  set(kCreateTensorInfo, [](TensorInfo** info) -> Status* {
    if (Status* status = fault()) return status;
    *info = new TensorInfo;
    return nullptr;
  });
  set(kReleaseTensorInfo, [](TensorInfo* info) { delete info; });
  set(kSetTensorElementType, [](TensorInfo* info, ElementType type) -> Status* {
    if (Status* status = fault()) return status;
    info->type = type;
    return nullptr;
  });
  set(kGetTensorElementType, [](const TensorInfo* info, ElementType* type) -> Status* {
    if (Status* status = fault()) return status;
    *type = info->type;
    return nullptr;
  });
  set(kSetDimensions, [](TensorInfo* info, const int64_t* sizes, size_t count) -> Status* {
    if (Status* status = fault()) return status;
    info->sizes.assign(sizes, sizes + count);
    info->names.resize(count);
    return nullptr;
  });
  set(kGetDimensionsCount, [](const TensorInfo* info, size_t* rank) -> Status* {
    if (Status* status = fault()) return status;
    *rank = info->sizes.size();
    return nullptr;
  });
  set(kGetDimensions, [](const TensorInfo* info, int64_t* sizes, size_t count) -> Status* {
    if (Status* status = fault()) return status;
    std::copy_n(info->sizes.begin(), count, sizes);
    return nullptr;
  });
  set(kSetSymbolicDimensions, [](TensorInfo* info, const char** names, size_t count) -> Status* {
    if (Status* status = fault()) return status;
    info->names.assign(names, names + count);
    return nullptr;
  });
  set(kGetSymbolicDimensions,
      [](const TensorInfo* info, const char** names, size_t count) -> Status* {
        if (Status* status = fault()) return status;
        for (size_t i = 0; i < count; ++i) names[i] = info->names[i].c_str();
        return nullptr;
      });
  set(kGetTensorTypeAndShape, [](const Value* value, TensorInfo** info) -> Status* {
    if (Status* status = fault()) return status;
    *info = new TensorInfo(value->info);
    return nullptr;
  });
  set(kGetTensorMutableData, [](Value* value, void** data) -> Status* {
    if (Status* status = fault()) return status;
    *data = value->data.data();
    return nullptr;
  });
  set(kKernelContextGetInputCount, [](const KernelContext* context, size_t* count) -> Status* {
    if (Status* status = fault()) return status;
    *count = context->inputs.size();
    return nullptr;
  });
  set(kKernelContextGetInput,
      [](const KernelContext* context, size_t index, const Value** value) -> Status* {
        if (Status* status = fault()) return status;
        *value = index < context->inputs.size() ? &context->inputs[index] : nullptr;
        return nullptr;
      });
  set(kKernelContextGetOutput,
      [](KernelContext* context, size_t, const int64_t* sizes, size_t rank,
         Value** value) -> Status* {
        if (Status* status = fault()) return status;
        Value& output = context->output;
        output.info.sizes.assign(sizes, sizes + rank);
        output.data.assign(count_of(output.info.sizes) * bytes_of(output.info.type), kUntouched);
        context->has_output = true;
        *value = &output;
        return nullptr;
      });
  set(kShapeInferContextGetInputTypeShape,
      [](const ShapeInferContext* context, size_t, TensorInfo** info) -> Status* {
        if (Status* status = fault()) return status;
        *info = const_cast<TensorInfo*>(&context->input);
        return nullptr;
      });
  set(kShapeInferContextSetOutputTypeShape,
      [](const ShapeInferContext* context, size_t, const TensorInfo* info) -> Status* {
        if (Status* status = fault()) return status;
        context->output = *info;
        return nullptr;
      });
  set(kKernelContextParallelFor,
      [](const KernelContext* context, void (*task)(void*, size_t), size_t count, size_t,
         void* data) -> Status* {
        if (Status* status = fault()) return status;
        if (context->pool == nullptr) return new Status{kFail, "there is no pool"};
        context->pool(task, count, data);
        return nullptr;
      });
  return reinterpret_cast<const Table*>(functions);
}

inline const ApiBase* api_base() {
  static const Table* const table = make_table();
  static const ApiBase base = {
      [](uint32_t version) -> const Table* { return version <= kApiVersion ? table : nullptr; },
      [] { return "of these tests"; }};
  return &base;
}

}  // namespace inpaint::ort

#endif  // INPAINT_TESTS_ORT_STAND_IN_H_
