// Weights and biases, which are few: read into double, whatever their type, and written back.
#ifndef INPAINT_CPU_PARAMETERS_H_
#define INPAINT_CPU_PARAMETERS_H_

#include <vector>

#include "inpaint_scan.h"

namespace inpaint {

// [4, C], row after row.
std::vector<double> read_parameter(const inpaint_scan_tensor* tensor);
void write_parameter(const std::vector<double>& values, const inpaint_scan_tensor* tensor);

}  // namespace inpaint

#endif  // INPAINT_CPU_PARAMETERS_H_
