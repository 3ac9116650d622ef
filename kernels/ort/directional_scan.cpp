#include "directional_scan.h"

#include <limits>

namespace inpaint::ort {
namespace {

constexpr int64_t kDirections = 4;
constexpr int64_t kMostChannels = std::numeric_limits<int64_t>::max() / kDirections;

Status* read_input(const Api& api, const KernelContext* context, size_t index, Tensor* tensor) {
  const Value* value = nullptr;
  if (Status* status = api.input(context, index, &value)) return status;
  if (value == nullptr) return api.create_status(kInvalidArgument, "DirectionalScan: no input");
  TensorInfo* info = nullptr;
  if (Status* status = api.info_of(value, &info)) return status;
  Status* status = api.rank(info, &tensor->rank);
  if (status == nullptr && tensor->rank > Tensor::kMaxRank) {
    status = api.create_status(kInvalidArgument, "DirectionalScan: too many dimensions");
  }
  if (status == nullptr) status = api.dimensions(info, tensor->shape, tensor->rank);
  api.release(info);
  if (status != nullptr) return status;
  // The kernel only reads it.
  return api.data(const_cast<Value*>(value), &tensor->data);
}

// A node has no state of its own: the operator that outlives it serves as its kernel.
Status* create_kernel(const CustomOp* op, const Table*, const KernelInfo*, void** kernel) {
  *kernel = const_cast<CustomOp*>(op);
  return nullptr;
}

void destroy_kernel(void*) {}

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
  // A size without number and name would be taken for the number -1 by what comes after.
  for (int axis = 0; axis < 4; ++axis) {
    if (sizes[axis] < 0 && (axis == 1 || names[axis][0] == '\0')) return nullptr;
  }
  if (sizes[1] > kMostChannels) return nullptr;
  // Not this operator's type: the runtime asks one operator for all that share the name.
  ElementType type = kUndefined;
  if (Status* status = api.type(x, &type)) return status;
  sizes[1] *= kDirections;
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

}  // namespace

Status* read_tensors(const Api& api, KernelContext* context, ScanTensors* tensors) {
  Tensor* const inputs[] = {&tensors->x, &tensors->weight, &tensors->bias};
  for (size_t i = 0; i < 3; ++i) {
    if (Status* status = read_input(api, context, i, inputs[i])) return status;
  }
  const Tensor& x = tensors->x;
  if (x.rank != 4) {
    return api.create_status(kInvalidArgument, "DirectionalScan: X needs 4 dimensions, N C H W");
  }
  if (x.shape[1] > kMostChannels) {  // an empty tensor may say so
    return api.create_status(kInvalidArgument, "DirectionalScan: X has too many channels");
  }
  tensors->y = {{x.shape[0], kDirections * x.shape[1], x.shape[2], x.shape[3]}, 4, nullptr};
  Value* output = nullptr;
  if (Status* status = api.output(context, 0, tensors->y.shape, 4, &output)) return status;
  return api.data(output, &tensors->y.data);
}

ScanOp make_op(Api api, Types types, const char* provider, Compute compute) {
  CustomOp op = {};
  op.version = kApiVersion;
  op.name = [](const CustomOp*) { return "DirectionalScan"; };
  op.execution_provider = [](const CustomOp* self) {
    return reinterpret_cast<const ScanOp*>(self)->provider;
  };
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
  return {op, types, api, provider};
}

}  // namespace inpaint::ort
