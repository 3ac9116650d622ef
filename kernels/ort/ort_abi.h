// The part of ONNX Runtime's stable C interface that a custom operator needs.
//
// ONNX Runtime's wheels carry no headers. Its interface is a table of functions that only ever
// grows at its end, so a function is known by its place in the table, and a struct that the library
// fills in says by a version number how far it is filled. What is below holds for every ONNX
// Runtime from 1.17 on; `check_interface` tries it out on the runtime that loads the library.
#ifndef INPAINT_ORT_ABI_H_
#define INPAINT_ORT_ABI_H_

#include <cstddef>
#include <cstdint>

namespace inpaint::ort {

// The first version in which all of the functions below exist.
constexpr uint32_t kApiVersion = 17;

struct Status;  // null means success
struct SessionOptions;
struct CustomOpDomain;
struct KernelInfo;
struct KernelContext;
struct ShapeInferContext;
struct Value;
struct TensorInfo;  // element type and shape

enum ErrorCode : int32_t { kFail = 1, kInvalidArgument = 2 };

enum ElementType : int32_t {
  kUndefined = 0,
  kFloat = 1,
  kFloat16 = 10,
  kDouble = 11,
  kBfloat16 = 16,
};

// Places in the table of functions. ONNX Runtime's onnxruntime_c_api.cc lists the table, marks
// where each version of it ends, and asserts those places when it is compiled; the numbers here are
// counted in that list. 193 is the second of version 10, which ends with 203; the self-test cannot
// call it, as it wants a running node, so a test runs a node that does.
enum Slot : size_t {
  kCreateStatus = 0,
  kGetErrorCode = 1,
  kGetErrorMessage = 2,
  kCreateCustomOpDomain = 26,
  kCustomOpDomainAdd = 27,
  kAddCustomOpDomain = 28,
  kGetTensorMutableData = 51,
  kCreateTensorInfo = 57,
  kSetTensorElementType = 58,
  kSetDimensions = 59,
  kGetTensorElementType = 60,
  kGetDimensionsCount = 61,
  kGetDimensions = 62,
  kGetSymbolicDimensions = 63,
  kGetTensorTypeAndShape = 65,
  kKernelContextGetInputCount = 88,
  kKernelContextGetInput = 90,
  kKernelContextGetOutput = 91,
  kReleaseStatus = 93,
  kReleaseTensorInfo = 99,
  kReleaseCustomOpDomain = 101,
  kKernelContextGetGpuComputeStream = 193,
  kShapeInferContextGetInputTypeShape = 268,
  kShapeInferContextSetOutputTypeShape = 270,
  kSetSymbolicDimensions = 271,
  kKernelContextParallelFor = 274,
};

using Function = void (*)();
struct Table;  // an array of Function

struct ApiBase {
  const Table* (*get_api)(uint32_t version);  // null where the version is newer than the runtime
  const char* (*get_version_string)();
};

// The table, with its functions' types put back.
class Api {
 public:
  explicit Api(const Table* table) : table_(table) {}

  Status* create_status(ErrorCode code, const char* message) const {
    return get<Status*(ErrorCode, const char*)>(kCreateStatus)(code, message);
  }
  ErrorCode error_code(const Status* status) const {
    return get<ErrorCode(const Status*)>(kGetErrorCode)(status);
  }
  const char* error_message(const Status* status) const {
    return get<const char*(const Status*)>(kGetErrorMessage)(status);
  }
  void release(Status* status) const { get<void(Status*)>(kReleaseStatus)(status); }

  Status* create_domain(const char* name, CustomOpDomain** domain) const {
    return get<Status*(const char*, CustomOpDomain**)>(kCreateCustomOpDomain)(name, domain);
  }
  Status* add_op(CustomOpDomain* domain, const struct CustomOp* op) const {
    return get<Status*(CustomOpDomain*, const CustomOp*)>(kCustomOpDomainAdd)(domain, op);
  }
  Status* add_domain(SessionOptions* options, CustomOpDomain* domain) const {
    return get<Status*(SessionOptions*, CustomOpDomain*)>(kAddCustomOpDomain)(options, domain);
  }
  void release(CustomOpDomain* domain) const {
    get<void(CustomOpDomain*)>(kReleaseCustomOpDomain)(domain);
  }

