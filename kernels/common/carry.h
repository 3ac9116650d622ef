// Carrying a scan's state through a chunk that has been summarised.
#pragma once

#include <cfloat>

#include "host_device.h"

namespace inpaint {
namespace scan {

INPAINT_HD bool is_finite(float value) {
  return value >= -FLT_MAX && value <= FLT_MAX;  // false for NaN
}

// The state after a chunk, given its summary and the state that enters it. Summary::apply(state,
// result) says whether the summary tells; walk(state) must take the chunk's steps one by one and
// return the state after the last.
template <class Summary, class Walk>
INPAINT_HD float carry_through(const Summary& chunk, float state, Walk&& walk) {
  float result;
  return chunk.apply(state, result) ? result : walk(state);
}

}  // namespace scan
}  // namespace inpaint
