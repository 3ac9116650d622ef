// Compiled for AVX2, FMA and F16C on x86-64; elsewhere it holds nothing.
#include "plane.h"

#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)

#include <immintrin.h>

#include <cstring>

namespace inpaint {
namespace {
#include "half.h"
#include "rows.h"
#include "simd_avx2.h"
#include "simd_portable.h"

using Vec = VecAvx2;
constexpr char kIsaName[] = "avx2";
#include "kernels.inc"
}  // namespace

const Kernels* kernels_avx2() {
  // Every processor with AVX2 has F16C; older compilers cannot ask for it.
  const bool here = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return here ? &kKernels : nullptr;
}

}  // namespace inpaint

#else

namespace inpaint {
const Kernels* kernels_avx2() { return nullptr; }
}  // namespace inpaint

#endif