  Status* create_info(TensorInfo** info) const {
    return get<Status*(TensorInfo**)>(kCreateTensorInfo)(info);
  }
  Status* info_of(const Value* value, TensorInfo** info) const {
    return get<Status*(const Value*, TensorInfo**)>(kGetTensorTypeAndShape)(value, info);
  }
  Status* set_type(TensorInfo* info, ElementType type) const {
    return get<Status*(TensorInfo*, ElementType)>(kSetTensorElementType)(info, type);
  }
  Status* type(const TensorInfo* info, ElementType* type) const {
    return get<Status*(const TensorInfo*, ElementType*)>(kGetTensorElementType)(info, type);
  }
  Status* set_dimensions(TensorInfo* info, const int64_t* sizes, size_t count) const {
    return get<Status*(TensorInfo*, const int64_t*, size_t)>(kSetDimensions)(info, sizes, count);
  }
  Status* rank(const TensorInfo* info, size_t* rank) const {
    return get<Status*(const TensorInfo*, size_t*)>(kGetDimensionsCount)(info, rank);
  }
  Status* dimensions(const TensorInfo* info, int64_t* sizes, size_t count) const {
    return get<Status*(const TensorInfo*, int64_t*, size_t)>(kGetDimensions)(info, sizes, count);
  }
  Status* set_symbols(TensorInfo* info, const char** names, size_t count) const {
    return get<Status*(TensorInfo*, const char**, size_t)>(kSetSymbolicDimensions)(info, names,
                                                                                   count);
  }
  Status* symbols(const TensorInfo* info, const char** names, size_t count) const {
    return get<Status*(const TensorInfo*, const char**, size_t)>(kGetSymbolicDimensions)(
        info, names, count);
  }
  void release(TensorInfo* info) const { get<void(TensorInfo*)>(kReleaseTensorInfo)(info); }

  Status* input_count(const KernelContext* context, size_t* count) const {
    return get<Status*(const KernelContext*, size_t*)>(kKernelContextGetInputCount)(context, count);
  }
  Status* input(const KernelContext* context, size_t index, const Value** value) const {
    return get<Status*(const KernelContext*, size_t, const Value**)>(kKernelContextGetInput)(
        context, index, value);
  }
  Status* output(KernelContext* context, size_t index, const int64_t* sizes, size_t rank,
                 Value** value) const {
    return get<Status*(KernelContext*, size_t, const int64_t*, size_t, Value**)>(
        kKernelContextGetOutput)(context, index, sizes, rank, value);
  }
  Status* data(Value* value, void** data) const {
    return get<Status*(Value*, void**)>(kGetTensorMutableData)(value, data);
  }
  // Null on an execution provider that has no streams.
  Status* gpu_stream(const KernelContext* context, void** stream) const {
    return get<Status*(const KernelContext*, void**)>(kKernelContextGetGpuComputeStream)(context,
                                                                                         stream);
  }
  // Batches of 0: the runtime decides.
  Status* parallel_for(const KernelContext* context, void (*task)(void*, size_t), size_t count,
                       size_t batches, void* task_data) const {
    return get<Status*(const KernelContext*, void (*)(void*, size_t), size_t, size_t, void*)>(
        kKernelContextParallelFor)(context, task, count, batches, task_data);
  }

  // The result belongs to the context.
  Status* inferred_input(const ShapeInferContext* context, size_t index, TensorInfo** info) const {
    return get<Status*(const ShapeInferContext*, size_t, TensorInfo**)>(
        kShapeInferContextGetInputTypeShape)(context, index, info);
  }
  Status* infer_output(const ShapeInferContext* context, size_t index,
                       const TensorInfo* info) const {
    return get<Status*(const ShapeInferContext*, size_t, const TensorInfo*)>(
        kShapeInferContextSetOutputTypeShape)(context, index, info);
  }

 private:
  template <class Signature>
  Signature* get(Slot slot) const {
    return reinterpret_cast<Signature*>(reinterpret_cast<const Function*>(table_)[slot]);
  }

  const Table* table_;
};

// One operator for one combination of types. The runtime reads the members up to `version`.
struct CustomOp {
  uint32_t version;
  void* (*create_kernel)(const CustomOp*, const Table*, const KernelInfo*);
  const char* (*name)(const CustomOp*);
  const char* (*execution_provider)(const CustomOp*);
  ElementType (*input_type)(const CustomOp*, size_t index);
  size_t (*input_count)(const CustomOp*);
  ElementType (*output_type)(const CustomOp*, size_t index);
  size_t (*output_count)(const CustomOp*);
  void (*compute)(void* kernel, KernelContext*);
  void (*destroy)(void* kernel);
  int32_t (*input_characteristic)(const CustomOp*, size_t index);   // 0: required
  int32_t (*output_characteristic)(const CustomOp*, size_t index);  // 0: required
  int32_t (*input_memory_type)(const CustomOp*, size_t index);      // 0: the provider's own
  int (*variadic_input_min_arity)(const CustomOp*);
  int (*variadic_input_homogeneity)(const CustomOp*);
  int (*variadic_output_min_arity)(const CustomOp*);
  int (*variadic_output_homogeneity)(const CustomOp*);
  Status* (*create_kernel_v2)(const CustomOp*, const Table*, const KernelInfo*, void** kernel);
  Status* (*compute_v2)(void* kernel, KernelContext*);
  Status* (*infer_output_shape)(const CustomOp*, ShapeInferContext*);
  int (*start_version)(const CustomOp*);
  int (*end_version)(const CustomOp*);
};

}  // namespace inpaint::ort

#endif  // INPAINT_ORT_ABI_H_
