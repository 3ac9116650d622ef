#include "launch.cuh"

namespace inpaint {
namespace scan {

cudaError_t forward_bf16(const ForwardParams& p, Strategy strategy, cudaStream_t stream) {
  return forward_of_type<BFloat16>(p, strategy, stream);
}

cudaError_t backward_bf16(const BackwardParams& p, Strategy strategy, cudaStream_t stream) {
  return backward_of_type<BFloat16>(p, strategy, stream);
}

}  // namespace scan
}  // namespace inpaint
