// DirectionalScan on ONNX Runtime's CUDA execution provider, which has made its device current, put
// the tensors into its memory, and gives the stream that orders the nodes.
#include <cstdio>

#include "../cuda/inpaint_scan_cuda.h"
#include "directional_scan.h"

namespace inpaint::ort {
namespace {

Status* check_parameter(const Api& api, const char* name, const Tensor& tensor, int64_t channels) {
  if (tensor.rank == 2 && tensor.shape[0] == 4 && tensor.shape[1] == channels) return nullptr;
  char shape[64] = "";
  int used = 0;
  for (size_t i = 0; i < tensor.rank && used < 40; ++i) {
    used += std::snprintf(shape + used, sizeof shape - used, "%s%lld", i == 0 ? "" : ", ",
                          static_cast<long long>(tensor.shape[i]));
  }
  char message[160];
  std::snprintf(message, sizeof message, "DirectionalScan: %s: has shape [%s], needs [4, %lld]",
                name, shape, static_cast<long long>(channels));
  return api.create_status(kInvalidArgument, message);
}

Status* compute(void* kernel, KernelContext* context) {
  const ScanOp& op = *static_cast<const ScanOp*>(kernel);
  const Api& api = op.api;
  ScanTensors tensors;
  if (Status* status = read_tensors(api, context, &tensors)) return status;
  const int64_t* shape = tensors.x.shape;
  if (Status* s = check_parameter(api, "weight", tensors.weight, shape[1])) return s;
  if (Status* s = check_parameter(api, "bias", tensors.bias, shape[1])) return s;

  void* stream = nullptr;
  if (Status* status = api.gpu_stream(context, &stream)) return status;
  const inpaint_scan_cuda_problem problem = {
      shape[0],
      shape[1],
      shape[2],
      shape[3],
      op.types.image_dtype,
      op.types.parameter_dtype,
      INPAINT_SCAN_CUDA_AUTO,
  };
  const int result = inpaint_scan_cuda_forward(&problem, tensors.x.data, tensors.weight.data,
                                               tensors.bias.data, tensors.y.data, stream);
  if (result == INPAINT_SCAN_CUDA_OK) return nullptr;
  char message[400];
  const bool by_cuda = result == INPAINT_SCAN_CUDA_RUNTIME_ERROR;
  std::snprintf(message, sizeof message, "DirectionalScan: %s%s%s",
                inpaint_scan_cuda_status_text(result), by_cuda ? ": " : "",
                by_cuda ? inpaint_scan_cuda_last_error() : "");
  return api.create_status(by_cuda ? kFail : kInvalidArgument, message);
}

}  // namespace

std::vector<ScanOp> cuda_scans(Api api) {
  const auto op = [&](Types types) {
    return make_op(api, types, "CUDAExecutionProvider", compute);
  };
  constexpr int32_t kF = INPAINT_SCAN_CUDA_FLOAT32;
  constexpr int32_t kH = INPAINT_SCAN_CUDA_FLOAT16;
  constexpr int32_t kB = INPAINT_SCAN_CUDA_BFLOAT16;
  return {
      op({kFloat, kFloat, kF, kF}),    op({kFloat16, kFloat16, kH, kH}),
      op({kFloat16, kFloat, kH, kF}),  op({kBfloat16, kBfloat16, kB, kB}),
      op({kBfloat16, kFloat, kB, kF}),
  };
}

}  // namespace inpaint::ort
