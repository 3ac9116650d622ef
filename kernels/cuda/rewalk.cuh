// What the fast kernels are compared with in speed: one thread a pixel, which walks its line from
// the line's beginning to the pixel, for each of the four directions. This is how the public CUDA
// kernels of this recurrence work. fp32 only, benchmark only.
#pragma once

#include <cstdint>

#include "../common/indexing.h"
#include "../common/step.h"

namespace inpaint {
namespace scan {

__device__ inline float rewalk_line(const float* x, std::int64_t stride, int steps, float w,
                                    float b) {
  LineState state;
  state.begin(x[0]);
  for (int i = 1; i <= steps; ++i) state.step(w, b + x[i * stride]);
  return state.h;
}

__global__ void rewalk(const float* x, const float* weight, const float* bias, float* y,
                       std::int64_t count, int channels, int height, int width) {
  const std::int64_t index = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (index >= count) return;
  const int column = static_cast<int>(index % width);
  const int row = static_cast<int>(index / width % height);
  const std::int64_t plane = index / width / height;
  const int c = static_cast<int>(plane % channels);
  const std::int64_t size = static_cast<std::int64_t>(height) * width;
  const float* in = x + plane * size;
  const std::int64_t at = static_cast<std::int64_t>(row) * width + column;
  const auto out = [&](int d) -> float& { return y[output_plane(plane, channels, d) * size + at]; };
  const auto w = [&](int d) { return weight[d * channels + c]; };
  const auto b = [&](int d) { return bias[d * channels + c]; };
  out(kDown) = rewalk_line(in + column, width, row, w(kDown), b(kDown));
  out(kUp) = rewalk_line(in + size - width + column, -width, height - 1 - row, w(kUp), b(kUp));
  out(kRight) =
      rewalk_line(in + static_cast<std::int64_t>(row) * width, 1, column, w(kRight), b(kRight));
  out(kLeft) = rewalk_line(in + static_cast<std::int64_t>(row + 1) * width - 1, -1,
                           width - 1 - column, w(kLeft), b(kLeft));
}

}  // namespace scan
}  // namespace inpaint
