#include "parameters.h"

#include <cstdint>
#include <cstring>

namespace inpaint {
namespace {
#include "half.h"
}  // namespace

std::vector<double> read_parameter(const inpaint_scan_tensor* tensor) {
  std::vector<double> values(static_cast<size_t>(tensor->shape[0] * tensor->shape[1]));
  for (size_t i = 0; i < values.size(); ++i) {
    switch (tensor->dtype) {
      case INPAINT_SCAN_FLOAT16:
        values[i] = widen(static_cast<const Half*>(tensor->data)[i]);
        break;
      case INPAINT_SCAN_BFLOAT16:
        values[i] = widen(static_cast<const Bfloat*>(tensor->data)[i]);
        break;
      case INPAINT_SCAN_FLOAT64:
        values[i] = static_cast<const double*>(tensor->data)[i];
        break;
      default:
        values[i] = static_cast<const float*>(tensor->data)[i];
    }
  }
  return values;
}

void write_parameter(const std::vector<double>& values, const inpaint_scan_tensor* tensor) {
  for (size_t i = 0; i < values.size(); ++i) {
    const float rounded = static_cast<float>(values[i]);
    switch (tensor->dtype) {
      case INPAINT_SCAN_FLOAT16:
        narrow(rounded, static_cast<Half*>(tensor->data) + i);
        break;
      case INPAINT_SCAN_BFLOAT16:
        narrow(rounded, static_cast<Bfloat*>(tensor->data) + i);
        break;
      case INPAINT_SCAN_FLOAT64:
        static_cast<double*>(tensor->data)[i] = values[i];
        break;
      default:
        static_cast<float*>(tensor->data)[i] = rounded;
    }
  }
}

}  // namespace inpaint
