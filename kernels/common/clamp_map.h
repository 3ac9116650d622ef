// The composition of steps. A step h -> max(0, w*h + c), and any run of steps, is a map
//
//     h -> clamp(a*h + b, lo, hi)
//
// so a chunk of a line is summarised by four numbers before the state that enters it is known, and
// chunks can be summarised in parallel. lo and hi are the least and the greatest value that the run
// can end on when a finite state h >= 0 enters it; every state is such, being the result of a relu.
//
// Where the map can be trusted. In exact arithmetic, always. In fp32 a = w^n overflows when |w| > 1
// and n is large, and then a*h + b is inf - inf or 0 * inf although the run itself ends on a finite
// value. Infinity and NaN in x, w or b behave as the definition says only when the steps are taken
// one by one: 0 * inf is NaN at the step where it happens, and w < 0 turns +inf into 0 at the next.
// All of these leave a*h + b infinite or NaN: a and b, once they are not finite, stay so, whatever
// is composed onto them. So apply() computes a*h + b first and refuses if it is not finite, and
// carry_through() then walks the chunk instead. The walk is exact, so a chunked scan is never
// less defined than a sequential one; it is slower for the lines that need it, which are those with
// |w|^n above 3e38 (|w| > 4 for chunks of 64) and those where an infinity travels.
//
// Precision. The unclamped part is computed from the chunk's start, so its rounding error is that
// of a state entering the chunk, amplified by |a|: what a sequential scan also has to first order.
// An a below 1e-38 loses digits and then vanishes; what is lost is under 1e-45 * h.
#pragma once

#include <cfloat>

#include "carry.h"
#include "host_device.h"
#include "step.h"

namespace inpaint {
namespace scan {

INPAINT_HD float lesser(float x, float y) {
#if defined(__CUDA_ARCH__)
  return fminf(x, y);
#else
  return x < y ? x : y;
#endif
}

INPAINT_HD float greater(float x, float y) {
#if defined(__CUDA_ARCH__)
  return fmaxf(x, y);
#else
  return x > y ? x : y;
#endif
}

struct alignas(16) ClampMap {
  float a;
  float b;
  float lo;
  float hi;

  // The run of no steps. FLT_MAX rather than infinity, which w = 0 would turn into NaN.
  INPAINT_HD static ClampMap identity() { return ClampMap{1.0f, 0.0f, 0.0f, FLT_MAX}; }

  // The line's first element: whatever came before, the state is relu(x).
  INPAINT_HD void begin(float x) {
    const float h = relu(x);
    a = 0.0f;
    b = h;
    lo = h;
    hi = h;
  }

  // Appends the step h -> relu(w*h + c). A negative w turns the interval around.
  INPAINT_HD void step(float w, float c) {
    a *= w;
    b = w * b + c;
    const float from_lo = w * lo + c;
    const float from_hi = w * hi + c;
    lo = greater(lesser(from_lo, from_hi), 0.0f);
    hi = greater(greater(from_lo, from_hi), 0.0f);
  }

  // False, and no result, where the numbers do not say what the steps would give.
  INPAINT_HD bool apply(float h, float& result) const {
    const float value = a * h + b;
    // NaN never leaves a line, so the steps need not be taken to know what they give.
    result = h != h ? h : lesser(greater(value, lo), hi);
    return h != h || is_finite(value);
  }
};

}  // namespace scan
}  // namespace inpaint
