// Where things lie. X is [N, C, H, W], the output [N, 4C, H, W] with the directions up, right,
// down, left on the channel axis, weight and bias are [4, C]; all contiguous. A plane is one [H, W]
// slice of X, numbered n*C + c.
#pragma once

#include <cstdint>

#include "host_device.h"

namespace inpaint {
namespace scan {

enum Direction : int { kUp = 0, kRight = 1, kDown = 2, kLeft = 3 };
constexpr int kDirections = 4;

struct Shape {
  std::int64_t n;
  std::int64_t c;
  std::int64_t h;
  std::int64_t w;
};

// The output's plane for direction d of X's plane, as a plane number. Image n's planes begin at
// 4*n*C in the output and at n*C in X, and direction d is C planes further.
INPAINT_HD std::int64_t output_plane(std::int64_t plane, std::int64_t channels, int direction) {
  const std::int64_t image = plane / channels;
  return plane + (3 * image + direction) * channels;
}

INPAINT_HD std::int64_t parameter_index(std::int64_t plane, std::int64_t channels, int direction) {
  return direction * channels + plane % channels;
}

// product = x * y for x, y >= 0; false, and product untouched, if it does not fit.
inline bool checked_multiply(std::int64_t x, std::int64_t y, std::int64_t& product) {
  if (x != 0 && y > INT64_MAX / x) return false;
  product = x * y;
  return true;
}

enum class ShapeError {
  kNone,
  kNegative,  // an extent below 0
  kTooLarge,  // an extent or a byte count that the index arithmetic cannot hold
};

// Accepts the shapes, empty ones included, for which no index or byte offset of any tensor here
// overflows. H and W must fit 31 bits with room for one tile past the end, since the kernels count
// rows and columns in int.
inline ShapeError check_shape(const Shape& shape, std::int64_t element_size) {
  const std::int64_t extents[] = {shape.n, shape.c, shape.h, shape.w};
  for (std::int64_t extent : extents) {
    if (extent < 0) return ShapeError::kNegative;
  }
  constexpr std::int64_t kLongest = INT32_MAX - 65536;
  if (shape.h > kLongest || shape.w > kLongest) return ShapeError::kTooLarge;
  std::int64_t bytes = kDirections * element_size;
  for (std::int64_t extent : extents) {
    // Zero extents are left out of the product, so that {huge, huge, 0, 1} is refused as well:
    // parts of the product are used as strides.
    if (extent != 0 && !checked_multiply(bytes, extent, bytes)) return ShapeError::kTooLarge;
  }
  return ShapeError::kNone;
}

inline bool is_empty(const Shape& shape) {
  return shape.n == 0 || shape.c == 0 || shape.h == 0 || shape.w == 0;
}

}  // namespace scan
}  // namespace inpaint
