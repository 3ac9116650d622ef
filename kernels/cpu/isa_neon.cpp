// NEON is part of every aarch64; elsewhere this holds nothing.
#include "plane.h"

#if defined(__aarch64__)

#include <arm_neon.h>

#include <cstring>

namespace inpaint {
namespace {
#include "half.h"
#include "rows.h"
#include "simd_neon.h"
#include "simd_portable.h"

using Vec = VecNeon;
constexpr char kIsaName[] = "neon";
#include "kernels.inc"
}  // namespace

const Kernels* kernels_neon() { return &kKernels; }

}  // namespace inpaint

#else

namespace inpaint {
const Kernels* kernels_neon() { return nullptr; }
}  // namespace inpaint

#endif
