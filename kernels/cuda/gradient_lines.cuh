// Where the lines of a backward scan lie, and the walks over them that both backward strategies
// take.
//
// The gradient runs against the scan, so lines are walked from their last element to their first:
// `down` and `right` from the far end, `up` and `left` from row and column 0. The four directions'
// shares of grad_x are added up in fp32 in the order down, up, right, left; the last one writes
// grad_x in its own type. Nothing is added atomically, so the result is the same every time.
#pragma once

#include "../common/affine_map.h"
#include "params.h"
#include "row_tile.cuh"

namespace inpaint {
namespace scan {

// Where a line's pair of sums lies: columns up, rows right, columns down, rows left.
INPAINT_HD std::int64_t line_sums_begin(const BackwardParams& p, int direction) {
  const std::int64_t columns = p.planes * p.width;
  const std::int64_t rows = p.planes * p.height;
  return (direction / 2) * (columns + rows) + (direction % 2) * columns;
}

INPAINT_HD void save_line_sums(const BackwardParams& p, int direction, std::int64_t line,
                               float grad_weight, float grad_bias) {
  float* to = p.line_sums + 2 * (line_sums_begin(p, direction) + line);
  to[0] = grad_weight;
  to[1] = grad_bias;
}

// One element of a walk. State is BackwardState or AffineMap.
template <class State>
INPAINT_HD void take_back(State& state, bool is_last, float w, float y, float grad_y) {
  if (is_last) {
    state.begin(y, grad_y);
  } else {
    state.step(w, y, grad_y);
  }
}

// A group of neighbouring columns of one plane, kBytes wide. kReverse: the scan ran up.
template <class T, int kBytes, bool kReverse>
struct ColumnGradients {
  static constexpr int kColumns = kBytes / static_cast<int>(sizeof(T));
  static constexpr int kDirection = kReverse ? kUp : kDown;

  const T* y;           // the first row that is walked
  const T* grad_y;      // the same
  float* sum;           // the same
  std::int64_t stride;  // from one row to the next
  std::int64_t line;    // of the first column, among all planes'
  int rows;
  float w;

  __device__ static __forceinline__ std::int64_t groups(const BackwardParams& p) {
    return p.planes * (p.width / kColumns);
  }

  __device__ __forceinline__ ColumnGradients(const BackwardParams& p, std::int64_t group) {
    const std::int64_t groups_in_row = p.width / kColumns;
    const std::int64_t plane = group / groups_in_row;
    const std::int64_t column = (group - plane * groups_in_row) * kColumns;
    w = load_parameter<T>(p.weight, p.parameters_are_float,
                          parameter_index(plane, p.channels, kDirection));
    rows = p.height;
    line = plane * p.width + column;
    stride = kReverse ? p.width : -static_cast<std::int64_t>(p.width);
    const std::int64_t size = static_cast<std::int64_t>(p.height) * p.width;
    const std::int64_t start = column + (kReverse ? 0 : size - p.width);
    const std::int64_t from = output_plane(plane, p.channels, kDirection) * size + start;
    y = static_cast<const T*>(p.y) + from;
    grad_y = static_cast<const T*>(p.grad_y) + from;
    sum = p.sum + plane * size + start;
  }
};

constexpr int kGradientTile = kWarp;  // a row warp's tiles are 32 lines by 32 columns, in fp32
constexpr int kTilePitch = kGradientTile + 1;  // odd: a column of the tile touches all banks
constexpr int kTileFloats = kGradientTile * kTilePitch;
constexpr int kRowWarpFloats = 2 * kTileFloats;  // a tile of y and one of grad_y
constexpr int kSumsAhead = 8;                    // rows of the sum that a lane has on the way

// Rows [first_line, first_line + rows) of all planes', one a lane, walked a tile at a time. Tiles
// are counted in the order of the walk. kReverse: the scan ran left.
template <class T, bool kReverse>
struct RowGradients {
  static constexpr int kDirection = kReverse ? kLeft : kRight;

  const T* y;                // Y, whole
  const T* grad_y;           // the same
  float* sum;                // the first line
  T* grad_x;                 // the same
  std::int64_t line_offset;  // in Y, of this lane's line
  std::int64_t line;         // this lane's, among all planes'
  int rows;                  // 32, or fewer at the end
  int width;
  int tiles;
  float w;

