// Backward, one thread a line. Two launches, columns then rows, and a third that adds up the lines'
// weight and bias gradients; no atomics, so the result is the same every time.
//
// A line's two directions are done one after the other by the same thread or warp, which adds to
// its own elements of the fp32 sum: the four directions' shares of grad_x are summed in the order
// down, up, right, left. The last one writes grad_x in its own type.
#pragma once

#include "params.h"
#include "row_tile.cuh"

namespace inpaint {
namespace scan {

constexpr int kBackwardThreads = 128;
constexpr int kBackwardDepth = 8;     // loads that a thread has on the way
constexpr int kBackwardTile = kWarp;  // a row warp's tile is 32 lines by 32 columns, in fp32
constexpr int kTilePitch = kBackwardTile + 1;  // odd: a column of the tile touches all banks
constexpr int kSumShared = 2 * kBackwardThreads * static_cast<int>(sizeof(double));
constexpr int kBackwardRowShared =
    (kBackwardThreads / kWarp) * 2 * kBackwardTile * kTilePitch * static_cast<int>(sizeof(float));

// Where a line's pair of sums lies: columns up, rows right, columns down, rows left.
INPAINT_HD std::int64_t line_sums_begin(const BackwardParams& p, int direction) {
  const std::int64_t columns = p.planes * p.width;
  const std::int64_t rows = p.planes * p.height;
  return (direction / 2) * (columns + rows) + (direction % 2) * columns;
}

INPAINT_HD void save_line_sums(const BackwardParams& p, int direction, std::int64_t line,
                               const BackwardState& state) {
  float* to = p.line_sums + 2 * (line_sums_begin(p, direction) + line);
  to[0] = state.grad_weight;
  to[1] = state.grad_bias;
}

// kAdd: the sum holds the other direction's share already.
template <class T, int kBytes, bool kReverse, bool kAdd>
__device__ __forceinline__ void backward_columns_one_way(const BackwardParams& p,
                                                         std::int64_t plane, std::int64_t column) {
  constexpr int kColumns = kBytes / static_cast<int>(sizeof(T));
  constexpr int kDirection = kReverse ? kUp : kDown;
  const float w = load_parameter<T>(p.weight, p.parameters_are_float,
                                    parameter_index(plane, p.channels, kDirection));
  const int rows = p.height;
  const std::int64_t plane_size = static_cast<std::int64_t>(rows) * p.width;
  // The gradient runs against the scan: `up` scans towards row 0, so its gradient starts there.
  const std::int64_t start = column + (kReverse ? 0 : plane_size - p.width);
  const std::int64_t stride = kReverse ? p.width : -static_cast<std::int64_t>(p.width);
  const std::int64_t from = output_plane(plane, p.channels, kDirection) * plane_size + start;
  const T* y = static_cast<const T*>(p.y) + from;
  const T* grad_y = static_cast<const T*>(p.grad_y) + from;
  float* sum = p.sum + plane * plane_size + start;

  BackwardState state[kColumns];
#pragma unroll
  for (int j = 0; j < kColumns; ++j) state[j] = BackwardState::start();
  for (int i = 0; i < rows; i += kBackwardDepth) {
    Packet<kBytes> y_ahead[kBackwardDepth];
    Packet<kBytes> g_ahead[kBackwardDepth];
    float sum_ahead[kBackwardDepth][kColumns];
#pragma unroll
    for (int k = 0; k < kBackwardDepth; ++k) {
      if (i + k < rows) {
        y_ahead[k] = load_global<kBytes>(y + (i + k) * stride);
        g_ahead[k] = load_global<kBytes>(grad_y + (i + k) * stride);
#pragma unroll
        for (int j = 0; j < kColumns; ++j) {
          sum_ahead[k][j] = kAdd ? sum[(i + k) * stride + j] : 0.0f;
        }
      }
    }
#pragma unroll
    for (int k = 0; k < kBackwardDepth; ++k) {
      if (i + k < rows) {
        float y_value[kColumns];
        float g_value[kColumns];
        unpack<T, kBytes>(y_ahead[k], y_value);
        unpack<T, kBytes>(g_ahead[k], g_value);
#pragma unroll
        for (int j = 0; j < kColumns; ++j) {
          sum[(i + k) * stride + j] = sum_ahead[k][j] + state[j].step(w, y_value[j], g_value[j]);
        }
      }
    }
  }
#pragma unroll
  for (int j = 0; j < kColumns; ++j) {
    save_line_sums(p, kDirection, plane * p.width + column + j, state[j]);
  }
}

template <class T, int kBytes>
__global__ void __launch_bounds__(kBackwardThreads) backward_columns(const BackwardParams p) {
  constexpr int kColumns = kBytes / static_cast<int>(sizeof(T));
  const std::int64_t groups_in_row = p.width / kColumns;
  const std::int64_t group = static_cast<std::int64_t>(blockIdx.x) * kBackwardThreads + threadIdx.x;
  if (group >= p.planes * groups_in_row) return;
  const std::int64_t plane = group / groups_in_row;
  const std::int64_t column = (group - plane * groups_in_row) * kColumns;
  backward_columns_one_way<T, kBytes, false, false>(p, plane, column);
  backward_columns_one_way<T, kBytes, true, true>(p, plane, column);
}

// kLast: this direction is the last to be added, and writes grad_x.
template <class T, bool kReverse, bool kLast>
__device__ __forceinline__ void backward_rows_one_way(const BackwardParams& p,
                                                      std::int64_t first_line, int rows,
                                                      float* y_tile, float* g_tile) {
  constexpr int kDirection = kReverse ? kLeft : kRight;
  const int lane = threadIdx.x % kWarp;
  const std::int64_t line = first_line + (lane < rows ? lane : rows - 1);
  const std::int64_t plane = line / p.height;
  const float w = load_parameter<T>(p.weight, p.parameters_are_float,
                                    parameter_index(plane, p.channels, kDirection));
  const std::int64_t to_plane = output_plane(plane, p.channels, kDirection);
  const std::int64_t line_offset = (to_plane * p.height + (line - plane * p.height)) * p.width;
  const T* y = static_cast<const T*>(p.y);
  const T* grad_y = static_cast<const T*>(p.grad_y);
  const std::int64_t x_offset = first_line * p.width;
  float* sum = p.sum + x_offset;
  T* grad_x = static_cast<T*>(p.grad_x) + x_offset;

  const int segments = (p.width + kBackwardTile - 1) / kBackwardTile;
  BackwardState state = BackwardState::start();
  for (int s = 0; s < segments; ++s) {
    // The gradient runs against the scan: `left` scans towards column 0, so its gradient starts
    // there.
    const int column = (kReverse ? s : segments - 1 - s) * kBackwardTile;
    const int columns = p.width - column < kBackwardTile ? p.width - column : kBackwardTile;
#pragma unroll 8
    for (int row = 0; row < kBackwardTile; ++row) {
      const std::int64_t offset = __shfl_sync(kFullWarp, line_offset, row) + column + lane;
      if (row < rows && lane < columns) {
        unpack<T, sizeof(T)>(load_global<sizeof(T)>(y + offset), y_tile + row * kTilePitch + lane);
        unpack<T, sizeof(T)>(load_global<sizeof(T)>(grad_y + offset),
                             g_tile + row * kTilePitch + lane);
      }
    }
    __syncwarp();  // the tiles are filled
    if (lane < rows) {
      for (int k = 0; k < columns; ++k) {
        const int at = lane * kTilePitch + (kReverse ? k : columns - 1 - k);
        g_tile[at] = state.step(w, y_tile[at], g_tile[at]);
      }
    }
    __syncwarp();  // g_tile holds this direction's share of grad_x
    // Loads first, then stores: the compiler cannot know that the rows do not overlap.
    for (int row = 0; row < rows; row += kBackwardDepth) {
      float total[kBackwardDepth];
#pragma unroll
      for (int k = 0; k < kBackwardDepth; ++k) {
        if (row + k < rows && lane < columns) {
          total[k] = sum[static_cast<std::int64_t>(row + k) * p.width + column + lane];
        }
      }
#pragma unroll
      for (int k = 0; k < kBackwardDepth; ++k) {
        if (row + k < rows && lane < columns) {
          const std::int64_t at = static_cast<std::int64_t>(row + k) * p.width + column + lane;
          const float added = total[k] + g_tile[(row + k) * kTilePitch + lane];
          if (kLast) {
            grad_x[at] = from_float<T>(added);
          } else {
            sum[at] = added;
          }
        }
      }
    }
    __syncwarp();  // the tiles are free
  }
  if (lane < rows) save_line_sums(p, kDirection, line, state);
}

template <class T>
__global__ void __launch_bounds__(kBackwardThreads) backward_rows(const BackwardParams p) {
  extern __shared__ __align__(16) unsigned char scan_shared[];
  const int warp = threadIdx.x / kWarp;
  float* tiles = reinterpret_cast<float*>(scan_shared) + warp * 2 * kBackwardTile * kTilePitch;
  const std::int64_t first_line =
      (static_cast<std::int64_t>(blockIdx.x) * (kBackwardThreads / kWarp) + warp) * kWarp;
  const std::int64_t lines_left = p.planes * p.height - first_line;
  if (lines_left <= 0) return;
  const int rows = lines_left < kWarp ? static_cast<int>(lines_left) : kWarp;
  float* y_tile = tiles;
  float* g_tile = tiles + kBackwardTile * kTilePitch;
  // The warp adds to what it wrote itself: each element is the same lane's both times.
  backward_rows_one_way<T, false, false>(p, first_line, rows, y_tile, g_tile);
  backward_rows_one_way<T, true, true>(p, first_line, rows, y_tile, g_tile);
}

// One block for each of the 4*C weights: adds up its lines, each thread a fixed share of them, then
// the threads pairwise. In double, since lines can be many.
static __global__ void __launch_bounds__(kBackwardThreads) sum_lines(const BackwardParams p) {
  extern __shared__ __align__(16) unsigned char scan_shared[];
  double* weight_sums = reinterpret_cast<double*>(scan_shared);
  double* bias_sums = weight_sums + kBackwardThreads;
  const int direction = static_cast<int>(blockIdx.x / p.channels);
  const std::int64_t channel = blockIdx.x % p.channels;
  const std::int64_t lines = direction % 2 == 0 ? p.width : p.height;
  const float* sums = p.line_sums + 2 * line_sums_begin(p, direction);
  double weight_sum = 0.0;
  double bias_sum = 0.0;
  for (std::int64_t plane = channel; plane < p.planes; plane += p.channels) {
    for (std::int64_t i = threadIdx.x; i < lines; i += kBackwardThreads) {
      weight_sum += sums[2 * (plane * lines + i)];
      bias_sum += sums[2 * (plane * lines + i) + 1];
    }
  }
  weight_sums[threadIdx.x] = weight_sum;
  bias_sums[threadIdx.x] = bias_sum;
  for (unsigned width = kBackwardThreads / 2; width > 0; width /= 2) {
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
