// Forward, one thread a line: for shapes with lines enough to fill the device.
//
// A block has 128 threads and scans 64 lines (columns: 64 groups of neighbouring columns) both
// ways: warps 0 and 1 from the first element to the last, warps 2 and 3 back. Each line is read as
// a stream, kept ahead of the scan by a ring: registers for columns, shared memory for rows.
// Nothing in a block waits for another warp, so there is no block-wide barrier.
#pragma once

#include "params.h"
#include "row_tile.cuh"

namespace inpaint {
namespace scan {

constexpr int kStreamThreads = 128;
constexpr int kStreamLines = kStreamThreads / 2;  // per block
constexpr int kRowStages = 3;                     // tiles a warp holds: one scanned, two on the way
constexpr int kColumnDepth = 16;                  // rows a thread holds ahead
constexpr int kStreamShared = (kStreamThreads / kWarp) * kRowStages * 4096;

// kBytes: what a thread takes of each row, one or more neighbouring columns of one plane.
template <class T, int kBytes>
__device__ __forceinline__ void stream_columns(const ForwardParams& p, std::int64_t block) {
  constexpr int kColumns = kBytes / static_cast<int>(sizeof(T));
  const bool reverse = threadIdx.x >= kStreamLines;
  const int direction = reverse ? kUp : kDown;
  const std::int64_t groups_in_row = p.width / kColumns;
  const std::int64_t group = block * kStreamLines + threadIdx.x % kStreamLines;
  if (group >= p.planes * groups_in_row) return;
  const std::int64_t plane = group / groups_in_row;
  const std::int64_t column = (group - plane * groups_in_row) * kColumns;

  const std::int64_t parameter = parameter_index(plane, p.channels, direction);
  const float w = load_parameter<T>(p.weight, p.parameters_are_float, parameter);
  const float b = load_parameter<T>(p.bias, p.parameters_are_float, parameter);

  const int rows = p.height;
  const std::int64_t plane_size = static_cast<std::int64_t>(rows) * p.width;
  const std::int64_t start = column + (reverse ? plane_size - p.width : 0);
  const std::int64_t stride = reverse ? -static_cast<std::int64_t>(p.width) : p.width;
  const T* x = static_cast<const T*>(p.x) + plane * plane_size + start;
  T* y = static_cast<T*>(p.y) + output_plane(plane, p.channels, direction) * plane_size + start;

  Packet<kBytes> ring[kColumnDepth];
#pragma unroll
  for (int k = 0; k < kColumnDepth; ++k) {
    if (k < rows) ring[k] = load_global<kBytes>(x + k * stride);
  }
  const T* ahead = x + kColumnDepth * stride;  // the next row to load

  LineState state[kColumns];
  float value[kColumns];
  unpack<T, kBytes>(ring[0], value);
#pragma unroll
  for (int j = 0; j < kColumns; ++j) {
    state[j].begin(value[j]);
    value[j] = state[j].h;
  }
  store_global(y, pack<T, kBytes>(value));
  if (kColumnDepth < rows) ring[0] = load_global<kBytes>(ahead);

  const auto take_row = [&](const Packet<kBytes>& packet) {
    unpack<T, kBytes>(packet, value);
#pragma unroll
    for (int j = 0; j < kColumns; ++j) {
      state[j].step(w, b + value[j]);
      value[j] = state[j].h;
    }
    y += stride;
    ahead += stride;
    store_global(y, pack<T, kBytes>(value));
  };

  // Ring slot k holds row i + k; it is read and refilled with row i + k + kColumnDepth. The slots
  // are numbered from 1, as row 0 is done: slot kColumnDepth is slot 0 again.
  int i = 0;
  for (; i + 2 * kColumnDepth < rows; i += kColumnDepth) {
#pragma unroll
    for (int k = 1; k <= kColumnDepth; ++k) {
      take_row(ring[k % kColumnDepth]);
      ring[k % kColumnDepth] = load_global<kBytes>(ahead);
    }
  }
  for (; i < rows; i += kColumnDepth) {
#pragma unroll
    for (int k = 1; k <= kColumnDepth; ++k) {
      if (i + k < rows) {
        take_row(ring[k % kColumnDepth]);
        if (i + k + kColumnDepth < rows) ring[k % kColumnDepth] = load_global<kBytes>(ahead);
      }
    }
  }
}

template <class T, int kCopyBytes, bool kReverse>
__device__ __forceinline__ void stream_rows(const ForwardParams& p, std::int64_t first_line,
                                            unsigned char* tiles) {
  using Tile = RowTile<T, kCopyBytes>;
  constexpr int kDirection = kReverse ? kLeft : kRight;
  const int lane = threadIdx.x % kWarp;
  const std::int64_t lines = p.planes * p.height;
  if (first_line >= lines) return;
  const std::int64_t lines_left = lines - first_line;
  const int rows = lines_left < Tile::kRows ? static_cast<int>(lines_left) : Tile::kRows;

  // Rows past the last repeat it, so that every lane has an address and a weight.
  const std::int64_t line = first_line + (lane < rows ? lane : rows - 1);
  const std::int64_t plane = line / p.height;
  const std::int64_t parameter = parameter_index(plane, p.channels, kDirection);
  const float w = load_parameter<T>(p.weight, p.parameters_are_float, parameter);
  const float b = load_parameter<T>(p.bias, p.parameters_are_float, parameter);
  const std::int64_t to_plane = output_plane(plane, p.channels, kDirection);
  const std::int64_t line_offset = (to_plane * p.height + (line - plane * p.height)) * p.width;
  const T* x = static_cast<const T*>(p.x) + first_line * p.width;
  T* y = static_cast<T*>(p.y);

  const int segments = (p.width + Tile::kColumns - 1) / Tile::kColumns;
  const auto column_of = [&](int s) { return (kReverse ? segments - 1 - s : s) * Tile::kColumns; };

#pragma unroll
  for (int s = 0; s < kRowStages - 1; ++s) {
    if (s < segments) Tile::load(tiles + s * Tile::kBytes, x, rows, column_of(s), p.width, lane);
    commit_copies();
  }
  LineState state = LineState::carried(0.0f);
  int slot = 0;  // of segment s
  int load_slot = kRowStages - 1;
  for (int s = 0; s < segments; ++s) {
    const int next = s + kRowStages - 1;
    if (next < segments) {
      Tile::load(tiles + load_slot * Tile::kBytes, x, rows, column_of(next), p.width, lane);
    }
    commit_copies();
    wait_for_copies<kRowStages - 1>();
    __syncwarp();  // every lane's copies have arrived
    unsigned char* tile = tiles + slot * Tile::kBytes;
    if (lane < rows) {
      Tile::template advance<kReverse, true>(tile, lane, column_of(s), p.width, w, b, state);
    }
    __syncwarp();  // every row is scanned
    Tile::store(tile, y, line_offset, rows, column_of(s), p.width, lane);
    __syncwarp();  // the tile is free
    load_slot = slot;
    slot = slot + 1 == kRowStages ? 0 : slot + 1;
  }
}

template <class T, int kCopyBytes, int kColumnBytes>
__global__ void __launch_bounds__(kStreamThreads, 4) forward_streaming(const ForwardParams p) {
  extern __shared__ __align__(16) unsigned char scan_shared[];
  const BlockRole role = block_role(blockIdx.x, p.grid);
  if (role.scans_columns) {
    stream_columns<T, kColumnBytes>(p, role.index);
    return;
  }
  constexpr int kWarps = kStreamThreads / kWarp;
  const int warp = threadIdx.x / kWarp;
  unsigned char* tiles = scan_shared + warp * kRowStages * RowTile<T, kCopyBytes>::kBytes;
  const std::int64_t first_line = role.index * kStreamLines + (warp % (kWarps / 2)) * kWarp;
  if (warp < kWarps / 2) {
    stream_rows<T, kCopyBytes, false>(p, first_line, tiles);
  } else {
    stream_rows<T, kCopyBytes, true>(p, first_line, tiles);
  }
}

}  // namespace scan
}  // namespace inpaint
