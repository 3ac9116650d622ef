// The C interface: checks, then dispatch by storage type. Host code only.
#include "inpaint_scan_cuda.h"

#include <cuda_runtime_api.h>

#include <cstdint>
#include <string>

#include "launch.h"
#include "params.h"
#include "strategy.h"

namespace {

using inpaint::scan::BackwardParams;
using inpaint::scan::ForwardParams;
using inpaint::scan::Shape;
using inpaint::scan::ShapeError;
using inpaint::scan::Strategy;

thread_local char last_error[256] = "";

int runtime_status(cudaError_t error) {
  if (error == cudaSuccess) return INPAINT_SCAN_CUDA_OK;
  cudaGetLastError();  // it is reported here, so it should not turn up in the caller's next check
  const std::string text = std::string(cudaGetErrorName(error)) + ": " + cudaGetErrorString(error);
  last_error[text.copy(last_error, sizeof(last_error) - 1)] = '\0';
  return INPAINT_SCAN_CUDA_RUNTIME_ERROR;
}

std::int64_t size_of(std::int32_t dtype) { return dtype == INPAINT_SCAN_CUDA_FLOAT32 ? 4 : 2; }

Shape shape_of(const inpaint_scan_cuda_problem& p) { return Shape{p.n, p.c, p.h, p.w}; }

int check_problem(const inpaint_scan_cuda_problem* p) {
  if (p == nullptr) return INPAINT_SCAN_CUDA_NULL_POINTER;
  if (p->dtype < INPAINT_SCAN_CUDA_FLOAT32 || p->dtype > INPAINT_SCAN_CUDA_BFLOAT16) {
    return INPAINT_SCAN_CUDA_BAD_DTYPE;
  }
  if (p->parameter_dtype != p->dtype && p->parameter_dtype != INPAINT_SCAN_CUDA_FLOAT32) {
    return INPAINT_SCAN_CUDA_BAD_DTYPE;
  }
  if (p->strategy < INPAINT_SCAN_CUDA_AUTO || p->strategy > INPAINT_SCAN_CUDA_CHUNKED) {
    return INPAINT_SCAN_CUDA_BAD_STRATEGY;
  }
  // fp32 sums are as large as X, and lie in the workspace with the lines' sums: sizes are checked
  // as if every element had 4 bytes in each of the four maps and as much again.
  switch (inpaint::scan::check_shape(shape_of(*p), 16)) {
    case ShapeError::kNegative:
      return INPAINT_SCAN_CUDA_BAD_SHAPE;
    case ShapeError::kTooLarge:
      return INPAINT_SCAN_CUDA_TOO_LARGE;
    case ShapeError::kNone:
      break;
  }
  // Every grid has at most one block for 32 lines of each direction, or for one weight.
  const std::int64_t blocks = p->n * p->c * (p->h + p->w) / 16 + 4;
  if (blocks > INT32_MAX || p->c > INT32_MAX / 4) return INPAINT_SCAN_CUDA_TOO_LARGE;
  return INPAINT_SCAN_CUDA_OK;
}

bool misaligned(const void* pointer, std::int64_t size) {
  return reinterpret_cast<std::uintptr_t>(pointer) % static_cast<std::uintptr_t>(size) != 0;
}

// The fp32 sum of grad_x, which fp32 keeps in grad_x itself, and two sums for each line.
struct Workspace {
  std::size_t sum_bytes;
  std::size_t line_bytes;
};

Workspace workspace_of(const inpaint_scan_cuda_problem& p) {
  const std::int64_t planes = p.n * p.c;
  const std::int64_t sum = p.dtype == INPAINT_SCAN_CUDA_FLOAT32 ? 0 : planes * p.h * p.w;
  const std::int64_t lines = 2 * planes * (p.h + p.w);
  return Workspace{static_cast<std::size_t>(sum) * sizeof(float),
                   static_cast<std::size_t>(lines) * 2 * sizeof(float)};
}

// Puts a strategy in the place of kAuto. streaming_warps: what a streaming launch would have.
cudaError_t resolve(const Shape& shape, double streaming_warps, Strategy& strategy) {
  if (strategy != Strategy::kAuto) return cudaSuccess;
  int device = 0;
  int multiprocessors = 1;
  cudaError_t error = cudaGetDevice(&device);
  if (error == cudaSuccess) {
    error = cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device);
  }
  strategy = inpaint::scan::choose_strategy(shape, streaming_warps, multiprocessors);
  return error;
}

}  // namespace

