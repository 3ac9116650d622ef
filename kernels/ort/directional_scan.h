// The operator inpaint_sdk::DirectionalScan for ONNX Runtime, on the CPU.
#ifndef INPAINT_ORT_DIRECTIONAL_SCAN_H_
#define INPAINT_ORT_DIRECTIONAL_SCAN_H_

#include <vector>

#include "ort_abi.h"

namespace inpaint::ort {

struct Types {
  ElementType image;       // X and the output
  ElementType parameters;  // weight and bias
  int32_t image_dtype;     // inpaint_scan_dtype
  int32_t parameter_dtype;
};

// A CustomOp that knows more than the runtime does, which hands back the pointer it was given.
struct ScanOp {
  CustomOp base;
  Types types;
  Api api;
};

// One operator for each combination of types that DirectionalScan takes.
std::vector<ScanOp> directional_scans(Api api);

}  // namespace inpaint::ort

#endif  // INPAINT_ORT_DIRECTIONAL_SCAN_H_
