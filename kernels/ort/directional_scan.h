// The operator inpaint_sdk::DirectionalScan for ONNX Runtime: what its kernels for each execution
// provider share.
#ifndef INPAINT_ORT_DIRECTIONAL_SCAN_H_
#define INPAINT_ORT_DIRECTIONAL_SCAN_H_

#include <vector>

#include "ort_abi.h"

namespace inpaint::ort {

struct Types {
  ElementType image;       // X and the output
  ElementType parameters;  // weight and bias
  int32_t image_dtype;     // the kernel's codes for them
  int32_t parameter_dtype;
};

// A CustomOp that knows more than the runtime does, which hands back the pointer it was given.
struct ScanOp {
  CustomOp base;
  Types types;
  Api api;
  const char* provider;
};

// A tensor's shape and data. Which memory the data lies in is up to the execution provider.
struct Tensor {
  static constexpr size_t kMaxRank = 8;

  int64_t shape[kMaxRank];
  size_t rank;
  void* data;
};

// A node's tensors: X, weight and bias as they came in, and the output, made for X's shape.
struct ScanTensors {
  Tensor x, weight, bias, y;
};

// Fills `tensors`. Refuses an X that has not 4 dimensions; weight and bias are not looked at.
Status* read_tensors(const Api& api, KernelContext* context, ScanTensors* tensors);

using Compute = Status* (*)(void* kernel, KernelContext* context);

// The operator for one combination of types on one execution provider, whose name must outlive it.
// `kernel`, as compute gets it, is the ScanOp.
ScanOp make_op(Api api, Types types, const char* provider, Compute compute);

// One operator for each combination of types that an execution provider's kernel takes.
std::vector<ScanOp> cpu_scans(Api api);
std::vector<ScanOp> cuda_scans(Api api);

}  // namespace inpaint::ort

#endif  // INPAINT_ORT_DIRECTIONAL_SCAN_H_