extern "C" int inpaint_scan_cuda_forward(const inpaint_scan_cuda_problem* problem, const void* x,
                                         const void* weight, const void* bias, void* y,
                                         void* stream) {
  const int status = check_problem(problem);
  if (status != INPAINT_SCAN_CUDA_OK) return status;
  const Shape shape = shape_of(*problem);
  if (is_empty(shape)) return INPAINT_SCAN_CUDA_OK;
  if (x == nullptr || weight == nullptr || bias == nullptr || y == nullptr) {
    return INPAINT_SCAN_CUDA_NULL_POINTER;
  }
  const std::int64_t size = size_of(problem->dtype);
  const std::int64_t parameter_size = size_of(problem->parameter_dtype);
  if (misaligned(x, size) || misaligned(y, size) || misaligned(weight, parameter_size) ||
      misaligned(bias, parameter_size)) {
    return INPAINT_SCAN_CUDA_MISALIGNED;
  }

  Strategy strategy = static_cast<Strategy>(problem->strategy);
  const cudaError_t error = resolve(shape, inpaint::scan::streaming_warps(shape, size), strategy);
  if (error != cudaSuccess) return runtime_status(error);

  ForwardParams p = {};
  p.x = x;
  p.weight = weight;
  p.bias = bias;
  p.y = y;
  p.planes = shape.n * shape.c;
  p.channels = shape.c;
  p.height = static_cast<int>(shape.h);
  p.width = static_cast<int>(shape.w);
  p.parameters_are_float = problem->parameter_dtype == INPAINT_SCAN_CUDA_FLOAT32;
  const cudaStream_t on = static_cast<cudaStream_t>(stream);
  switch (problem->dtype) {
    case INPAINT_SCAN_CUDA_FLOAT16:
      return runtime_status(inpaint::scan::forward_fp16(p, strategy, on));
    case INPAINT_SCAN_CUDA_BFLOAT16:
      return runtime_status(inpaint::scan::forward_bf16(p, strategy, on));
    default:
      return runtime_status(inpaint::scan::forward_fp32(p, strategy, on));
  }
}

extern "C" int inpaint_scan_cuda_workspace(const inpaint_scan_cuda_problem* problem,
                                           size_t* bytes) {
  const int status = check_problem(problem);
  if (status != INPAINT_SCAN_CUDA_OK) return status;
  if (bytes == nullptr) return INPAINT_SCAN_CUDA_NULL_POINTER;
  const Workspace workspace = workspace_of(*problem);
  *bytes = is_empty(shape_of(*problem)) ? 0 : workspace.sum_bytes + workspace.line_bytes;
  return INPAINT_SCAN_CUDA_OK;
}

