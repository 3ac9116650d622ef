// Backward, one thread a line: for shapes with lines enough to fill the device. Two launches,
// columns then rows. A line's two directions are walked one after the other by the same thread or
// warp, which adds to what it wrote itself.
#pragma once

#include "gradient_lines.cuh"

namespace inpaint {
namespace scan {

constexpr int kBackwardThreads = 128;
constexpr int kBackwardDepth = 8;  // rows that a thread has on the way
constexpr int kBackwardRowShared =
    (kBackwardThreads / kWarp) * kRowWarpFloats * static_cast<int>(sizeof(float));

// kAdd: the sum holds the other direction's share already.
template <class T, int kBytes, bool kReverse, bool kAdd>
__device__ __forceinline__ void stream_columns_back(const BackwardParams& p, std::int64_t group) {
  using Lines = ColumnGradients<T, kBytes, kReverse>;
  constexpr int kColumns = Lines::kColumns;
  const Lines lines(p, group);

  BackwardState state[kColumns];
#pragma unroll
  for (int j = 0; j < kColumns; ++j) state[j] = BackwardState::carried(0.0f);
  for (int i = 0; i < lines.rows; i += kBackwardDepth) {
    Packet<kBytes> y[kBackwardDepth];
    Packet<kBytes> g[kBackwardDepth];
    float total[kBackwardDepth][kColumns];
#pragma unroll
    for (int k = 0; k < kBackwardDepth; ++k) {
      if (i + k < lines.rows) {
        const std::int64_t at = (i + k) * lines.stride;
        y[k] = load_global<kBytes>(lines.y + at);
        g[k] = load_global<kBytes>(lines.grad_y + at);
#pragma unroll
        for (int j = 0; j < kColumns; ++j) total[k][j] = kAdd ? lines.sum[at + j] : 0.0f;
      }
    }
#pragma unroll
    for (int k = 0; k < kBackwardDepth; ++k) {
      if (i + k < lines.rows) {
        float y_value[kColumns];
        float g_value[kColumns];
        unpack<T, kBytes>(y[k], y_value);
        unpack<T, kBytes>(g[k], g_value);
#pragma unroll
        for (int j = 0; j < kColumns; ++j) {
          take_back(state[j], k == 0 && i == 0, lines.w, y_value[j], g_value[j]);
          lines.sum[(i + k) * lines.stride + j] = total[k][j] + state[j].s;
        }
      }
    }
  }
#pragma unroll
  for (int j = 0; j < kColumns; ++j) {
    save_line_sums(p, Lines::kDirection, lines.line + j, state[j].grad_weight, state[j].grad_bias);
  }
}

template <class T, int kBytes>
__global__ void __launch_bounds__(kBackwardThreads, 4)
    backward_columns_streaming(const BackwardParams p) {
  const std::int64_t group = static_cast<std::int64_t>(blockIdx.x) * kBackwardThreads + threadIdx.x;
  if (group >= ColumnGradients<T, kBytes, false>::groups(p)) return;
  stream_columns_back<T, kBytes, false, false>(p, group);
  stream_columns_back<T, kBytes, true, true>(p, group);
}

template <class T, bool kReverse, bool kLast>
__device__ __forceinline__ void stream_rows_back(const BackwardParams& p, std::int64_t first_line,
                                                 float* y_tile, float* g_tile) {
  const RowGradients<T, kReverse> lines(p, first_line);
  const int lane = threadIdx.x % kWarp;
  BackwardState state = BackwardState::carried(0.0f);
  for (int t = 0; t < lines.tiles; ++t) {
    lines.load(y_tile, g_tile, t, lane);
    __syncwarp();  // the tiles are filled
    if (lines.has_line(lane)) lines.walk_and_keep(y_tile, g_tile, t, lane, state);
    __syncwarp();  // g_tile holds this direction's share of grad_x
    lines.template add<kLast>(g_tile, t, lane);
    __syncwarp();  // the tiles are free
  }
  if (lines.has_line(lane)) {
    save_line_sums(p, lines.kDirection, lines.line, state.grad_weight, state.grad_bias);
  }
}

template <class T>
__global__ void __launch_bounds__(kBackwardThreads, 4)
    backward_rows_streaming(const BackwardParams p) {
  extern __shared__ __align__(16) unsigned char scan_shared[];
  const int warp = threadIdx.x / kWarp;
  const std::int64_t first_line =
      (static_cast<std::int64_t>(blockIdx.x) * (kBackwardThreads / kWarp) + warp) * kWarp;
  if (first_line >= p.planes * p.height) return;
  float* y_tile = reinterpret_cast<float*>(scan_shared) + warp * kRowWarpFloats;
  float* g_tile = y_tile + kTileFloats;
  // Each element of the sum is the same lane's both times.
  stream_rows_back<T, false, false>(p, first_line, y_tile, g_tile);
  stream_rows_back<T, true, true>(p, first_line, y_tile, g_tile);
}

}  // namespace scan
}  // namespace inpaint
