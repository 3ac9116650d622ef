// What the C interface refuses, and how it says so.
#ifndef INPAINT_CPU_CHECK_H_
#define INPAINT_CPU_CHECK_H_

#include <cstdarg>
#include <cstddef>
#include <cstdint>

#include "inpaint_scan.h"

namespace inpaint {

// A refusal on its way to the C interface, which returns `status`.
struct Refused {
  inpaint_scan_status status;
};

// Records a message for inpaint_scan_last_error and throws Refused.
[[noreturn]] void refuse(inpaint_scan_status status, const char* format, ...)
    __attribute__((format(printf, 2, 3)));

const char* last_error();
void set_last_error(const char* message);

// Sizes that have been checked: any product of them, times 4 directions, times the size of a
// double, can be addressed.
struct Sizes {
  int64_t n, c, h, w;
  int64_t planes() const { return n * c; }
  int64_t plane() const { return h * w; }
  bool empty() const { return n == 0 || c == 0 || h == 0 || w == 0; }
};

size_t dtype_bytes(int32_t dtype);

// The sizes in a tensor [N, groups * C, H, W] of any dtype that the scan supports.
Sizes check_image(const char* name, const inpaint_scan_tensor* tensor, int groups);

// That a tensor has the dtype and the shape [N, groups * C, H, W].
void check_like(const char* name, const inpaint_scan_tensor* tensor, int groups, const Sizes& sizes,
                int32_t dtype);

// That a tensor is [4, C] of `dtype` or fp32.
void check_parameter(const char* name, const inpaint_scan_tensor* tensor, const Sizes& sizes,
                     int32_t dtype);

void check_same_dtype(const char* name, const inpaint_scan_tensor* tensor, const char* like_name,
                      const inpaint_scan_tensor* like);

void check_no_overlap(const char* name, const inpaint_scan_tensor* output, const char* other_name,
                      const inpaint_scan_tensor* other);

}  // namespace inpaint

#endif  // INPAINT_CPU_CHECK_H_