extern "C" int inpaint_scan_cuda_backward(const inpaint_scan_cuda_problem* problem, const void* y,
                                          const void* grad_y, const void* weight, void* grad_x,
                                          float* grad_weight, float* grad_bias, void* workspace,
                                          size_t workspace_bytes, void* stream) {
  const int status = check_problem(problem);
  if (status != INPAINT_SCAN_CUDA_OK) return status;
  const Shape shape = shape_of(*problem);
  const cudaStream_t on = static_cast<cudaStream_t>(stream);
  if (shape.c == 0) return INPAINT_SCAN_CUDA_OK;
  if (grad_weight == nullptr || grad_bias == nullptr) return INPAINT_SCAN_CUDA_NULL_POINTER;
  if (misaligned(grad_weight, 4) || misaligned(grad_bias, 4)) return INPAINT_SCAN_CUDA_MISALIGNED;
  if (is_empty(shape)) {
    const std::size_t bytes = static_cast<std::size_t>(shape.c) * 4 * sizeof(float);
    cudaError_t error = cudaMemsetAsync(grad_weight, 0, bytes, on);
    if (error == cudaSuccess) error = cudaMemsetAsync(grad_bias, 0, bytes, on);
    return runtime_status(error);
  }
  if (y == nullptr || grad_y == nullptr || weight == nullptr || grad_x == nullptr ||
      workspace == nullptr) {
    return INPAINT_SCAN_CUDA_NULL_POINTER;
  }
  const std::int64_t size = size_of(problem->dtype);
  if (misaligned(y, size) || misaligned(grad_y, size) || misaligned(grad_x, size) ||
      misaligned(weight, size_of(problem->parameter_dtype)) || misaligned(workspace, 4)) {
    return INPAINT_SCAN_CUDA_MISALIGNED;
  }
  const Workspace sizes = workspace_of(*problem);
  if (workspace_bytes < sizes.sum_bytes + sizes.line_bytes) {
    return INPAINT_SCAN_CUDA_SMALL_WORKSPACE;
  }

  Strategy strategy = static_cast<Strategy>(problem->strategy);
  const cudaError_t error =
      resolve(shape, inpaint::scan::streaming_backward_warps(shape, size), strategy);
  if (error != cudaSuccess) return runtime_status(error);

  BackwardParams p = {};
  p.y = y;
  p.grad_y = grad_y;
  p.weight = weight;
  p.grad_x = grad_x;
  p.grad_weight = grad_weight;
  p.grad_bias = grad_bias;
  p.line_sums = static_cast<float*>(workspace);
  p.sum = sizes.sum_bytes == 0 ? static_cast<float*>(grad_x)
                               : p.line_sums + sizes.line_bytes / sizeof(float);
  p.planes = shape.n * shape.c;
  p.channels = shape.c;
  p.height = static_cast<int>(shape.h);
  p.width = static_cast<int>(shape.w);
  p.parameters_are_float = problem->parameter_dtype == INPAINT_SCAN_CUDA_FLOAT32;
  switch (problem->dtype) {
    case INPAINT_SCAN_CUDA_FLOAT16:
      return runtime_status(inpaint::scan::backward_fp16(p, strategy, on));
    case INPAINT_SCAN_CUDA_BFLOAT16:
      return runtime_status(inpaint::scan::backward_bf16(p, strategy, on));
    default:
      return runtime_status(inpaint::scan::backward_fp32(p, strategy, on));
  }
}

extern "C" const char* inpaint_scan_cuda_status_text(int status) {
  switch (status) {
    case INPAINT_SCAN_CUDA_OK:
      return "ok";
    case INPAINT_SCAN_CUDA_NULL_POINTER:
      return "a pointer is null";
    case INPAINT_SCAN_CUDA_BAD_SHAPE:
      return "an extent of the shape is negative";
    case INPAINT_SCAN_CUDA_TOO_LARGE:
      return "the shape is too large: an index, a byte count or the grid would overflow";
    case INPAINT_SCAN_CUDA_BAD_DTYPE:
      return "dtype must be float32, float16 or bfloat16, and weight and bias must have X's dtype "
             "or float32";
    case INPAINT_SCAN_CUDA_BAD_STRATEGY:
      return "strategy must be auto, streaming or chunked";
    case INPAINT_SCAN_CUDA_MISALIGNED:
      return "a pointer is not aligned to its element's size";
    case INPAINT_SCAN_CUDA_SMALL_WORKSPACE:
      return "the workspace is smaller than inpaint_scan_cuda_workspace asks for";
    case INPAINT_SCAN_CUDA_RUNTIME_ERROR:
      return "a CUDA call failed; inpaint_scan_cuda_last_error has its words";
    default:
      return "unknown status";
  }
}

extern "C" const char* inpaint_scan_cuda_last_error(void) { return last_error; }
