#include "check.h"

#include <cinttypes>
#include <cstdio>
#include <initializer_list>
#include <limits>

#include "plane.h"

namespace inpaint {
namespace {

thread_local char message[256] = "";

void check_present(const char* name, const inpaint_scan_tensor* tensor) {
  if (tensor == nullptr || tensor->shape == nullptr) {
    refuse(INPAINT_SCAN_ERROR_NULL, "%s: the tensor or its shape is a null pointer", name);
  }
}

void check_rank(const char* name, const inpaint_scan_tensor* tensor, int rank) {
  if (tensor->rank != rank) {
    refuse(INPAINT_SCAN_ERROR_SHAPE, "%s: has %d dimensions, needs %d", name, tensor->rank, rank);
  }
  for (int i = 0; i < rank; ++i) {
    if (tensor->shape[i] < 0) {
      refuse(INPAINT_SCAN_ERROR_SHAPE, "%s: dimension %d is %" PRId64 ", which is negative", name,
             i, tensor->shape[i]);
    }
  }
}

void check_data(const char* name, const inpaint_scan_tensor* tensor, bool empty) {
  if (tensor->data == nullptr && !empty) {
    refuse(INPAINT_SCAN_ERROR_NULL, "%s: data is a null pointer", name);
  }
}

void check_addressable(const char* name, const Sizes& sizes) {
  constexpr int64_t kMost =
      std::numeric_limits<ptrdiff_t>::max() / static_cast<int64_t>(kDirections * sizeof(double));
  int64_t left = kMost;
  for (const int64_t size : {sizes.n, sizes.c, sizes.h, sizes.w}) {
    // Zeros are skipped, so that no product of some of the sizes overflows either.
    if (size > left) {
      refuse(INPAINT_SCAN_ERROR_OVERFLOW,
             "%s: N %" PRId64 ", C %" PRId64 ", H %" PRId64 ", W %" PRId64
             " are more elements than can be addressed",
             name, sizes.n, sizes.c, sizes.h, sizes.w);
    }
    if (size > 0) left /= size;
  }
}

size_t bytes_of(const inpaint_scan_tensor* tensor) {
  size_t bytes = dtype_bytes(tensor->dtype);
  for (int i = 0; i < tensor->rank; ++i) bytes *= static_cast<size_t>(tensor->shape[i]);
  return bytes;
}

}  // namespace

void refuse(inpaint_scan_status status, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  throw Refused{status};
}

const char* last_error() { return message; }

void set_last_error(const char* text) { std::snprintf(message, sizeof message, "%s", text); }

size_t dtype_bytes(int32_t dtype) {
  switch (dtype) {
    case INPAINT_SCAN_FLOAT16:
    case INPAINT_SCAN_BFLOAT16:
      return 2;
    case INPAINT_SCAN_FLOAT32:
      return 4;
    case INPAINT_SCAN_FLOAT64:
      return 8;
    default:
      return 0;
  }
}

Sizes check_image(const char* name, const inpaint_scan_tensor* tensor, int groups) {
  check_present(name, tensor);
  if (dtype_bytes(tensor->dtype) == 0) {
    refuse(INPAINT_SCAN_ERROR_DTYPE,
           "%s: dtype %d is none of float32 (0), float16 (1), bfloat16 (2), float64 (3)", name,
           tensor->dtype);
  }
  check_rank(name, tensor, 4);
  const int64_t channels = tensor->shape[1];
  if (channels % groups != 0) {
    refuse(INPAINT_SCAN_ERROR_SHAPE, "%s: has %" PRId64 " channels, not a multiple of %d", name,
           channels, groups);
  }
  const Sizes sizes{tensor->shape[0], channels / groups, tensor->shape[2], tensor->shape[3]};
  check_addressable(name, sizes);
  check_data(name, tensor, sizes.empty());
  return sizes;
}

void check_like(const char* name, const inpaint_scan_tensor* tensor, int groups, const Sizes& sizes,
                int32_t dtype) {
  check_present(name, tensor);
  if (tensor->dtype != dtype) {
    refuse(INPAINT_SCAN_ERROR_DTYPE, "%s: has dtype %d, needs %d", name, tensor->dtype, dtype);
  }
  check_rank(name, tensor, 4);
  const int64_t needed[4] = {sizes.n, groups * sizes.c, sizes.h, sizes.w};
  for (int i = 0; i < 4; ++i) {
    if (tensor->shape[i] != needed[i]) {
      refuse(INPAINT_SCAN_ERROR_SHAPE, "%s: dimension %d is %" PRId64 ", needs %" PRId64, name, i,
             tensor->shape[i], needed[i]);
    }
  }
  check_data(name, tensor, sizes.empty());
}

void check_parameter(const char* name, const inpaint_scan_tensor* tensor, const Sizes& sizes,
                     int32_t dtype) {
  check_present(name, tensor);
  if (tensor->dtype != dtype && tensor->dtype != INPAINT_SCAN_FLOAT32) {
    refuse(INPAINT_SCAN_ERROR_DTYPE, "%s: has dtype %d, needs %d or float32 (0)", name,
           tensor->dtype, dtype);
  }
  check_rank(name, tensor, 2);
  if (tensor->shape[0] != kDirections || tensor->shape[1] != sizes.c) {
    refuse(INPAINT_SCAN_ERROR_SHAPE,
           "%s: has shape [%" PRId64 ", %" PRId64 "], needs [4, %" PRId64 "]", name,
           tensor->shape[0], tensor->shape[1], sizes.c);
  }
  check_data(name, tensor, sizes.c == 0);
}

void check_same_dtype(const char* name, const inpaint_scan_tensor* tensor, const char* like_name,
                      const inpaint_scan_tensor* like) {
  if (tensor->dtype != like->dtype) {
    refuse(INPAINT_SCAN_ERROR_DTYPE, "%s: has dtype %d, but %s has %d", name, tensor->dtype,
           like_name, like->dtype);
  }
}

void check_no_overlap(const char* name, const inpaint_scan_tensor* output, const char* other_name,
                      const inpaint_scan_tensor* other) {
  const uintptr_t a = reinterpret_cast<uintptr_t>(output->data);
  const uintptr_t b = reinterpret_cast<uintptr_t>(other->data);
  const size_t a_bytes = bytes_of(output);
  const size_t b_bytes = bytes_of(other);
  if (a_bytes > 0 && b_bytes > 0 && a < b + b_bytes && b < a + a_bytes) {
    refuse(INPAINT_SCAN_ERROR_OVERLAP, "%s: shares memory with %s", name, other_name);
  }
}

}  // namespace inpaint
