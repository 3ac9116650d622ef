// The composition of backward steps. A step s -> (y <= 0 ? 0 : w*s + g) is affine in s, and so is
// any run of them: s -> a*s + b. So a chunk of a line is summarised by two numbers before the
// gradient that enters it is known, and chunks can be summarised in parallel, as ClampMap does for
// the forward pass.
//
// Where the map can be trusted: wherever a*s + b is finite. In fp32 a = w^n overflows when |w| > 1
// and n is large, and an infinity or NaN in g, w or s makes a, b or the result one; a step that the
// relu cut sets both to 0, which is exact whatever came before. So apply() refuses what is not
// finite, and carry_through() walks the chunk instead.
#pragma once

#include "carry.h"
#include "host_device.h"

namespace inpaint {
namespace scan {

struct alignas(8) AffineMap {
  float a;
  float b;

  INPAINT_HD static AffineMap identity() { return AffineMap{1.0f, 0.0f}; }

  // The line's last element: no gradient comes to it from the line.
  INPAINT_HD void begin(float y, float grad_y) {
    a = 0.0f;
    b = y <= 0.0f ? 0.0f : grad_y;
  }

  // Appends the step of an element whose forward value is y and whose gradient is grad_y.
  INPAINT_HD void step(float w, float y, float grad_y) {
    a = y <= 0.0f ? 0.0f : w * a;
    b = y <= 0.0f ? 0.0f : w * b + grad_y;
  }

  // False, and no result, where the numbers do not say what the steps would give.
  INPAINT_HD bool apply(float s, float& result) const {
    result = a * s + b;
    return is_finite(result);
  }
};

}  // namespace scan
}  // namespace inpaint
