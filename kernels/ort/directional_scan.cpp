#include "directional_scan.h"

#include <cstdio>

#include "inpaint_scan.h"

namespace inpaint::ort {
namespace {

constexpr int64_t kDirections = 4;

// --- running -------------------------------------------------------------------------------------

struct Pool {
  const Api& api;
  const KernelContext* context;
};

void run_on_pool(void* pool_data, inpaint_scan_task task, size_t count, void* task_data) {
  const Pool& pool = *static_cast<const Pool*>(pool_data);
  if (Status* status = pool.api.parallel_for(pool.context, task, count, 0, task_data)) {
    pool.api.release(status);
    for (size_t i = 0; i < count; ++i) task(task_data, i);
  }
}

// A tensor's shape, of at most kMaxRank dimensions, and data.
struct Tensor {
  static constexpr size_t kMaxRank = 8;

  int64_t shape[kMaxRank];
  inpaint_scan_tensor view;
};

Status* read_tensor(const Api& api, const KernelContext* context, size_t index, int32_t dtype,
                    Tensor* tensor) {
  const Value* value = nullptr;
  if (Status* status = api.input(context, index, &value)) return status;
  if (value == nullptr) return api.create_status(kInvalidArgument, "DirectionalScan: no input");
  TensorInfo* info = nullptr;
  if (Status* status = api.info_of(value, &info)) return status;
  size_t rank = 0;
  Status* status = api.rank(info, &rank);
  if (status == nullptr && rank > Tensor::kMaxRank) {
    status = api.create_status(kInvalidArgument, "DirectionalScan: too many dimensions");
  }
  if (status == nullptr) status = api.dimensions(info, tensor->shape, rank);
  api.release(info);
  if (status != nullptr) return status;
  void* data = nullptr;
  // The kernel only reads it.
  if (Status* failed = api.data(const_cast<Value*>(value), &data)) return failed;
  tensor->view = {data, tensor->shape, static_cast<int32_t>(rank), dtype};
  return nullptr;
}

Status* compute(void* kernel_data, KernelContext* context) {
  const ScanOp& op = *static_cast<const ScanOp*>(kernel_data);
  const Api& api = op.api;
  Tensor x, weight, bias;
  if (Status* s = read_tensor(api, context, 0, op.types.image_dtype, &x)) return s;
  if (Status* s = read_tensor(api, context, 1, op.types.parameter_dtype, &weight)) return s;
  if (Status* s = read_tensor(api, context, 2, op.types.parameter_dtype, &bias)) return s;
  if (x.view.rank != 4) {
    return api.create_status(kInvalidArgument, "DirectionalScan: X needs 4 dimensions, N C H W");
  }
  const int64_t shape[4] = {x.shape[0], kDirections * x.shape[1], x.shape[2], x.shape[3]};
  Value* output = nullptr;
  if (Status* status = api.output(context, 0, shape, 4, &output)) return status;
  void* data = nullptr;
  if (Status* status = api.data(output, &data)) return status;

  const inpaint_scan_tensor out = {data, shape, 4, op.types.image_dtype};
  Pool pool = {api, context};
  inpaint_scan_options options = {};
  options.parallel_for = run_on_pool;
  options.pool = &pool;
  if (inpaint_scan_forward(&x.view, &weight.view, &bias.view, &out, &options) != INPAINT_SCAN_OK) {
    char message[300];
    std::snprintf(message, sizeof message, "DirectionalScan: %s", inpaint_scan_last_error());
    return api.create_status(kInvalidArgument, message);
  }
  return nullptr;
}

// A node has no state of its own: the operator that outlives it serves as its kernel.
Status* create_kernel(const CustomOp* op, const Table*, const KernelInfo*, void** kernel) {
  *kernel = const_cast<CustomOp*>(op);
  return nullptr;
}

void destroy_kernel(void*) {}

// --- what the runtime asks about the operator
// ------------------------------------------------------

ElementType input_type(const CustomOp* op, size_t index) {
  const Types& types = reinterpret_cast<const ScanOp*>(op)->types;
  return index == 0 ? types.image : types.parameters;
}

ElementType output_type(const CustomOp* op, size_t) {
  return reinterpret_cast<const ScanOp*>(op)->types.image;
}

// Called while a model loads. Sizes that are not known yet are -1, and may have names.
Status* infer_output_shape(const CustomOp* op, ShapeInferContext* context) {
  const Api& api = reinterpret_cast<const ScanOp*>(op)->api;
  TensorInfo* x = nullptr;
  if (Status* status = api.inferred_input(context, 0, &x)) return status;
  size_t rank = 0;
  if (Status* status = api.rank(x, &rank)) return status;
  if (rank == 0) return nullptr;  // nothing is known of the shape
  if (rank != 4) {
    return api.create_status(kInvalidArgument, "DirectionalScan: X needs 4 dimensions, N C H W");
  }
  int64_t sizes[4];
  const char* names[4];
  if (Status* status = api.dimensions(x, sizes, 4)) return status;
  if (Status* status = api.symbols(x, names, 4)) return status;
  // Not this operator's type: the runtime asks one operator for all that share the name.
  ElementType type = kUndefined;
  if (Status* status = api.type(x, &type)) return status;
  if (sizes[1] > 0) sizes[1] *= kDirections;
  names[1] = "";
  TensorInfo* out = nullptr;
  if (Status* status = api.create_info(&out)) return status;
  Status* status = api.set_type(out, type);
  if (status == nullptr) status = api.set_dimensions(out, sizes, 4);
  if (status == nullptr) status = api.set_symbols(out, names, 4);
  if (status == nullptr) status = api.infer_output(context, 0, out);
  api.release(out);
  return status;
}

ScanOp make_op(Api api, Types types) {
  CustomOp op = {};
  op.version = kApiVersion;
  op.name = [](const CustomOp*) { return "DirectionalScan"; };
  op.execution_provider = [](const CustomOp*) -> const char* { return "CPUExecutionProvider"; };
  op.input_type = input_type;
  op.input_count = [](const CustomOp*) -> size_t { return 3; };
  op.output_type = output_type;
  op.output_count = [](const CustomOp*) -> size_t { return 1; };
  op.destroy = destroy_kernel;
  op.input_characteristic = [](const CustomOp*, size_t) -> int32_t { return 0; };
  op.output_characteristic = [](const CustomOp*, size_t) -> int32_t { return 0; };
  op.input_memory_type = [](const CustomOp*, size_t) -> int32_t { return 0; };
  op.variadic_input_min_arity = [](const CustomOp*) { return 0; };
  op.variadic_input_homogeneity = [](const CustomOp*) { return 0; };
  op.variadic_output_min_arity = [](const CustomOp*) { return 0; };
  op.variadic_output_homogeneity = [](const CustomOp*) { return 0; };
  op.create_kernel_v2 = create_kernel;
  op.compute_v2 = compute;
  op.infer_output_shape = infer_output_shape;
  op.start_version = [](const CustomOp*) { return 1; };
  op.end_version = [](const CustomOp*) { return 1; };
  return {op, types, api};
}

}  // namespace

std::vector<ScanOp> directional_scans(Api api) {
  return {
      make_op(api, {kFloat, kFloat, INPAINT_SCAN_FLOAT32, INPAINT_SCAN_FLOAT32}),
      make_op(api, {kFloat16, kFloat16, INPAINT_SCAN_FLOAT16, INPAINT_SCAN_FLOAT16}),
      make_op(api, {kFloat16, kFloat, INPAINT_SCAN_FLOAT16, INPAINT_SCAN_FLOAT32}),
      make_op(api, {kBfloat16, kBfloat16, INPAINT_SCAN_BFLOAT16, INPAINT_SCAN_BFLOAT16}),
      make_op(api, {kBfloat16, kFloat, INPAINT_SCAN_BFLOAT16, INPAINT_SCAN_FLOAT32}),
      make_op(api, {kDouble, kDouble, INPAINT_SCAN_FLOAT64, INPAINT_SCAN_FLOAT64}),
  };
}

}  // namespace inpaint::ort
