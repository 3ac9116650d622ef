// The per-type entry points that the interface dispatches to.
#pragma once

#include <cuda_runtime_api.h>

#include "params.h"
#include "strategy.h"

namespace inpaint {
namespace scan {

cudaError_t forward_fp32(const ForwardParams& p, Strategy strategy, cudaStream_t stream);
cudaError_t forward_fp16(const ForwardParams& p, Strategy strategy, cudaStream_t stream);
cudaError_t forward_bf16(const ForwardParams& p, Strategy strategy, cudaStream_t stream);

cudaError_t backward_fp32(const BackwardParams& p, Strategy strategy, cudaStream_t stream);
cudaError_t backward_fp16(const BackwardParams& p, Strategy strategy, cudaStream_t stream);
cudaError_t backward_bf16(const BackwardParams& p, Strategy strategy, cudaStream_t stream);

}  // namespace scan
}  // namespace inpaint
