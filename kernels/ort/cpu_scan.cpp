// DirectionalScan on ONNX Runtime's CPU execution provider.
#include <cstdio>

#include "directional_scan.h"
#include "inpaint_scan.h"

namespace inpaint::ort {
namespace {

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

Status* compute(void* kernel, KernelContext* context) {
  const ScanOp& op = *static_cast<const ScanOp*>(kernel);
  ScanTensors tensors;
  if (Status* status = read_tensors(op.api, context, &tensors)) return status;
  const auto view = [](const Tensor& tensor, int32_t dtype) {
    return inpaint_scan_tensor{tensor.data, tensor.shape, static_cast<int32_t>(tensor.rank), dtype};
  };
  const inpaint_scan_tensor x = view(tensors.x, op.types.image_dtype);
  const inpaint_scan_tensor weight = view(tensors.weight, op.types.parameter_dtype);
  const inpaint_scan_tensor bias = view(tensors.bias, op.types.parameter_dtype);
  const inpaint_scan_tensor y = view(tensors.y, op.types.image_dtype);
  Pool pool = {op.api, context};
  inpaint_scan_options options = {};
  options.parallel_for = run_on_pool;
  options.pool = &pool;
  if (inpaint_scan_forward(&x, &weight, &bias, &y, &options) != INPAINT_SCAN_OK) {
    char message[300];
    std::snprintf(message, sizeof message, "DirectionalScan: %s", inpaint_scan_last_error());
    return op.api.create_status(kInvalidArgument, message);
  }
  return nullptr;
}

}  // namespace

std::vector<ScanOp> cpu_scans(Api api) {
  const auto op = [&](Types types) { return make_op(api, types, "CPUExecutionProvider", compute); };
  return {
      op({kFloat, kFloat, INPAINT_SCAN_FLOAT32, INPAINT_SCAN_FLOAT32}),
      op({kFloat16, kFloat16, INPAINT_SCAN_FLOAT16, INPAINT_SCAN_FLOAT16}),
      op({kFloat16, kFloat, INPAINT_SCAN_FLOAT16, INPAINT_SCAN_FLOAT32}),
      op({kBfloat16, kBfloat16, INPAINT_SCAN_BFLOAT16, INPAINT_SCAN_BFLOAT16}),
      op({kBfloat16, kFloat, INPAINT_SCAN_BFLOAT16, INPAINT_SCAN_FLOAT32}),
      op({kDouble, kDouble, INPAINT_SCAN_FLOAT64, INPAINT_SCAN_FLOAT64}),
  };
}

}  // namespace inpaint::ort
