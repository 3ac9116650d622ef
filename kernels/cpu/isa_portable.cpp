#include <cstring>

#include "plane.h"

namespace inpaint {
namespace {
#include "half.h"
#include "rows.h"
#include "simd_portable.h"

using Vec = VecPortable<float>;
constexpr char kIsaName[] = "portable";
#include "kernels.inc"
}  // namespace

const Kernels* kernels_portable() { return &kKernels; }

}  // namespace inpaint
