// Compiled for AVX-512 F and BW on x86-64; elsewhere it holds nothing.
#include "plane.h"

#if defined(__AVX512F__) && defined(__AVX512BW__)

#include <immintrin.h>

#include <cstring>

namespace inpaint {
namespace {
#include "half.h"
#include "rows.h"
#include "simd_avx512.h"
#include "simd_portable.h"

using Vec = VecAvx512;
constexpr char kIsaName[] = "avx512";
#define INPAINT_WALKS_LANES  // right and left, in the backward pass
#include "kernels.inc"
}  // namespace

const Kernels* kernels_avx512() {
  const bool here = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
  return here ? &kKernels : nullptr;
}

}  // namespace inpaint

#else

namespace inpaint {
const Kernels* kernels_avx512() { return nullptr; }
}  // namespace inpaint

#endif
