#include "launch.cuh"

namespace inpaint {
namespace scan {

cudaError_t forward_fp16(const ForwardParams& p, Strategy strategy, cudaStream_t stream) {
  return forward_of_type<Half>(p, strategy, stream);
}

cudaError_t backward_fp16(const BackwardParams& p, Strategy strategy, cudaStream_t stream) {
  return backward_of_type<Half>(p, strategy, stream);
}

}  // namespace scan
}  // namespace inpaint
