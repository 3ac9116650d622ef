// The last launch of the backward pass: adds up the lines' weight and bias gradients.
#pragma once

#include "gradient_lines.cuh"

namespace inpaint {
namespace scan {

constexpr int kSumThreads = 128;
constexpr int kSumShared = 2 * kSumThreads * static_cast<int>(sizeof(double));

// One block for each of the 4*C weights: each thread adds a fixed share of the lines, then the
// threads are added pairwise. In double, since lines can be many.
static __global__ void __launch_bounds__(kSumThreads) sum_lines(const BackwardParams p) {
  extern __shared__ __align__(16) unsigned char scan_shared[];
  double* weight_sums = reinterpret_cast<double*>(scan_shared);
  double* bias_sums = weight_sums + kSumThreads;
  const int direction = static_cast<int>(blockIdx.x / p.channels);
  const std::int64_t channel = blockIdx.x % p.channels;
  const std::int64_t lines = direction % 2 == 0 ? p.width : p.height;
  const float* sums = p.line_sums + 2 * line_sums_begin(p, direction);
  double weight_sum = 0.0;
  double bias_sum = 0.0;
  for (std::int64_t plane = channel; plane < p.planes; plane += p.channels) {
    for (std::int64_t i = threadIdx.x; i < lines; i += kSumThreads) {
      weight_sum += sums[2 * (plane * lines + i)];
      bias_sum += sums[2 * (plane * lines + i) + 1];
    }
  }
  weight_sums[threadIdx.x] = weight_sum;
  bias_sums[threadIdx.x] = bias_sum;
  for (unsigned width = kSumThreads / 2; width > 0; width /= 2) {
    __syncthreads();
    if (threadIdx.x < width) {
      weight_sums[threadIdx.x] += weight_sums[threadIdx.x + width];
      bias_sums[threadIdx.x] += bias_sums[threadIdx.x + width];
    }
  }
  if (threadIdx.x == 0) {
    p.grad_weight[blockIdx.x] = static_cast<float>(weight_sums[0]);
    p.grad_bias[blockIdx.x] = static_cast<float>(bias_sums[0]);
  }
}

}  // namespace scan
}  // namespace inpaint
