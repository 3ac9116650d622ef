#include "launch.cuh"

namespace inpaint {
namespace scan {

cudaError_t forward_fp32(const ForwardParams& p, Strategy strategy, cudaStream_t stream) {
  return forward_of_type<float>(p, strategy, stream);
}

cudaError_t backward_fp32(const BackwardParams& p, Strategy strategy, cudaStream_t stream) {
  return backward_of_type<float>(p, strategy, stream);
}

}  // namespace scan
}  // namespace inpaint
