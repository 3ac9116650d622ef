// One step of the recurrence, forward and backward.
//
//     h[0] = relu(x[0])
//     h[i] = relu(w * h[i-1] + (b + x[i]))        i > 0
//
// The sum is taken as w*h + (b + x), so that b + x stays off the chain of dependent instructions.
// It differs from (w*h + b) + x by rounding, and where b + x alone overflows.
//
// NaN goes through relu, as it does through torch.relu; +inf stays, -inf becomes 0.
#pragma once

#include "host_device.h"

namespace inpaint {
namespace scan {

INPAINT_HD float relu(float value) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  // One instruction that keeps NaN; fmaxf would drop it, a comparison and a select take two.
  float result;
  asm("max.NaN.f32 %0, %1, 0f00000000;" : "=f"(result) : "f"(value));
  return result;
#else
  return value <= 0.0f ? 0.0f : value;
#endif
}

// Where a line's scan stands. Its interface, begin and step, is that of ClampMap too, so that one
// walk over memory serves both.
struct LineState {
  float h;

  INPAINT_HD static LineState carried(float h) { return LineState{h}; }
  INPAINT_HD void begin(float x) { h = relu(x); }
  INPAINT_HD void step(float w, float bias_plus_x) { h = relu(w * h + bias_plus_x); }
};

// Where a line's backward scan stands. It visits the line from its last element to its first, with
// y[i] = h[i] as the forward pass wrote it and g[i] the gradient of y[i]:
//
//     s[i] = y[i] <= 0 ? 0 : w * s[i+1] + g[i]
//     grad_x[i] = s[i]
//     grad_w = sum over i > 0 of s[i] * y[i-1]
//     grad_b = sum over i > 0 of s[i]
//
// At y = NaN the gradient passes, as it does in torch's threshold_backward. s[i+1] is added to the
// sums when element i is visited, which is when y[i] is at hand; so s[0] is never added, as the
// definition has no weight or bias at the first element. Nor is there an s after the last element,
// so begin() adds nothing: 0 * y would be NaN where y is infinite.
//
// AffineMap has the same begin and step.
struct BackwardState {
  float s;
  float grad_weight;
  float grad_bias;

  INPAINT_HD static BackwardState carried(float s) { return BackwardState{s, 0.0f, 0.0f}; }
  INPAINT_HD void begin(float y, float grad_y) { s = y <= 0.0f ? 0.0f : grad_y; }
  INPAINT_HD void step(float w, float y, float grad_y) {
    grad_weight += s * y;
    grad_bias += s;
    s = y <= 0.0f ? 0.0f : w * s + grad_y;
  }
};

}  // namespace scan
}  // namespace inpaint