  __device__ __forceinline__ RowGradients(const BackwardParams& p, std::int64_t first_line) {
    const int lane = threadIdx.x % kWarp;
    const std::int64_t left = p.planes * p.height - first_line;
    rows = left < kWarp ? static_cast<int>(left) : kWarp;
    width = p.width;
    tiles = (p.width + kGradientTile - 1) / kGradientTile;
    line = first_line + (lane < rows ? lane : rows - 1);
    const std::int64_t plane = line / p.height;
    w = load_parameter<T>(p.weight, p.parameters_are_float,
                          parameter_index(plane, p.channels, kDirection));
    const std::int64_t to_plane = output_plane(plane, p.channels, kDirection);
    line_offset = (to_plane * p.height + (line - plane * p.height)) * p.width;
    y = static_cast<const T*>(p.y);
    grad_y = static_cast<const T*>(p.grad_y);
    sum = p.sum + first_line * p.width;
    grad_x = static_cast<T*>(p.grad_x) + first_line * p.width;
  }

  __device__ __forceinline__ bool has_line(int lane) const { return lane < rows; }

  __device__ __forceinline__ int column_of(int tile) const {
    return (kReverse ? tile : tiles - 1 - tile) * kGradientTile;
  }

  __device__ __forceinline__ int columns_of(int tile) const {
    const int left = width - column_of(tile);
    return left < kGradientTile ? left : kGradientTile;
  }

  __device__ __forceinline__ void load(float* y_tile, float* g_tile, int tile, int lane) const {
    const int column = column_of(tile);
    const bool inside = lane < columns_of(tile);
#pragma unroll 8
    for (int row = 0; row < kGradientTile; ++row) {
      const std::int64_t offset = __shfl_sync(kFullWarp, line_offset, row) + column + lane;
      if (row < rows && inside) {
        unpack<T, sizeof(T)>(load_global<sizeof(T)>(y + offset), y_tile + row * kTilePitch + lane);
        unpack<T, sizeof(T)>(load_global<sizeof(T)>(grad_y + offset),
                             g_tile + row * kTilePitch + lane);
      }
    }
  }

  // Takes the tile's steps along this lane's row. after(at, state) is called for each element.
  template <class State, class After>
  __device__ __forceinline__ void walk(const float* y_tile, const float* g_tile, int tile, int lane,
                                       State& state, After&& after) const {
    const int columns = columns_of(tile);
    for (int k = 0; k < columns; ++k) {
      const int at = lane * kTilePitch + (kReverse ? k : columns - 1 - k);
      take_back(state, tile == 0 && k == 0, w, y_tile[at], g_tile[at]);
      after(at, state);
    }
  }

  // The same, leaving this direction's share of grad_x in place of grad_y.
  __device__ __forceinline__ void walk_and_keep(const float* y_tile, float* g_tile, int tile,
                                                int lane, BackwardState& state) const {
    walk(y_tile, g_tile, tile, lane, state,
         [&](int at, const BackwardState& now) { g_tile[at] = now.s; });
  }

  // Adds the tile to the sum. kLast: this direction is the last, and writes grad_x.
  template <bool kLast>
  __device__ __forceinline__ void add(const float* g_tile, int tile, int lane) const {
    const int column = column_of(tile) + lane;
    const bool inside = lane < columns_of(tile);
    // Loads first, then stores: the compiler cannot know that the rows do not overlap.
    for (int row = 0; row < rows; row += kSumsAhead) {
      float total[kSumsAhead];
#pragma unroll
      for (int k = 0; k < kSumsAhead; ++k) {
        if (row + k < rows && inside) {
          total[k] = sum[static_cast<std::int64_t>(row + k) * width + column];
        }
      }
#pragma unroll
      for (int k = 0; k < kSumsAhead; ++k) {
        if (row + k < rows && inside) {
          const std::int64_t at = static_cast<std::int64_t>(row + k) * width + column;
          const float added = total[k] + g_tile[(row + k) * kTilePitch + lane];
          if (kLast) {
            grad_x[at] = from_float<T>(added);
          } else {
            sum[at] = added;
          }
        }
      }
    }
  }
};

}  // namespace scan
}  // namespace inpaint
