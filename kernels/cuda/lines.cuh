// Where the lines that a thread scans lie in X and Y, and their weight and bias: what both forward
// strategies begin with.
#pragma once

#include "params.h"
#include "row_tile.cuh"

namespace inpaint {
namespace scan {

// A group of neighbouring columns of one plane, kBytes wide, scanned down or up.
template <class T, int kBytes>
struct ColumnLines {
  static constexpr int kColumns = kBytes / static_cast<int>(sizeof(T));

  const T* x;           // the first row in scan order
  T* y;                 // the same
  std::int64_t stride;  // from one row to the next in scan order
  int rows;
  float w;
  float b;

  __device__ static __forceinline__ std::int64_t groups(const ForwardParams& p) {
    return p.planes * (p.width / kColumns);
  }

  __device__ __forceinline__ ColumnLines(const ForwardParams& p, std::int64_t group, bool reverse) {
    const std::int64_t groups_in_row = p.width / kColumns;
    const std::int64_t plane = group / groups_in_row;
    const std::int64_t column = (group - plane * groups_in_row) * kColumns;
    const int direction = reverse ? kUp : kDown;
    const std::int64_t parameter = parameter_index(plane, p.channels, direction);
    w = load_parameter<T>(p.weight, p.parameters_are_float, parameter);
    b = load_parameter<T>(p.bias, p.parameters_are_float, parameter);

    rows = p.height;
    stride = reverse ? -static_cast<std::int64_t>(p.width) : p.width;
    const std::int64_t size = static_cast<std::int64_t>(p.height) * p.width;
    const std::int64_t start = column + (reverse ? size - p.width : 0);
    x = static_cast<const T*>(p.x) + plane * size + start;
    y = static_cast<T*>(p.y) + output_plane(plane, p.channels, direction) * size + start;
  }
};

// Rows [first_line, first_line + rows) of all planes', one a lane, scanned right or left a tile at
// a time. Tiles are counted in scan order.
template <class T, int kCopyBytes, bool kReverse>
struct RowLines {
  using Tile = RowTile<T, kCopyBytes>;

  const T* x;                // the first line
  T* y;                      // Y, whole
  std::int64_t line_offset;  // in Y, of this lane's line
  int rows;                  // 32, or fewer at the end
  int width;
  int tiles;
  float w;
  float b;

  __device__ __forceinline__ RowLines(const ForwardParams& p, std::int64_t first_line) {
    constexpr int kDirection = kReverse ? kLeft : kRight;
    const std::int64_t left = p.planes * p.height - first_line;
    rows = left < Tile::kRows ? static_cast<int>(left) : Tile::kRows;
    width = p.width;
    tiles = (p.width + Tile::kColumns - 1) / Tile::kColumns;

    // Lanes past the last row repeat it, so that each has an address and a weight.
    const int lane = threadIdx.x % kWarp;
    const std::int64_t line = first_line + (lane < rows ? lane : rows - 1);
    const std::int64_t plane = line / p.height;
    const std::int64_t parameter = parameter_index(plane, p.channels, kDirection);
    w = load_parameter<T>(p.weight, p.parameters_are_float, parameter);
    b = load_parameter<T>(p.bias, p.parameters_are_float, parameter);
    const std::int64_t to_plane = output_plane(plane, p.channels, kDirection);
    line_offset = (to_plane * p.height + (line - plane * p.height)) * p.width;
    x = static_cast<const T*>(p.x) + first_line * p.width;
    y = static_cast<T*>(p.y);
  }

  __device__ __forceinline__ bool has_line(int lane) const { return lane < rows; }

  __device__ __forceinline__ int column_of(int tile) const {
    return (kReverse ? tiles - 1 - tile : tile) * Tile::kColumns;
  }

  // Starts copying a tile of X to shared memory.
  __device__ __forceinline__ void load(unsigned char* shared, int tile, int lane) const {
    Tile::load(shared, x, rows, column_of(tile), width, lane);
  }

  // Takes the tile's steps along this lane's row; kWrite leaves the states in place of x.
  template <bool kWrite, class State>
  __device__ __forceinline__ void advance(unsigned char* shared, int tile, int lane,
                                          State& state) const {
    Tile::template advance<kReverse, kWrite>(shared, lane, column_of(tile), width, w, b, state);
  }

  // Writes the tile to Y.
  __device__ __forceinline__ void store(const unsigned char* shared, int tile, int lane) const {
    Tile::store(shared, y, line_offset, rows, column_of(tile), width, lane);
  }
};

}  // namespace scan
}  // namespace inpaint
